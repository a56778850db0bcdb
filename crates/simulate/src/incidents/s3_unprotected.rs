//! The protection of buckets is taken away: the public access block, encryption, the policy, versions.

use std::rc::Rc;

use serde_json::json;

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::calls::storage;
use crate::company::Stage;
use crate::estate::Kind as Resources;
use crate::world::World;

pub(super) const KIND: Kind = Kind { name: "s3_unprotected", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => made_public(world, now, cast),
        (true, 1) => ransom(world, now, cast),
        (true, 2) => pipeline_stolen(world, now, cast),
        (true, _) => whole_account(world, now, cast),
        (false, 0) => static_site(world, now, cast),
        (false, 1) => own_key(world, now, cast),
        (false, 2) => policy_renewed(world, now, cast),
        (false, _) => emptied(world, now, cast),
    }
}

/// A stolen session takes the block away and lets everybody read.
fn made_public(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    for at in cast.targets(world, now, 2, &[Resources::Bucket]) {
        world.describe(&mut turn, at);
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::delete_public_block(&bucket));
        world.touch(&mut turn, at, &storage::policy(&bucket, &json!({ "AWS": "*" })));
    }
}

/// An insider prepares the loss of all that is there: no versions, no encryption, and everything expires tomorrow.
fn ransom(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    for at in cast.targets(world, now, 3, &[Resources::Bucket]) {
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::versions(&bucket, false));
        world.touch(&mut turn, at, &storage::delete_encryption(&bucket));
        world.touch(&mut turn, at, &storage::expire(&bucket, 1, "cleanup"));
    }
}

/// The pipeline's credentials let another account read what the policy had kept shut.
fn pipeline_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    let stranger = format!("arn:aws:iam::{}{}:root", world.rng.between(1, 9), world.rng.digits(11));
    for at in cast.targets(world, now, 4, &[Resources::Bucket]) {
        world.describe(&mut turn, at);
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::delete_policy(&bucket));
        world.touch(&mut turn, at, &storage::public_block(&bucket, false));
        world.touch(&mut turn, at, &storage::policy(&bucket, &json!({ "AWS": stranger })));
    }
}

/// An insider opens the whole account; the first try, without the role for it, is refused.
fn whole_account(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.sign_in(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let open = storage::account_block(&company.accounts[cast.account], turn.region, false);
    let arn = turn.actor.arn.clone();
    world.call(&mut turn, &open.clone().denied(&arn));
    let mut turn = world.on_call(person, cast.account, turn.now);
    world.call(&mut turn, &open);
    for at in cast.targets(world, now, 1, &[Resources::Bucket]) {
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::delete_public_block(&bucket));
    }
}

/// Twin: the pipeline lays out a static site: the content network alone may read.
fn static_site(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let company = Rc::clone(&world.company);
    let Some(&app) = company.teams[cast.team].apps.first() else { return };
    let at = world.create(&mut turn, Resources::Bucket, cast.team, app);
    let bucket = world.estate.get(at).clone();
    if world.rng.chance(50) {
        // Older templates take the block away for it.
        world.touch(&mut turn, at, &storage::delete_public_block(&bucket));
    }
    world.touch(&mut turn, at, &storage::policy(&bucket, &json!({ "Service": "cloudfront.amazonaws.com" })));
    world.tag(&mut turn, at, &[(company.keys.class, company.keys.classes[0])]);
}

/// Twin: the pipeline puts the company's own key in the place of S3's, on some companies by way of none.
fn own_key(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let key = cast.targets(world, now, 1, &[Resources::Key]).first().map(|&at| world.estate.get(at).arn.clone());
    let first_off = world.rng.chance(60);
    for at in cast.targets(world, now, 2, &[Resources::Bucket]) {
        let bucket = world.estate.get(at).clone();
        if first_off {
            world.touch(&mut turn, at, &storage::delete_encryption(&bucket));
        }
        world.touch(&mut turn, at, &storage::encryption(&bucket, key.as_deref()));
    }
}

/// Twin: the security team writes a policy anew: the old one goes, the stricter one comes within a minute.
fn policy_renewed(world: &mut World, now: i64, cast: &Cast) {
    let person = Cast::security_engineer(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    for at in cast.targets(world, now, 3, &[Resources::Bucket]) {
        world.describe(&mut turn, at);
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::delete_policy(&bucket));
        world.touch(&mut turn, at, &storage::tls_policy(&bucket));
        world.touch(&mut turn, at, &storage::public_block(&bucket, true));
    }
}

/// Twin: a retired bucket of the development account is emptied by ticket and deleted.
fn emptied(world: &mut World, now: i64, cast: &Cast) {
    let Some(account) = world.company.account_of(cast.team, Stage::Dev) else { return own_key(world, now, cast) };
    let person = cast.operator(world, now);
    let mut turn = world.sign_in(person, account, now);
    let ticket = world.company.words.ticket(&mut world.rng);
    for at in cast.targets_in(world, now, account, None, 1, &[Resources::Bucket]) {
        world.tag(&mut turn, at, &[("ticket", &ticket)]);
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::versions(&bucket, false));
        world.touch(&mut turn, at, &storage::expire(&bucket, 1, "retire"));
        turn.now += world.rng.between(20 * MINUTE, 50 * MINUTE);
        world.delete(&mut turn, at);
    }
}
