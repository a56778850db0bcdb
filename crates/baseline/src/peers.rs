//! Peer groups: actors that do the same job, found when a model is learned, and the nearest group of a new actor.

use std::collections::BTreeMap;

use crate::bytes::{BytesError, Reader, Writer};
use crate::dbscan::{self, CorePoints};
use crate::matrix::Matrix;
use crate::profile::{COLUMNS, NAMED, Profile, Row};
use crate::reasons::quote;
use crate::training::profiles::{Known, MOST_ACTORS, Profiles, Shares};

/// Rows are 0 to 1 apart: neighbours have three quarters in common.
const TOLERANCE: f32 = 0.25;
/// A group is an actor and two like it, at least.
const MIN_POINTS: usize = 3;
/// A share of a group's events at least as large is named.
const USUAL: f64 = 0.25;
/// What tells a group from all others, in nats per event.
const TELLING: f64 = 0.2;
/// The longest name read from bytes.
const MOST_NAME: usize = 1 << 12;

/// A group of actors.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PeerGroup {
    /// What tells it from the others, in words.
    pub name: String,
    /// How many actors of the window are in it.
    pub actors: u32,
}

/// The groups of a window's actors.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Peers {
    pub(crate) groups: Vec<PeerGroup>,
    /// By hash; `None` is noise.
    members: BTreeMap<u64, Option<u32>>,
    /// `None` if there was no actor of whom enough was known.
    core: Option<CorePoints>,
}

impl Peers {
    /// The groups of what was gathered, and the names of actors like no two others.
    pub(crate) fn fit(profiles: &Profiles) -> Result<(Self, Vec<String>), dbscan::FitError> {
        let known = profiles.known();
        if known.is_empty() {
            return Ok(<(Self, Vec<String>)>::default());
        }
        let rows: Vec<Row> = known.iter().map(|known| known.row).collect();
        let settings = dbscan::Settings { tolerance: TOLERANCE, min_points: MIN_POINTS };
        let found = dbscan::fit(Matrix::new(rows.as_flattened(), COLUMNS)?, &settings)?;
        let all: Vec<u64> = known.iter().map(|known| known.actor).collect();
        let of_all = profiles.shares(&all);
        let mut groups: Vec<PeerGroup> = Vec::new();
        let count = found.groups.iter().flatten().max().map_or(0, |last| last + 1);
        for group in 0..count {
            let actors = all.iter().zip(&found.groups).filter(|(_, of)| **of == Some(group)).map(|(actor, _)| *actor);
            let actors: Vec<u64> = actors.collect();
            let plain = in_words(&profiles.shares(&actors), &of_all);
            let same = groups.iter().filter(|other| other.name.strip_prefix(&plain).is_some_and(is_number)).count();
            let name = if same == 0 { plain } else { format!("{plain} ({})", same + 1) };
            groups.push(PeerGroup { name, actors: u32::try_from(actors.len()).unwrap_or(u32::MAX) });
        }
        let both = || known.iter().zip(&found.groups);
        let members = both().map(|(Known { actor, .. }, group)| (*actor, *group)).collect();
        let alone = both().filter(|(_, group)| group.is_none()).map(|(known, _)| quote(known.name).into_owned());
        let mut alone: Vec<String> = alone.collect();
        alone.sort_unstable();
        Ok((Self { groups, members, core: Some(found.core) }, alone))
    }

    /// Whether the window had the actor, in a group or alone.
    pub(crate) fn knows(&self, actor: u64) -> bool {
        self.members.contains_key(&actor)
    }

    /// The actor's group: as it was in the window, else the nearest to its `profile`.
    pub(crate) fn of(&self, actor: u64, profile: Option<&Profile>) -> Option<&PeerGroup> {
        let nearest = || {
            let core = self.core.as_ref()?;
            let nearest = core.nearest(&profile?.row()?)?;
            (nearest.distance <= core.tolerance()).then_some(nearest.group)
        };
        let group = self.members.get(&actor).copied().unwrap_or_else(nearest)?;
        self.groups.get(group as usize)
    }

