//! Rule texts become compiled rules; every fault of every text is found at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rsigma_eval::compiler::{compile_detection, compile_rule};
use rsigma_eval::matcher::ExpandPart;
use rsigma_eval::{CompiledDetection, CompiledMatcher, CompiledRule, Engine};
use rsigma_parser::{CorrelationRule, Level, SigmaCollection, parse_sigma_yaml};
use tagwarden_core::{RuleHit, Severity};

use crate::fields::{PREFIX, is_known};
use crate::rules::RuleFault;
use crate::template::Template;
use crate::windows::Correlation;

/// Our own attribute in a rule: the reason in words.
const REASON: &str = "tagwarden_reason";

/// One rule, ready.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) compiled: CompiledRule,
    pub(crate) hit: RuleHit,
    pub(crate) reason: Option<Template>,
    /// It reads `tagwarden.*`, so it is asked once per change; the others once per event.
    pub(crate) on_change: bool,
    /// It tells of protected keys itself.
    pub(crate) reads_protected: bool,
    /// Correlations that count it, and its place in their lists.
    pub(crate) feeds: Vec<(usize, usize)>,
    /// It only feeds: its matches are no hits of their own.
    pub(crate) silent: bool,
}

/// One correlation, ready.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) correlation: Correlation,
    pub(crate) hit: RuleHit,
    pub(crate) reason: Option<Template>,
    /// It counts changes; the others count events.
    pub(crate) on_change: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<Rule>,
    pub(crate) correlations: Vec<Counted>,
}

/// A text and where it was read.
struct File<'a> {
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    /// A fault, at the line that the message names, else at the line where `title` stands.
    fn fault(&self, what: impl Into<String>, title: Option<&str>) -> RuleFault {
        let what = what.into();
        let named = what.split_once("line ").and_then(|(_, rest)| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
            digits.parse().ok()
        });
        let of_title = || {
            let title = title?;
            let is_title = |line: &str| line.strip_prefix("title:").is_some_and(|rest| rest.contains(title));
            self.text.lines().position(is_title).map(|line| line + 1)
        };
        RuleFault { path: PathBuf::from(self.path), line: named.or_else(of_title), what }
    }
}

