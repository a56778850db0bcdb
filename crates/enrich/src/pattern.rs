//! Names with a hole: `*` for anything, `<team>` for a team's name.

use tagwarden_core::Text;

/// A name pattern; it is compared with names brought to lower case by [`lower`].
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// The literal parts between the holes.
    parts: Vec<String>,
    /// The bytes of all parts, as [`bytes_of`] gives them.
    needs: u64,
    team: bool,
}

/// Which bytes occur, four sharing a bit: most names lack one that a pattern or a team's name
/// needs, and are told by that alone.
pub(crate) fn bytes_of(text: &str) -> u64 {
    text.bytes().fold(0, |set, byte| set | 1 << (byte & 63))
}

/// Whether `name`, given in lower case, fits one of `patterns`.
pub(crate) fn any_fits(patterns: &[Pattern], name: &str) -> bool {
    let has = bytes_of(name);
    patterns.iter().any(|pattern| pattern.needs & !has == 0 && pattern.fits(name))
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let team = text.contains("<team>");
        let parts: Vec<_> = text.to_ascii_lowercase().replace("<team>", "*").split('*').map(str::to_owned).collect();
        let needs = parts.iter().fold(0, |set, part| set | bytes_of(part));
        Self { parts, needs, team }
    }

    /// Whether `name` fits, given in lower case.
    pub(crate) fn fits(&self, name: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|only| only == name);
        };
        let Some(rest) = name.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for part in middle.iter().filter(|part| !part.is_empty()) {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        true
    }

    /// What stands in the place of `<team>`, if `name` fits and the pattern has that one hole.
    pub(crate) fn team<'n>(&self, name: &'n str) -> Option<&'n str> {
        let [before, after] = self.parts.as_slice() else { return None };
        let hole = self.team && self.fits(name) && name.len() > before.len() + after.len();
        if hole { name.get(before.len()..name.len() - after.len()) } else { None }
    }
}

/// ASCII lower case, without a copy where there is nothing to lower.
pub(crate) fn lower(name: &str) -> Text<'_> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, any_fits, lower};

    #[test]
    fn holes_take_anything_and_the_rest_is_literal() {
        for (pattern, name, fits) in [
            ("svc-*", "svc-api", true),
            ("svc-*", "SVC-", true),
            ("svc-*", "my-svc-api", false),
            ("*-bot", "tag-bot", true),
            ("*terraform*", "run-Terraform-7", true),
            ("*terraform*", "terra-form", false),
            ("exact", "Exact", true),
            ("exact", "exactly", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "ac", false),
            ("ab*bc", "abc", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).fits(&lower(name)), fits, "{pattern} {name}");
            assert_eq!(any_fits(&[Pattern::new("no"), Pattern::new(pattern)], &lower(name)), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn the_team_is_cut_out() {
        assert_eq!(Pattern::new("ci-deploy-<team>").team("ci-deploy-orbit-core"), Some("orbit-core"));
        assert_eq!(Pattern::new("<team>-operator").team("data-operator"), Some("data"));
        assert_eq!(Pattern::new("<team>-operator").team("-operator"), None);
        assert_eq!(Pattern::new("ci-*").team("ci-data"), None);
        assert_eq!(Pattern::new("<team>-operator").team("é-operator"), Some("é"));
    }
}