    /// Groups (`u32`), for each its actors (`u32`) and name (`u32`, then UTF-8); members (`u32`), for each its hash (`u64`)
    /// and group (`u32`, the number of groups for noise); then the core points if there are members.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.count(self.groups.len());
        for PeerGroup { name, actors } in &self.groups {
            to.u32(*actors);
            to.count(name.len());
            to.raw(name.as_bytes());
        }
        to.count(self.members.len());
        for (actor, group) in &self.members {
            to.raw(&actor.to_le_bytes());
            to.count(group.map_or(self.groups.len(), |group| group as usize));
        }
        self.core.iter().for_each(|core| to.raw(&core.to_bytes()));
        to.bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut from = Reader::new(bytes);
        let count = from.count("groups", 0..=MOST_ACTORS)?;
        let mut groups = Vec::new();
        for _ in 0..count {
            let actors = from.u32()?;
            let length = from.count("bytes of a name", 0..=MOST_NAME)?;
            let name = from.groups::<1>(length)?.as_flattened().to_vec();
            let name = String::from_utf8(name).map_err(|_| from.wrong("a name that is no UTF-8", "text"))?;
            groups.push(PeerGroup { name, actors });
        }
        let length = from.count("actors", 0..=MOST_ACTORS)?;
        let mut members = BTreeMap::new();
        for _ in 0..length {
            let actor = from.groups::<8>(1)?.first().map_or(0, |actor| u64::from_le_bytes(*actor));
            let group = u32::try_from(from.count("as a group", 0..=count)?).ok();
            members.insert(actor, group.filter(|group| (*group as usize) < count));
        }
        if members.is_empty() {
            from.end()?;
            return Ok(Self { groups, members, core: None });
        }
        let core = CorePoints::from_bytes(from.rest())?;
        if core.columns() != COLUMNS {
            return Err(Reader::new(&[]).wrong(format!("{} columns", core.columns()), COLUMNS.to_string()));
        }
        Ok(Self { groups, members, core: Some(core) })
    }
}

/// `people by console, in prod: mostly ec2 writes, rds reads`.
fn in_words(group: &[Shares<'_>; NAMED], all: &[Shares<'_>; NAMED]) -> String {
    // The names of one distribution with their weight and share, those with most weight first; a stable sort.
    let ranked = |distribution: usize, weight: fn(f64, f64) -> f64| {
        let (group, all) = (group.get(distribution).into_iter().flatten(), all.get(distribution));
        let of_all = |hash| all.and_then(|all| all.get(hash)).map_or(1.0, |(_, of_all)| *of_all);
        let weighed = group.map(|(hash, (name, share))| (weight(*share, of_all(hash)), *share, *name));
        let mut ranked: Vec<(f64, f64, &str)> = weighed.collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranked
    };
    let largest: fn(f64, f64) -> f64 = |share, _| share;
    // What it adds to the relative entropy of the group against all.
    let telling: fn(f64, f64) -> f64 = |share, of_all| share * (share / of_all).ln();
    let kind = match ranked(3, largest).first() {
        Some((.., "human")) => "people",
        Some((.., "workload")) => "workloads",
        Some((.., "aws_service")) => "AWS services",
        _ => "callers",
    };
    let how = ranked(1, largest).into_iter().enumerate();
    let how = how.filter(|(at, (_, share, _))| *at == 0 || *share >= USUAL).take(2).map(|(_, (.., name))| name);
    let place = ranked(2, telling).first().filter(|(weight, ..)| *weight >= TELLING).map(|(.., name)| *name);
    let place = place.map_or_else(String::new, |place| format!(", in {place}"));
    let what: Vec<&str> = ranked(0, telling).into_iter().take(2).map(|(.., name)| name).collect();
    format!("{kind} by {}{place}: mostly {}", how.collect::<Vec<_>>().join(" and "), what.join(", "))
}

/// Nothing, or ` (2)`.
fn is_number(rest: &str) -> bool {
    rest.is_empty()
        || rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')).is_some_and(|n| n.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests;