/// Compiles `texts` (path and YAML), which are in order of path.
pub(crate) fn compile(texts: &[(String, String)]) -> Result<Compiled, Vec<RuleFault>> {
    let mut faults = Vec::new();
    let mut all = SigmaCollection::new();
    let mut rule_files = Vec::new();
    let mut correlation_files = Vec::new();
    for (path, text) in texts {
        let file = File { path, text };
        let parsed = match parse_sigma_yaml(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                faults.push(file.fault(error.to_string(), None));
                continue;
            }
        };
        faults.extend(parsed.errors.iter().map(|error| file.fault(error, None)));
        if parsed.is_empty() && parsed.errors.is_empty() {
            faults.push(file.fault("found no document, wanted a Sigma rule, correlation or filter", None));
        }
        for rule in parsed.rules {
            if let Err(error) = compile_rule(&rule) {
                faults.push(file.fault(error.to_string(), Some(&rule.title)));
            } else {
                all.rules.push(rule);
                rule_files.push(File { path, text });
            }
        }
        for filter in parsed.filters {
            let compiled: Result<Vec<_>, _> = filter.detection.named.values().map(compile_detection).collect();
            if let Err(error) = compiled {
                faults.push(file.fault(error.to_string(), Some(&filter.title)));
            } else {
                all.filters.push(filter);
            }
        }
        correlation_files.extend(parsed.correlations.iter().map(|_| File { path, text }));
        all.correlations.extend(parsed.correlations);
    }
    // The engine is asked once, for what filters make of the rules.
    let mut engine = Engine::new();
    if let Err(error) = engine.add_collection(&all) {
        faults.push(RuleFault { path: PathBuf::new(), line: None, what: error.to_string() });
    }
    let mut out = Compiled::default();
    for (compiled, file) in engine.rules().iter().zip(&rule_files) {
        let reason = compiled.custom_attributes.get(REASON).map_or(Ok(None), |text| reason(text.as_str()));
        let mut fault = |what: String| faults.push(file.fault(what, Some(&compiled.title)));
        let fields = fields_of(compiled);
        fields.iter().filter_map(|field| unknown(field)).for_each(&mut fault);
        let reason = reason.map_err(&mut fault).unwrap_or_default();
        out.rules.push(Rule {
            on_change: fields.iter().any(|field| field.starts_with(PREFIX)),
            reads_protected: fields.contains(&"tagwarden.protected_keys_changed"),
            hit: hit(compiled.id.as_deref(), &compiled.title, compiled.level),
            compiled: compiled.clone(),
            reason,
            feeds: Vec::new(),
            silent: false,
        });
    }
    let mut ids: BTreeMap<Arc<str>, &str> = BTreeMap::new();
    let hits = out.rules.iter().map(|rule| &rule.hit).zip(&rule_files);
    for (hit, file) in hits {
        if let Some(other) = ids.insert(hit.id.clone(), file.path) {
            faults.push(file.fault(
                format!("found the id {}, which {other} has too, wanted one of its own", hit.id),
                Some(&hit.title),
            ));
        }
    }
    for (rule, file) in all.correlations.iter().zip(&correlation_files) {
        let hit = hit(rule.id.as_deref(), &rule.title, rule.level);
        if let Some(other) = ids.insert(hit.id.clone(), file.path) {
            faults.push(file.fault(
                format!("found the id {}, which {other} has too, wanted one of its own", hit.id),
                Some(&hit.title),
            ));
        }
        match correlate(rule, hit, &all, &mut out) {
            Ok(counted) => out.correlations.push(counted),
            Err(whats) => faults.extend(whats.into_iter().map(|what| file.fault(what, Some(&rule.title)))),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

/// Reads one correlation and ties its rules to it.
fn correlate(
    rule: &CorrelationRule,
    hit: RuleHit,
    all: &SigmaCollection,
    out: &mut Compiled,
) -> Result<Counted, Vec<String>> {
    let mut faults = Vec::new();
    let at = out.correlations.len();
    let correlation = Correlation::compile(rule).map_err(|what| faults.push(what)).ok();
    let reason = rule.custom_attributes.get(REASON).map_or(Ok(None), |text| reason(text.as_str()));
    let reason = reason.map_err(|what| faults.push(what)).unwrap_or_default();
    let fields: Vec<&String> = correlation.iter().flat_map(|c| c.group_by.iter().chain(c.field())).collect();
    faults.extend(fields.iter().filter_map(|field| unknown(field)));
    let mut on_change = fields.iter().any(|field| field.starts_with(PREFIX));
    if rule.rules.is_empty() {
        faults.push("found no rules, wanted at least one rule by id or name".to_owned());
    }
    for (place, wanted) in rule.rules.iter().enumerate() {
        let named = |rule: &&mut Rule, name: Option<&str>| *rule.hit.id == **wanted || name == Some(wanted.as_str());
        let found = out.rules.iter_mut().zip(&all.rules).find(|(rule, parsed)| named(rule, parsed.name.as_deref()));
        match found {
            Some((base, _)) => {
                on_change |= base.on_change;
                // Of several correlations one is enough to let it speak.
                base.silent = !rule.generate && (base.silent || base.feeds.is_empty());
                base.feeds.push((at, place));
            }
            None => faults.push(format!("found the rule {wanted}, wanted the id or name of a detection rule")),
        }
    }
    match correlation {
        Some(correlation) if faults.is_empty() => Ok(Counted { correlation, hit, reason, on_change }),
        _ => Err(faults),
    }
}

fn hit(id: Option<&str>, title: &str, level: Option<Level>) -> RuleHit {
    let severity = match level {
        Some(Level::Informational) => Severity::Info,
        // The Sigma specification leaves a missing level open.
        Some(Level::Low) | None => Severity::Low,
        Some(Level::Medium) => Severity::Medium,
        Some(Level::High) => Severity::High,
        Some(Level::Critical) => Severity::Critical,
    };
    RuleHit { id: id.unwrap_or(title).into(), title: title.into(), severity, reason: None }
}

/// The reason in words; an attribute that is no text is a fault.
fn reason(text: Option<&str>) -> Result<Option<Template>, String> {
    let text = text.ok_or_else(|| format!("found no text as {REASON}, wanted a sentence"))?;
    Template::parse(text).map(Some)
}

fn unknown(field: &str) -> Option<String> {
    let name = field.strip_prefix(PREFIX)?;
    (!is_known(name))
        .then(|| format!("found the field {field}, wanted a column known before judging, or a fact beside them"))
}

/// Every field that a rule reads from the event.
fn fields_of(rule: &CompiledRule) -> Vec<&str> {
    let mut fields = Vec::new();
    rule.detections.values().for_each(|detection| in_detection(detection, true, &mut fields));
    fields
}

/// `outer` is false within the members of an array, whose fields are their own.
fn in_detection<'a>(detection: &'a CompiledDetection, outer: bool, fields: &mut Vec<&'a str>) {
    match detection {
        CompiledDetection::AllOf(items) => {
            for item in items {
                fields.extend(item.field.as_deref().filter(|_| outer));
                in_matcher(&item.matcher, fields);
            }
        }
        CompiledDetection::AnyOf(parts) | CompiledDetection::And(parts) => {
            for part in parts {
                in_detection(part, outer, fields);
            }
        }
        CompiledDetection::Keywords(matcher) => in_matcher(matcher, fields),
        CompiledDetection::ArrayMatch { field, body, .. } => {
            fields.extend(Some(field.as_str()).filter(|_| outer));
            in_detection(body, false, fields);
        }
        CompiledDetection::Conditional { named, .. } => {
            for part in named.values() {
                in_detection(part, outer, fields);
            }
        }
    }
}

/// Every field that a matcher reads beside the one it is asked about.
pub(crate) fn in_matcher<'a>(matcher: &'a CompiledMatcher, fields: &mut Vec<&'a str>) {
    match matcher {
        CompiledMatcher::FieldRef { field, .. } => fields.push(field),
        CompiledMatcher::Expand { template, .. } => fields.extend(template.iter().filter_map(|part| match part {
            ExpandPart::Placeholder(field) => Some(field.as_str()),
            ExpandPart::Literal(_) => None,
        })),
        CompiledMatcher::Not(inner) | CompiledMatcher::TimestampPart { inner, .. } => in_matcher(inner, fields),
        CompiledMatcher::AnyOf(parts)
        | CompiledMatcher::AllOf(parts)
        | CompiledMatcher::CaseInsensitiveGroup { children: parts, .. } => {
            for part in parts {
                in_matcher(part, fields);
            }
        }
        _ => {}
    }
}
