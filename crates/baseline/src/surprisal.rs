//! How unexpected a value is, from the counters, with back-off to wider contexts.
//!
//! Let `n` be how often a context occurred, `K` how many values occurred in it, `m` how often this one. Prediction by
//! partial matching, escape method C, with update exclusion (Moffat 1990, "Implementing the PPM data compression
//! scheme"; the escape is Witten and Bell 1991, method A to D compared there):
//!
//! - seen here: `p = max(m, K) / (n + K)`. A value that was seen is never rarer than one that was not: without the
//!   `max` a build number seen once would be odder than a new one.
//! - not seen here: `p = K / (n + K) * p(wider)`; after the widest context only the escape is left, so that "new" is
//!   one outcome, however many new values there could be. Where each value is new (`K = n`), a new one is half
//!   expected; where two values alternate 4,000 times, a third is a surprise.
//! - nothing known here (`n = 0`): `p(wider)`, so a new actor is judged as its peers are.
//!
//! A wider context learns a value only when a narrower one met it for the first time. So it counts who has done a
//! thing, not how often, and one busy job does not make its calls normal for everybody.
//!
//! The plain surprisal is `-ln p`. Contexts differ in how much they say at the best of times, so each narrow context
//! also keeps the mean of its surprisals, and `beyond` is what exceeds it.

use crate::features::{Feature, Kind};
use crate::table::{Counter, Table};

/// What is less surprising than one in twenty, -ln(1/20), is neither a reason nor anomalous.
pub(crate) const ORDINARY: f64 = 3.0;

/// A surprisal, in nats.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Surprisal {
    /// `-ln p`.
    pub(crate) plain: f64,
    /// What of it exceeds the mean of its narrowest context.
    pub(crate) beyond: f64,
}

/// How unexpected the value is.
pub(crate) fn judge(table: &Table, feature: &Feature) -> Surprisal {
    let mut usual = None;
    // One logarithm at the end: three factors of at least 2^-33 each do not underflow.
    let mut p = 1.0;
    for (context, value) in feature.levels() {
        let context = table.get(context);
        usual.get_or_insert(f64::from(context.usual));
        if context.count == 0 {
            continue;
        }
        let (n, k) = (f64::from(context.count), f64::from(context.distinct.max(1)));
        let m = f64::from(table.get(value).count);
        p *= m.max(k) / (n + k);
        if m > 0.0 {
            break;
        }
    }
    let plain = -f64::ln(p);
    Surprisal { plain, beyond: (plain - usual.unwrap_or(0.0)).max(0.0) }
}

/// Counts the value, from narrow to wide, as far as it was new.
pub(crate) fn learn(table: &mut Table, feature: &Feature, day: u16) {
    let mut told = Some(feature.surprisal.plain);
    for (context, value) in feature.levels() {
        let fresh = table.add(value, day, |_| {});
        table.add(context, day, |context: &mut Counter| {
            context.distinct = context.distinct.saturating_add(u32::from(fresh));
            if let Some(plain) = told {
                context.usual += as_f32((plain - f64::from(context.usual)) / f64::from(context.count));
            }
        });
        told = None;
        if !fresh {
            break;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a mean that is good to seven digits")]
fn as_f32(x: f64) -> f32 {
    x as f32
}

/// The plain sum of all surprisals, and the score.
///
/// In the score a resource with eight tags must not be eight times as odd: of the tags the oddest counts, by its key
/// and by its value or its transition, whichever says more, because the one follows from the other.
pub(crate) fn add_up(judged: &[Feature]) -> (f64, f64) {
    let (mut sum, mut of_call, mut oddest, mut of_key, mut of_value) = (0.0, 0.0, 0.0f64, 0.0, 0.0f64);
    for feature in judged {
        let surprisal = feature.surprisal;
        sum += surprisal.plain;
        match feature.kind {
            Kind::Action | Kind::Account | Kind::Region | Kind::Network => of_call += surprisal.beyond,
            Kind::Key => (of_key, of_value) = (surprisal.beyond, 0.0),
            Kind::Value | Kind::Transition => {
                of_value = of_value.max(surprisal.beyond);
                oddest = oddest.max(of_key + of_value);
            }
        }
    }
    (sum, of_call + oddest)
}
