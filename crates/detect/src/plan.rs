//! A rule as a tree over its items: the same answers as rsigma's evaluator, which looks selections up by name and
//! allocates for every text that it compares, each time.

use std::collections::HashMap;

use rsigma_eval::matcher::GroupMode;
use rsigma_eval::{
    CompiledDetection, CompiledDetectionItem, CompiledMatcher, CompiledRule, Event as SigmaEvent, EventValue,
};
use rsigma_parser::{ConditionExpr, Quantifier};

use crate::record::Shape;

/// When a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Always or never.
    Is(bool),
    /// When the item of this number does.
    Item(usize),
    Not(Box<Plan>),
    /// When at least so many do.
    AtLeast(usize, Vec<Plan>),
}

/// One item of a selection.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) field: String,
    pub(crate) shape: Shape,
    pub(crate) exists: Option<bool>,
    pub(crate) matcher: CompiledMatcher,
}

/// The items of all rules.
#[derive(Debug, Default)]
pub(crate) struct Items(pub(crate) Vec<Item>);

impl Items {
    /// The plan of `rule`, whose items are added; `None` where it asks for more than single fields.
    pub(crate) fn plan(&mut self, rule: &CompiledRule) -> Option<Plan> {
        let conditions = rule.conditions.iter().map(|condition| self.condition(condition, &rule.detections));
        Some(Plan::AtLeast(1, conditions.collect::<Option<_>>()?))
    }

    fn condition(
        &mut self,
        condition: &ConditionExpr,
        detections: &HashMap<String, CompiledDetection>,
    ) -> Option<Plan> {
        Some(match condition {
            ConditionExpr::Identifier(name) => match detections.get(name) {
                Some(detection) => self.detection(detection)?,
                None => Plan::Is(false),
            },
            ConditionExpr::And(parts) => {
                Plan::AtLeast(parts.len(), self.each(parts, |items, part| items.condition(part, detections))?)
            }
            ConditionExpr::Or(parts) => {
                Plan::AtLeast(1, self.each(parts, |items, part| items.condition(part, detections))?)
            }
            ConditionExpr::Not(part) => Plan::Not(Box::new(self.condition(part, detections)?)),
            ConditionExpr::Selector { quantifier, pattern } => {
                let named = detections.iter().filter(|(name, _)| pattern.matches_detection_name(name));
                let parts = self.each(named, |items, (_, detection)| items.detection(detection))?;
                let wanted = match quantifier {
                    Quantifier::Any => 1,
                    Quantifier::All => parts.len(),
                    Quantifier::Count(wanted) => usize::try_from(*wanted).ok()?,
                };
                Plan::AtLeast(wanted, parts)
            }
        })
    }

    fn detection(&mut self, detection: &CompiledDetection) -> Option<Plan> {
        Some(match detection {
            CompiledDetection::AllOf(parts) => Plan::AtLeast(parts.len(), self.each(parts, Self::item)?),
            CompiledDetection::And(parts) => Plan::AtLeast(parts.len(), self.each(parts, Self::detection)?),
            CompiledDetection::AnyOf(parts) => Plan::AtLeast(1, self.each(parts, Self::detection)?),
            CompiledDetection::Keywords(_)
            | CompiledDetection::ArrayMatch { .. }
            | CompiledDetection::Conditional { .. } => return None,
        })
    }

    fn item(&mut self, item: &CompiledDetectionItem) -> Option<Plan> {
        let field = item.field.clone()?;
        let shape = Shape::of(&field);
        self.0.push(Item { field, shape, exists: item.exists, matcher: item.matcher.clone() });
        Some(Plan::Item(self.0.len() - 1))
    }

    fn each<T>(
        &mut self,
        parts: impl IntoIterator<Item = T>,
        mut plan: impl FnMut(&mut Self, T) -> Option<Plan>,
    ) -> Option<Vec<Plan>> {
        parts.into_iter().map(|part| plan(self, part)).collect()
    }

    /// Whether `plan` holds for `event`, in which `value` finds an item's field.
    pub(crate) fn hold<'a, E: SigmaEvent>(
        &self,
        plan: &Plan,
        event: &E,
        value: &impl Fn(&Item) -> Option<EventValue<'a>>,
    ) -> bool {
        match plan {
            Plan::Is(holds) => *holds,
            Plan::Item(number) => self.0.get(*number).is_some_and(|item| item.holds(value(item), event)),
            Plan::Not(part) => !self.hold(part, event, value),
            Plan::AtLeast(wanted, parts) => {
                let (mut wanted, mut left) = (*wanted, parts.len());
                for part in parts {
                    if wanted == 0 || wanted > left {
                        break;
                    }
                    wanted -= usize::from(self.hold(part, event, value));
                    left -= 1;
                }
                wanted == 0
            }
        }
    }
}

impl Plan {
    /// What is left of the plan once `known` has told of those items that it knows.
    pub(crate) fn settle(&self, known: &impl Fn(usize) -> Option<bool>) -> Plan {
        match self {
            Self::Is(holds) => Self::Is(*holds),
            Self::Item(number) => known(*number).map_or(Self::Item(*number), Self::Is),
            Self::Not(part) => match part.settle(known) {
                Self::Is(holds) => Self::Is(!holds),
                left => Self::Not(Box::new(left)),
            },
            Self::AtLeast(wanted, parts) => {
                let mut wanted = *wanted;
                let mut left = Vec::new();
                for part in parts {
                    match part.settle(known) {
                        Self::Is(true) => wanted = wanted.saturating_sub(1),
                        Self::Is(false) => {}
                        open => left.push(open),
                    }
                }
                match left.len() {
                    _ if wanted == 0 => Self::Is(true),
                    open if open < wanted => Self::Is(false),
                    1 => left.remove(0),
                    _ => Self::AtLeast(wanted, left),
                }
            }
        }
    }
}

impl Item {
    fn holds(&self, value: Option<EventValue<'_>>, event: &impl SigmaEvent) -> bool {
        match (self.exists, value) {
            (Some(wanted), value) => value.is_some_and(|value| !value.is_null()) == wanted,
            (None, None) => matches!(self.matcher, CompiledMatcher::Null),
            (None, Some(EventValue::Str(text))) if text.is_ascii() => {
                ascii(&self.matcher, &text).unwrap_or_else(|| self.matcher.matches(&EventValue::Str(text), event))
            }
            (None, Some(value)) => self.matcher.matches(&value, event),
        }
    }
}

/// Whether a matcher of the simple kinds matches a text; `None` for the others.
fn ascii(matcher: &CompiledMatcher, text: &str) -> Option<bool> {
    let any_of =
        |parts: &[CompiledMatcher]| parts.iter().try_fold(false, |found, part| Some(found || ascii(part, text)?));
    match matcher {
        CompiledMatcher::Exact { value, case_insensitive: true } => {
            Some(text.len() == value.len() && text.bytes().map(|byte| byte.to_ascii_lowercase()).eq(value.bytes()))
        }
        CompiledMatcher::Exact { value, case_insensitive: false } => Some(text == value),
        CompiledMatcher::Null => Some(false),
        CompiledMatcher::AnyOf(parts) => any_of(parts),
        // Its parts compare without case, whatever they would do alone.
        CompiledMatcher::CaseInsensitiveGroup { children, mode: GroupMode::Any } => any_of(children),
        _ => None,
    }
}
