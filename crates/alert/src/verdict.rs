//! What people found an alert to be, written beside what they were told.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use serde::Deserialize;
use tagwarden_core::{Disposition, Scores, Severity, Timestamp, short_id, short_id_as_typed};

use crate::ledger::Kept;
use crate::{AlertError, Ledger, Offer, RuleName, message};

/// What an alert was, as somebody found who looked into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// An incident, or what had to be stopped before it was one.
    TruePositive,
    /// Rightly noticed, and announced or agreed on.
    Expected,
    /// Harmless; nobody had to be told.
    Benign,
}

impl Verdict {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::TruePositive, Self::Expected, Self::Benign];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TruePositive => "true_positive",
            Self::Expected => "expected",
            Self::Benign => "benign",
        }
    }

    /// The verdict of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// A verdict, and who gave it when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Who gave it.
    pub by: String,
    /// What they had to say about it.
    pub note: Option<String>,
    /// When it was given.
    pub time: Timestamp,
}

/// An alert and all that was ever said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedAlert {
    /// The `change_id` that opened it.
    pub alert_id: String,
    /// When its first change happened.
    pub first: Timestamp,
    /// When its last change happened.
    pub last: Timestamp,
    /// How bad it was held to be.
    pub severity: Severity,
    /// How loudly it was told.
    pub disposition: Disposition,
    /// Changes in it, copies of one call counted once.
    pub changes: u64,
    /// What its first change did, in one line.
    pub text: String,
    /// The rules that hit any of its changes, by id.
    pub rules: Vec<RuleName>,
    /// Any of its changes was anomalous.
    pub anomalous: bool,
    /// The verdicts, oldest first: the last one holds. Empty while nobody has judged it.
    pub verdicts: Vec<Judgement>,
}

impl JudgedAlert {
    /// The name by which messages call it.
    pub fn short_id(&self) -> String {
        short_id(&self.alert_id)
    }

    /// The verdict that holds.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdicts.last().map(|judgement| judgement.verdict)
    }
}

/// Which alerts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those with a verdict.
    Judged,
    /// Those that nobody has judged yet.
    Unjudged,
}

impl Ledger {
    /// Writes down what `alert` was found to be: one short transaction, beside a worker that runs. Saying what holds
    /// already (verdict, who and note) writes nothing; anything else replaces it, and what was said before stays.
    ///
    /// `alert` is the name in its messages, the `change_id` that opened it, or that of any of its changes. Gives the
    /// alert as it now stands, and whether anything was written.
    ///
    /// # Errors
    /// No alert of that name, or several; the ledger failed.
    pub fn judge(&mut self, alert: &str, judgement: &Judgement) -> Result<(JudgedAlert, bool), AlertError> {
        let failed = || AlertError::ledger("write a verdict");
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        let group = find(&tx, alert)?;
        let holds = verdicts(&tx, group).map_err(failed())?.pop();
        let news = holds.is_none_or(|held| {
            (held.verdict, &held.by, &held.note) != (judgement.verdict, &judgement.by, &judgement.note)
        });
        if news {
            let Judgement { verdict, by, note, time } = judgement;
            tx.execute(
                "INSERT INTO alert_verdict (group_id, verdict, by, note, time) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![group, verdict.as_str(), by, note, time.0],
            )
            .map_err(failed())?;
        }
        let alert = load(&tx, group)?;
        tx.commit().map_err(failed())?;
        Ok((alert, news))
    }

    /// Alerts in the order in which they were opened.
    pub fn alerts(&self, which: Which) -> Result<Vec<JudgedAlert>, AlertError> {
        let failed = || AlertError::ledger("read verdicts");
        // One moment, whatever a worker writes meanwhile.
        let db = self.db.unchecked_transaction().map_err(failed())?;
        let judged = match which {
            Which::Judged => "IN",
            Which::Unjudged => "NOT IN",
        };
        let sql =
            format!("SELECT id FROM alert_group WHERE id {judged} (SELECT group_id FROM alert_verdict) ORDER BY id");
        let mut statement = db.prepare_cached(&sql).map_err(failed())?;
        let ids = statement.query_map([], |row| row.get(0)).map_err(failed())?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>().map_err(failed())?;
        ids.into_iter().map(|id| load(&db, id)).collect()
    }

    /// The verdict that holds on each judged alert and the scores of its most unusual change, in the order in which the
    /// alerts were opened. Alerts of which no change was scored are left out, and those of releases that did not note tails.
    pub fn scored(&self) -> Result<Vec<(Verdict, Scores)>, AlertError> {
        let failed = || AlertError::ledger("read the scores of verdicts");
        let sql = "SELECT c.group_id, v.verdict, c.offer FROM alert_change c JOIN alert_verdict v \
                   ON v.id = (SELECT max(id) FROM alert_verdict WHERE group_id = c.group_id) ORDER BY c.group_id, c.seq";
        let mut statement = self.db.prepare_cached(sql).map_err(failed())?;
        let mut rows = statement.query([]).map_err(failed())?;
        let mut all: Vec<(i64, Verdict, Scores)> = Vec::new();
        while let Some(row) = rows.next().map_err(failed())? {
            let group = row.get(0).map_err(failed())?;
            let verdict = verdict_in(row, 1).map_err(failed())?;
            let offer = row.get_ref(2).and_then(|text| Ok(text.as_str()?)).map_err(failed())?;
            let found: Kept =
                serde_json::from_str(offer).map_err(AlertError::content("read the scores of verdicts"))?;
            let scores = found.assessment.scores;
            let families_known =
                scores.tails.is_some_and(|tails| tails <= 0.0 || scores.families.iter().any(|x| *x > 0.0));
            if !families_known {
                continue;
            }
            match all.last_mut().filter(|(known, ..)| *known == group) {
                Some((_, _, highest)) if highest.score >= scores.score => {}
                Some((_, _, highest)) => *highest = scores,
                None => all.push((group, verdict, scores)),
            }
        }
        Ok(all.into_iter().map(|(_, verdict, scores)| (verdict, scores)).collect())
    }

