//! Who calls: sign-ins, assumed roles and keys, each with the records it leaves in STS and the console.

mod people;
mod programs;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::calendar::{HOUR, iso, prose};
use crate::names::{FOREIGN, ROAMING, STRANGE_SHELLS};
use crate::record::Actor;
use crate::rng::Rng;
use crate::world::World;

pub(crate) use people::Client;
pub(crate) use programs::Run;

const SESSION: i64 = 4 * HOUR;

/// Sessions that are still good: person, account and role to start, end and caller.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: BTreeMap<SessionKey, (i64, i64, Rc<Actor>)>,
}

/// Person, account, and permission set or role.
type SessionKey = (usize, usize, &'static str);

impl Sessions {
    /// Drops what had ended by then.
    pub(crate) fn forget(&mut self, now: i64) {
        self.open.retain(|_, session| session.1 > now);
    }

    fn get(&self, key: &SessionKey, now: i64) -> Option<Rc<Actor>> {
        let (from, to, actor) = self.open.get(key)?;
        (*from <= now && now < *to).then(|| Rc::clone(actor))
    }
}

/// An address nobody of the company has used.
pub(crate) fn foreign_address(rng: &mut Rng) -> String {
    let network = if rng.chance(25) { rng.pick(ROAMING) } else { rng.pick(FOREIGN) };
    format!("{network}.{}.{}", rng.between(1, 250), rng.between(2, 250))
}

/// A client nobody of the company uses.
pub(crate) fn strange_shell(rng: &mut Rng) -> &'static str {
    STRANGE_SHELLS[rng.below(STRANGE_SHELLS.len())]
}

/// The same credentials in the hands of somebody else, far away.
pub(crate) fn stolen(rng: &mut Rng, actor: &Actor) -> Rc<Actor> {
    // Some thieves take care to look like the owner, or come by way of somebody's home.
    let agent = if rng.chance(30) { actor.agent } else { strange_shell(rng) };
    Rc::new(Actor { ip: foreign_address(rng), agent, console: false, ..actor.clone() })
}

/// What an assumed role's session is made of.
struct RoleSession<'a> {
    account: usize,
    role: &'a str,
    /// The role's path, with both slashes.
    path: &'a str,
    session: &'a str,
    source_identity: Option<&'a str>,
    /// The OIDC provider's arn.
    provider: Option<&'a str>,
    ip: String,
    agent: &'static str,
    console: bool,
}

impl World {
    /// The caller, and the credentials as STS gives them.
    fn assume(&mut self, now: i64, wanted: RoleSession<'_>) -> (Actor, Value) {
        let company = &self.company;
        let account = &company.accounts[wanted.account];
        let role_id = company.role_id(wanted.account, wanted.role);
        let key = format!("ASIA{}{}", account.block, self.rng.upper(8));
        let arn = format!("arn:aws:sts::{}:assumed-role/{}/{}", account.id, wanted.role, wanted.session);
        let mut context = json!({
            "sessionIssuer": {
                "type": "Role", "principalId": role_id,
                "arn": format!("arn:aws:iam::{}:role{}{}", account.id, wanted.path, wanted.role),
                "accountId": account.id, "userName": wanted.role,
            },
            "webIdFederationData": {},
            "attributes": { "creationDate": iso(now), "mfaAuthenticated": "false" },
        });
        if let Some(provider) = wanted.provider {
            context["webIdFederationData"] = json!({ "federatedProvider": provider, "attributes": {} });
        }
        if let Some(source) = wanted.source_identity {
            context["sourceIdentity"] = Value::from(source);
        }
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{role_id}:{}", wanted.session), "arn": arn,
            "accountId": account.id, "accessKeyId": key, "sessionContext": context,
        });
        let mut response = json!({
            "credentials": {
                "accessKeyId": key,
                "sessionToken": format!("IQoJb3JpZ2luX2Vj{}==", self.rng.base64(60)),
                "expiration": prose(now + SESSION),
            },
            "assumedRoleUser": { "assumedRoleId": format!("{role_id}:{}", wanted.session), "arn": arn },
        });
        if let Some(source) = wanted.source_identity {
            response["sourceIdentity"] = Value::from(source);
        }
        let RoleSession { ip, agent, console, .. } = wanted;
        let actor = Actor { identity: identity.to_string(), arn, ip, agent, console };
        (actor, response)
    }
}
