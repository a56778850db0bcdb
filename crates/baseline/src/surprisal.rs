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

use crate::features::Lookup;
use crate::table::{Counter, Table};

/// What is less odd than one in twenty, -ln(1/20), is neither a reason nor anomalous.
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
pub(crate) fn judge(table: &Table, lookup: &Lookup) -> Surprisal {
    let mut usual = None;
    // One logarithm at the end: three factors of at least 2^-33 each do not underflow.
    let mut p = 1.0;
    for (context, value) in lookup.levels() {
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
pub(crate) fn learn(table: &mut Table, lookup: &Lookup, day: u16) {
    let mut told = Some(lookup.surprisal.plain);
    for (context, value) in lookup.levels() {
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

/// How odd a value is that is new where another one is known: grows with how well that one is known.
pub(crate) fn beside(table: &Table, lookup: &Lookup) -> f64 {
    let Some((context, value)) = lookup.levels().next() else { return 0.0 };
    if table.get(value).count > 0 { 0.0 } else { f64::from(table.get(context).count).ln_1p() }
}
