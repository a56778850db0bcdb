//! Reasons in words: a rule's sentence with the change's own values in it.

use std::borrow::Cow;

use crate::fields::{self, PREFIX, RowEvent};

/// Longest value shown, in characters.
const SHOWN: usize = 80;

/// A sentence with `{field}` in it, checked when the rule is read.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// A field's full path, `tagwarden.` included.
    Field(String),
    /// How many a correlation counted.
    Count,
}

impl Template {
    /// Reads `text`; names in braces are those that rules read after `tagwarden.`, and `count` in a correlation.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| format!("found `{{{after}` in the reason, wanted a closing brace"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "count" => Part::Count,
                name if fields::is_known(name) => Part::Field(format!("{PREFIX}{name}")),
                name => return Err(format!("found `{{{name}}}` in the reason, wanted a name that rules can read")),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The sentence for one change; what is not known reads `unknown`.
    pub(crate) fn fill(&self, event: &RowEvent<'_>, count: usize) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Count => out.push_str(&count.to_string()),
                Part::Field(path) => match event.text(path) {
                    Some(value) => out.push_str(&presentable(&value)),
                    None => out.push_str("unknown"),
                },
            }
        }
        out
    }
}

/// A value as it may leave: shortened, and hidden where it looks like a secret.
pub(crate) fn presentable(value: &str) -> Cow<'_, str> {
    let secret = value.contains("-----BEGIN") || value.split([' ', '=', ',', ';', '"', '\'']).any(looks_secret);
    if secret {
        return Cow::Borrowed("***");
    }
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &value[..end])),
        None => Cow::Borrowed(value),
    }
}

/// A long word of mixed case and digits, as keys and tokens are; names and ARNs have `-`, `:` or `.` in them.
fn looks_secret(word: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| word.bytes().any(|byte| wanted(&byte));
    word.starts_with("eyJ") && word.len() > 20
        || word.len() >= 30
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_'))
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::{Template, presentable};

    #[test]
    fn faults_are_found_when_the_rule_is_read() {
        assert!(Template::parse("{actor} moved {tag.Environment.old} in {count}").is_ok());
        assert!(Template::parse("{actor").is_err());
        assert!(Template::parse("{severity}").is_err());
        assert!(Template::parse("{requestParameters.password}").is_err());
    }

    #[test]
    fn secrets_do_not_leave() {
        let key = ["wJalrXUtnFEMI/K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/");
        assert_eq!(presentable(&key), "***");
        assert_eq!(presentable(&format!("db_password={key}")), "***");
        assert_eq!(presentable("-----BEGIN RSA PRIVATE KEY-----"), "***");
        for plain in ["arn:aws:iam::123456789012:role/ci-deploy-core", "prod", "i-0abc1234def567890", "22,3389"] {
            assert_eq!(presentable(plain), plain);
        }
        assert_eq!(presentable(&"é".repeat(90)).chars().count(), 81);
    }
}
