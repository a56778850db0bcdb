//! Names with a hole: `*` for anything, `<team>` for a team's name.

/// A name pattern; ASCII case is ignored.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// The literal parts between the holes.
    parts: Vec<String>,
    team: bool,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let team = text.contains("<team>");
        Self { parts: text.to_ascii_lowercase().replace("<team>", "*").split('*').map(str::to_owned).collect(), team }
    }

    /// Whether `name` fits; ASCII case is ignored.
    pub(crate) fn fits(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|only| only.as_bytes().eq_ignore_ascii_case(name));
        };
        let (first, last) = (first.as_bytes(), last.as_bytes());
        if name.len() < first.len() + last.len() {
            return false;
        }
        let (head, rest) = name.split_at(first.len());
        let (mut rest, tail) = rest.split_at(rest.len() - last.len());
        if !head.eq_ignore_ascii_case(first) || !tail.eq_ignore_ascii_case(last) {
            return false;
        }
        for part in middle.iter().filter(|part| !part.is_empty()) {
            let found = rest.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part.as_bytes()));
            let Some(at) = found else { return false };
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

#[cfg(test)]
mod tests {
    use super::Pattern;

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
            assert_eq!(Pattern::new(pattern).fits(name), fits, "{pattern} {name}");
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