    /// The ids of all events in alerts of which `verdict` holds, each once, sorted.
    pub fn events_of(&self, verdict: Verdict) -> Result<Vec<String>, AlertError> {
        let failed = || AlertError::ledger("read the events of verdicts");
        let sql = "SELECT DISTINCT c.offer ->> '$.event_id' FROM alert_change c JOIN alert_verdict v \
                   ON v.group_id = c.group_id WHERE v.verdict = ?1 \
                   AND v.id = (SELECT max(id) FROM alert_verdict WHERE group_id = c.group_id) ORDER BY 1";
        let mut statement = self.db.prepare_cached(sql).map_err(failed())?;
        let ids = statement.query_map([verdict.as_str()], |row| row.get(0)).map_err(failed())?;
        ids.collect::<rusqlite::Result<_>>().map_err(failed())
    }
}

/// The number of the one group that `alert` names.
fn find(db: &Connection, alert: &str) -> Result<i64, AlertError> {
    let failed = || AlertError::ledger("look for an alert");
    let none = |why| AlertError::NoAlert { found: alert.to_owned(), why };
    let sql = "SELECT group_id FROM alert_change WHERE change_id = ?1";
    let change: Option<Option<i64>> =
        db.query_row(sql, [alert.trim()], |row| row.get(0)).optional().map_err(failed())?;
    if let Some(group) = change {
        return group.ok_or_else(|| none("nobody was told of this change"));
    }
    let wanted = short_id_as_typed(alert);
    let mut statement = db.prepare_cached("SELECT id, opener FROM alert_group ORDER BY id").map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let mut found: Vec<(i64, String)> = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        let opener: String = row.get(1).map_err(failed())?;
        if short_id(&opener) == wanted {
            found.push((row.get(0).map_err(failed())?, opener));
        }
    }
    match found.as_slice() {
        [] => Err(none("no alert has that name")),
        [(id, _)] => Ok(*id),
        many => Err(AlertError::ManyAlerts {
            found: alert.to_owned(),
            ids: many.iter().map(|(_, opener)| opener.as_str()).collect::<Vec<_>>().join(", "),
        }),
    }
}

fn verdicts(db: &Connection, group: i64) -> rusqlite::Result<Vec<Judgement>> {
    let sql = "SELECT verdict, by, note, time FROM alert_verdict WHERE group_id = ?1 ORDER BY id";
    let read = |row: &Row<'_>| {
        Ok(Judgement { verdict: verdict_in(row, 0)?, by: row.get(1)?, note: row.get(2)?, time: Timestamp(row.get(3)?) })
    };
    db.prepare_cached(sql)?.query_map([group], read)?.collect()
}

/// The verdict in a column.
fn verdict_in(row: &Row<'_>, column: usize) -> rusqlite::Result<Verdict> {
    let word = row.get_ref(column)?.as_str()?;
    Verdict::parse(word).ok_or_else(|| {
        let what = format!("found the verdict `{word}`, wanted one that this version knows");
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, what.into())
    })
}

/// What is read of each change of an alert.
#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    rules: Vec<RuleName>,
    assessment: Anomaly,
}

#[derive(Deserialize)]
struct Anomaly {
    anomalous: bool,
}

fn load(db: &Connection, id: i64) -> Result<JudgedAlert, AlertError> {
    let failed = || AlertError::ledger("read an alert");
    let content = || AlertError::content("read an alert");
    let group = crate::group::load(db, id).map_err(failed())?;
    let group = group.ok_or(rusqlite::Error::QueryReturnedNoRows).map_err(failed())?;
    let (mut text, mut rules, mut anomalous) = (String::new(), BTreeMap::new(), false);
    let sql = "SELECT change_id = ?2, offer FROM alert_change WHERE group_id = ?1 ORDER BY seq";
    let mut statement = db.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query(params![id, group.opener]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let offer = row.get_ref(1).and_then(|text| Ok(text.as_str()?)).map_err(failed())?;
        if row.get(0).map_err(failed())? {
            text = message::sentence(&serde_json::from_str::<Offer>(offer).map_err(content())?);
        }
        let cause: Cause = serde_json::from_str(offer).map_err(content())?;
        anomalous |= cause.assessment.anomalous;
        rules.extend(cause.rules.into_iter().map(|rule| (rule.id, rule.title)));
    }
    Ok(JudgedAlert {
        alert_id: group.opener,
        first: group.first,
        last: group.last,
        severity: group.severity,
        disposition: group.disposition,
        changes: group.changes,
        text,
        rules: rules.into_iter().map(|(id, title)| RuleName { id, title }).collect(),
        anomalous,
        verdicts: verdicts(db, id).map_err(failed())?,
    })
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
