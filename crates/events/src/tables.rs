//! What each operation of AWS does: the tables of tag operations and families, read once.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use tagwarden_core::{Family, TagOperation};

/// One row of the families: what a call does, and where to read what it was done to.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) family: Family,
    pub(crate) kind: &'static str,
    pub(crate) resource_type: &'static str,
    /// Paths as in [`crate::member::Call::first`].
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) details: Box<[(&'static str, &'static str)]>,
    pub(crate) reads: Reads,
}

/// What of a request needs more than a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    Nothing,
    Ingress,
    Egress,
    ChangedRules,
    AclEntry,
    Launch,
    PerItem,
    InstanceAttribute,
    Sharing,
    /// A policy document, with its path.
    Policy(&'static str),
    PublicAccessBlock,
    Acl,
    S3Object,
    ConsoleLogin,
}

impl Reads {
    fn parse(word: &'static str) -> Option<Self> {
        Some(match word {
            "" => Self::Nothing,
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            "changed_rules" => Self::ChangedRules,
            "acl_entry" => Self::AclEntry,
            "launch" => Self::Launch,
            "per_item" => Self::PerItem,
            "instance_attribute" => Self::InstanceAttribute,
            "sharing" => Self::Sharing,
            "public_access_block" => Self::PublicAccessBlock,
            "acl" => Self::Acl,
            "s3_object" => Self::S3Object,
            "console_login" => Self::ConsoleLogin,
            _ => Self::Policy(word.strip_prefix("policy ")?),
        })
    }
}

/// One tag operation: what it does, and the members that carry resources and tags.
#[derive(Debug, Clone)]
pub(crate) struct TagRow {
    pub(crate) operation: TagOperation,
    /// Paths to the resource, the most exact first.
    pub(crate) resources: Vec<&'static str>,
    pub(crate) members: Vec<TagMember>,
}

/// A member that carries tags or keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TagMember {
    pub(crate) name: &'static str,
    /// Keys alone, to be removed.
    pub(crate) keys: bool,
    /// An object is a map from key to value, not one pair or a wrapper.
    pub(crate) map: bool,
}

impl TagRow {
    fn parse(kind: &str, resources: &'static str, members: &'static str) -> Option<Self> {
        let operation = TagOperation::parse(kind)?;
        let parts = |text: &'static str| text.split('|').filter(|part| !part.is_empty());
        let mut row = Self { operation, resources: parts(resources).collect(), members: Vec::new() };
        for (name, shape) in parts(members).filter_map(|part| part.split_once(':')) {
            let keys =
                shape == "list<string>" || name == "TagKeys" || shape == "string" && operation == TagOperation::Remove;
            row.member(TagMember { name, keys, map: shape == "map" });
        }
        Some(row)
    }

    /// Adds a member; one of the same name in other letters is the same one to CloudTrail.
    fn member(&mut self, member: TagMember) {
        match self.members.iter_mut().find(|known| known.name.eq_ignore_ascii_case(member.name)) {
            Some(known) => known.map |= member.map,
            None => self.members.push(member),
        }
    }

    /// Takes over what `other` names besides.
    fn absorb(&mut self, other: &Self) {
        for name in &other.resources {
            if !self.resources.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.resources.push(name);
            }
        }
        other.members.iter().for_each(|member| self.member(*member));
    }
}

/// What is known of one operation of one service.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    pub(crate) row: Option<Row>,
    pub(crate) tags: Option<TagRow>,
}

struct Tables {
    places: FxHashMap<(&'static str, &'static str), usize>,
    operations: Vec<Operation>,
    /// Tag operations by name alone, all services together, for services that the table does not know.
    by_name: FxHashMap<&'static str, TagRow>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::read);

const TAG_OPERATIONS: &str = include_str!("../tables/tag_operations.csv");
/// By hand first: it wins over what is derived.
const FAMILIES: [&str; 2] = [include_str!("../tables/families.csv"), include_str!("../tables/calls.csv")];

/// The cells of each line after the header; no cell of ours holds a semicolon or a quote.
pub(crate) fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).filter_map(|line| {
        let mut cells = [""; N];
        let mut count = 0;
        for cell in line.split(';') {
            *cells.get_mut(count)? = cell;
            count += 1;
        }
        (count == N).then_some(cells)
    })
}

impl Tables {
    fn read() -> Self {
        let mut tables = Self { places: FxHashMap::default(), operations: Vec::new(), by_name: FxHashMap::default() };
        for table in FAMILIES {
            for [sources, names, family, kind, resource_type, id, name, details, reads] in rows::<9>(table) {
                let (Some(family), Some(reads)) = (Family::parse(family), Reads::parse(reads)) else { continue };
                for source in sources.split('|') {
                    for operation in names.split('|') {
                        let details = details.split(',').filter_map(|detail| detail.split_once('=')).collect();
                        let row = Row { family, kind, resource_type, id, name, details, reads };
                        tables.entry(source, operation).row.get_or_insert(row);
                    }
                }
            }
        }
        for [sources, name, kind, resources, members] in rows::<5>(TAG_OPERATIONS) {
            let Some(row) = TagRow::parse(kind, resources, members) else { continue };
            if row.operation != TagOperation::Create {
                tables.by_name.entry(name).and_modify(|known| known.absorb(&row)).or_insert_with(|| row.clone());
            }
            for source in sources.split('|') {
                tables.entry(source, name).tags = Some(row.clone());
            }
        }
        tables
    }

