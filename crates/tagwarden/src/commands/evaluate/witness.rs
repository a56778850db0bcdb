//! Stands where the archive would and keeps what was said of each event from a time on.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use indicatif::ProgressBar;
use tagwarden_baseline::evaluate::{OneHot, Place, field};
use tagwarden_core::{Assessment, Disposition, Fault, Intent, Record, Row, Sealed, Severity, Timestamp};
use tagwarden_engine::stages::Archive;

/// Rows between two looks at the progress shown.
const STEP: usize = 512;

/// One event that was judged: the worst of its changes.
pub(super) struct Event {
    pub(super) id: String,
    pub(super) time: Timestamp,
    pub(super) actor: usize,
    /// Changes nothing: a read or a sign-in.
    pub(super) quiet: bool,
    pub(super) score: f64,
    pub(super) disposition: Disposition,
    pub(super) reasons: Vec<String>,
    /// What the reasons are about.
    pub(super) fields: Vec<String>,
    /// The worst rule hit: 0 for none, 1 for info, up to 5 for critical.
    pub(super) rules: u8,
    pub(super) surprisal_sum: f64,
    pub(super) place: Place,
}

/// All that was judged.
pub(super) struct Judged {
    /// One per event at or after the time, in the order of judging.
    pub(super) events: Vec<Event>,
    /// Names of actors, as [`Event::actor`] counts them.
    pub(super) actors: Vec<String>,
    /// Events before the time.
    pub(super) learned: usize,
    /// Records that could not be used.
    pub(super) quarantined: usize,
    /// The times of the first and the last event.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// The one-hot forest, with what it is to learn from.
    pub(super) one_hot: OneHot,
    before: HashSet<String>,
}

impl Judged {
    /// Whether an event of this id lies before the time.
    pub(super) fn learned_from(&self, id: &str) -> bool {
        self.before.contains(id)
    }
}

/// Watches the rows that would be archived.
pub(super) struct Witness {
    until: Timestamp,
    judged: Judged,
    by_id: HashMap<String, usize>,
    by_actor: HashMap<String, usize>,
    rows: usize,
    bar: ProgressBar,
}

impl Witness {
    pub(super) fn new(until: Timestamp, bar: ProgressBar) -> Self {
        let judged = Judged {
            events: Vec::new(),
            actors: Vec::new(),
            learned: 0,
            quarantined: 0,
            span: None,
            one_hot: OneHot::default(),
            before: HashSet::new(),
        };
        Self { until, judged, by_id: HashMap::new(), by_actor: HashMap::new(), rows: 0, bar }
    }

    pub(super) fn finish(self) -> Judged {
        self.judged
    }

    fn actor(&mut self, name: &str) -> usize {
        if let Some(known) = self.by_actor.get(name) {
            return *known;
        }
        self.judged.actors.push(name.to_owned());
        self.by_actor.insert(name.to_owned(), self.judged.actors.len() - 1);
        self.judged.actors.len() - 1
    }

    fn learn(&mut self, row: &Row<'_>) {
        // The first change speaks for the event.
        if self.judged.before.insert(row.event.id.to_string()) {
            self.judged.learned += 1;
            self.judged.one_hot.learn(place(row));
        }
    }

    fn judge(&mut self, row: &Row<'_>) {
        let assessment = row.assessment;
        let worst = assessment.hits.iter().map(|hit| rank(hit.severity)).max().unwrap_or(0);
        if let Some(known) = self.by_id.get(row.event.id.as_ref()).and_then(|at| self.judged.events.get_mut(*at)) {
            known.disposition = known.disposition.max(assessment.disposition);
            known.rules = known.rules.max(worst);
            known.surprisal_sum = known.surprisal_sum.max(assessment.scores.surprisal_sum);
            if assessment.scores.score > known.score {
                known.score = assessment.scores.score;
                known.reasons.clone_from(&assessment.reasons);
                known.fields = fields(row);
            }
            return;
        }
        let event = Event {
            id: row.event.id.to_string(),
            time: row.event.time,
            actor: self.actor(actor_name(row)),
            quiet: tagwarden_baseline::quiet(row.event, row.change),
            score: assessment.scores.score,
            disposition: assessment.disposition,
            reasons: assessment.reasons.clone(),
            fields: fields(row),
            rules: worst,
            surprisal_sum: assessment.scores.surprisal_sum,
            place: place(row),
        };
        self.by_id.insert(event.id.clone(), self.judged.events.len());
        self.judged.events.push(event);
    }
}

/// Whose group an event falls into.
fn actor_name<'r>(row: &'r Row<'_>) -> &'r str {
    let identity = &row.event.identity;
    let names = [&identity.arn, &identity.principal_id, &identity.invoked_by, &row.event.source_ip];
    names.into_iter().flatten().map(AsRef::as_ref).find(|name| !name.is_empty()).unwrap_or("?")
}

fn place(row: &Row<'_>) -> Place {
    let environment = row.enriched.environment.as_deref().unwrap_or("");
    Place::of([&row.event.action, &row.event.account_id, &row.event.region, actor_name(row), environment])
}

fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

/// What the reasons are about: rules have one reason each, behind what leads; of the rest the words tell.
fn fields(row: &Row<'_>) -> Vec<String> {
    let Assessment { hits, scores, reasons, .. } = row.assessment;
    let (leading, rest) = reasons.split_at(scores.leading.min(reasons.len()));
    let rules = hits.iter().map(|hit| format!("rule {}", hit.id));
    let others = rest.iter().skip(hits.len()).map(|reason| field(reason));
    leading.iter().map(|reason| field(reason)).chain(rules).chain(others).collect()
}

impl Archive for Witness {
    type Error = std::io::Error;

    fn push(&mut self, row: &Row<'_>, _raw: Option<Bytes>) {
        let time = row.event.time;
        let (first, last) = self.judged.span.unwrap_or((time, time));
        self.judged.span = Some((first.min(time), last.max(time)));
        if time < self.until {
            self.learn(row);
        } else {
            self.judge(row);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(STEP) {
            let (learned, judged) = (self.judged.learned, self.judged.events.len());
            self.bar.set_message(format!("{learned} events learned from, {judged} judged"));
            self.bar.tick();
        }
    }

    fn reject(&mut self, record: &Record, _source: &str, fault: &Fault) {
        self.judged.quarantined += 1;
        self.bar.suspend(|| eprintln!("{} @ {}: {fault}", record.partition, record.position.as_str()));
    }

    fn plan(&self, _epoch: u64) -> (Vec<String>, Option<String>) {
        (Vec::new(), None)
    }

    async fn seal(&mut self, intent: &Intent, _on_step: &mut dyn FnMut(&str)) -> std::io::Result<Sealed> {
        Ok(Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 })
    }

    async fn shut_out(&mut self, intent: &Intent) -> std::io::Result<Sealed> {
        Ok(Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 })
    }

    async fn raw_events(&self, _key: &str) -> std::io::Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }
}