    fn entry(&mut self, source: &'static str, name: &'static str) -> &mut Operation {
        let place = *self.places.entry((source, name)).or_insert(self.operations.len());
        if place == self.operations.len() {
            self.operations.push(Operation::default());
        }
        &mut self.operations[place]
    }
}

/// What the tables know of `action` of `source`.
pub(crate) fn operation(source: &str, action: &str) -> Option<&'static Operation> {
    let source = source.strip_suffix(".cn").unwrap_or(source);
    let source = source.strip_suffix(".amazonaws.com").unwrap_or(source);
    let tables: &'static Tables = &TABLES;
    tables.operations.get(place(&tables.places, source, action)?)
}

/// Shortens the life of the keys to that of the text asked for.
fn place<'k>(places: &FxHashMap<(&'k str, &'k str), usize>, source: &'k str, action: &'k str) -> Option<usize> {
    places.get(&(source, action)).copied()
}

/// How a tag operation of a service that the table does not know is read: as the other services' operation of the
/// same name, else, by its verb, as `TagResource` or `UntagResource`.
pub(crate) fn unlisted_tag_operation(action: &str) -> Option<&'static TagRow> {
    let known = &TABLES.by_name;
    known.get(action).or_else(|| known.get(if tag_verb(action)? { "TagResource" } else { "UntagResource" }))
}

/// Whether a name says that tags are set (`true`) or removed (`false`).
fn tag_verb(action: &str) -> Option<bool> {
    let word = |verb: &str| {
        action.strip_prefix(verb).filter(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    if word("Tag").is_some_and(|rest| !rest.is_empty()) {
        return Some(true);
    }
    if word("Untag").is_some_and(|rest| !rest.is_empty()) {
        return Some(false);
    }
    let tags = |verb: &str| {
        let rest = word(verb)?;
        let rest = rest.strip_prefix("Resource").unwrap_or(rest).strip_prefix("Tags")?;
        (rest.is_empty() || ["To", "From", "For", "On"].iter().any(|word| rest.starts_with(word))).then_some(())
    };
    if ["Add", "Create", "Set", "Put", "Update", "CreateOrUpdate", "Change"].iter().any(|verb| tags(verb).is_some()) {
        return Some(true);
    }
    ["Remove", "Delete"].iter().any(|verb| tags(verb).is_some()).then_some(false)
}

/// Whether `action` of `source` sets or removes tags of existing resources. `action` carries no API version.
pub fn is_tag_operation(source: &str, action: &str) -> bool {
    tag_row(source, action).is_some()
}

/// How the tags of an existing resource are read from `action` of `source`, if it touches them.
pub(crate) fn tag_row(source: &str, action: &str) -> Option<&'static TagRow> {
    match operation(source, action) {
        Some(known) => known.tags.as_ref().filter(|row| row.operation != TagOperation::Create),
        None => unlisted_tag_operation(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_tables_is_read() {
        let lines = |table: &str| table.lines().count() - 1;
        for table in FAMILIES {
            assert_eq!(rows::<9>(table).count(), lines(table));
            for [_, _, family, kind, .., reads] in rows::<9>(table) {
                assert!(Family::parse(family).is_some(), "family {family}");
                assert!(Reads::parse(reads).is_some(), "reads {reads}");
                assert!(
                    !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                    "{kind}"
                );
            }
        }
        assert_eq!(rows::<5>(TAG_OPERATIONS).count(), lines(TAG_OPERATIONS));
        for [_, name, kind, resources, members] in rows::<5>(TAG_OPERATIONS) {
            assert!(TagRow::parse(kind, resources, members).is_some(), "{name}");
        }
    }

    #[test]
    fn tag_verbs_are_told_from_other_names() {
        for name in [
            "TagResource",
            "TagThing",
            "AddTags",
            "AddTagsToVault",
            "CreateTags",
            "SetTagsForResource",
            "PutResourceTags",
        ] {
            assert_eq!(tag_verb(name), Some(true), "{name}");
        }
        for name in ["UntagThing", "RemoveTags", "DeleteTags", "DeleteTagsForDomain", "RemoveTagsFromStream"] {
            assert_eq!(tag_verb(name), Some(false), "{name}");
        }
        for name in [
            "Tag",
            "Tagging",
            "CreateTagOption",
            "UpdateCostAllocationTagsStatus",
            "PutImageTagMutability",
            "StopLogging",
            "CreateLFTag",
        ] {
            assert_eq!(tag_verb(name), None, "{name}");
        }
    }

    #[test]
    fn services_of_the_same_operation_name_are_told_apart() {
        assert!(is_tag_operation("ec2.amazonaws.com", "CreateTags"));
        assert!(is_tag_operation("ec2.amazonaws.com.cn", "CreateTags"));
        assert!(is_tag_operation("brandnew.amazonaws.com", "TagResource"));
        assert!(is_tag_operation("brandnew.amazonaws.com", "TagGizmo"));
        assert!(!is_tag_operation("ec2.amazonaws.com", "RunInstances"));
        assert!(!is_tag_operation("servicecatalog.amazonaws.com", "CreateTagOption"));
    }
}
