//! Texts put into classes: networks, programs, refusals, values that look the same.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use tagwarden_core::{Actor, Event, NetworkClass};

use crate::hash::{mix, text};

/// The network's class where it says something; for an address of the internet its first half.
pub(crate) fn network<'a>(event: &'a Event<'_>, actor: &Actor<'_>) -> &'a str {
    match actor.network {
        Some(class) if !matches!(class, NetworkClass::Internet | NetworkClass::Service) => class.as_str(),
        _ => event.source_ip.as_deref().map_or("", first_half),
    }
}

/// `203.0` of `203.0.113.7`, `2001:db8` of an IPv6 address, and all of a service's name.
fn first_half(address: &str) -> &str {
    let separator = if address.bytes().all(|b| b == b'.' || b.is_ascii_digit()) {
        b'.'
    } else if address.bytes().any(|b| b == b':') {
        b':'
    } else {
        return address;
    };
    let mut separators = address.bytes().enumerate().filter(|(_, b)| *b == separator);
    separators.nth(1).and_then(|(at, _)| address.get(..at)).unwrap_or(address)
}

/// Programs told apart by a word of the user agent; the first that occurs counts.
const AGENTS: [(&str, &str); 12] = [
    ("terraform", "terraform"),
    ("cloudformation", "cloudformation"),
    ("aws internal", "console"),
    ("s3console", "console"),
    ("mozilla", "console"),
    ("boto3", "boto3"),
    ("aws-cli", "aws-cli"),
    ("aws-sdk-go", "aws-sdk-go"),
    ("aws-sdk-java", "aws-sdk-java"),
    ("aws-sdk-js", "aws-sdk-js"),
    ("pulumi", "pulumi"),
    ("botocore", "botocore"),
];

/// User agents that were looked at before: there are few, and each is long.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    known: FxHashMap<u64, Program>,
}

/// A program, as numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Program {
    /// Its class.
    pub(crate) class: u64,
    /// Class and operating system.
    pub(crate) tool: u64,
}

/// User agents remembered; forgetting them only costs time.
const MOST_PROGRAMS: usize = 4096;

impl Programs {
    pub(crate) fn of(&mut self, user_agent: &str) -> Program {
        let key = text(user_agent);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let (class, system) = tool(user_agent);
        let program = Program { class: text(class), tool: mix(text(class), text(system)) };
        if self.known.len() >= MOST_PROGRAMS {
            self.known.clear();
        }
        self.known.insert(key, program);
        program
    }
}

/// The class of a user agent: one of the known programs, else its first word.
pub(crate) fn agent(user_agent: &str) -> &str {
    let known = AGENTS.iter().find(|(word, _)| contains(user_agent, word));
    known.map_or_else(|| user_agent.split(['/', ' ']).next().unwrap_or(user_agent), |(_, class)| class)
}

/// The class of a user agent and its operating system.
pub(crate) fn tool(user_agent: &str) -> (&str, &'static str) {
    let systems = ["macos", "mac os", "windows", "linux", "darwin"];
    (agent(user_agent), systems.into_iter().find(|word| contains(user_agent, word)).unwrap_or(""))
}

/// Whether `text` contains `word`, which is in small letters; upper and lower case are the same.
fn contains(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some((first, rest)) = word.split_first() else { return true };
    let upper = first.to_ascii_uppercase();
    text.iter().enumerate().any(|(at, byte)| {
        (byte == first || *byte == upper)
            && text.get(at + 1..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(rest))
    })
}

/// Whether an `errorCode` says that the caller may not, rather than that something went wrong.
pub(crate) fn refused(error_code: Option<&str>) -> bool {
    let words = ["denied", "unauthor", "forbidden", "notauthor", "failedauth", "authfail"];
    error_code.is_some_and(|code| words.into_iter().any(|word| contains(code, word)))
}

/// A value without what people mistype or forge: case, blanks, `-`, `_`, and letters and digits that look alike.
pub(crate) fn same_in_plain(value: &str) -> Cow<'_, str> {
    if value.bytes().all(|b| b.is_ascii_lowercase()) {
        return Cow::Borrowed(value);
    }
    let plain = |c: char| match c {
        ' ' | '-' | '_' => None,
        '0' | 'о' | 'О' => Some('o'),
        '1' => Some('l'),
        'а' | 'А' => Some('a'),
        'е' | 'Е' => Some('e'),
        'р' | 'Р' => Some('p'),
        'с' | 'С' => Some('c'),
        c => Some(c.to_ascii_lowercase()),
    };
    Cow::Owned(value.chars().filter_map(plain).collect())
}

#[cfg(test)]
mod tests {
    use super::{agent, contains, first_half, refused, same_in_plain, tool};

    #[test]
    fn addresses_are_halved_and_names_are_not() {
        for (address, half) in [
            ("203.0.113.7", "203.0"),
            ("2001:db8:1::7", "2001:db8"),
            ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com"),
            ("10", "10"),
            ("", ""),
        ] {
            assert_eq!(first_half(address), half);
        }
    }

    #[test]
    fn programs_are_told_by_a_word() {
        assert_eq!(agent("APN/1.0 HashiCorp/1.0 Terraform/1.7.0"), "terraform");
        assert_eq!(agent("[S3Console/0.4, aws-internal/3]"), "console");
        assert_eq!(agent("curl/8.1"), "curl");
        assert_eq!(tool("Boto3/1.35 ua/2.0 os/macos#24"), ("boto3", "macos"));
        assert!(contains("xTerraform", "terraform") && !contains("Terrafor", "terraform") && contains("", ""));
    }

    #[test]
    fn refusals_are_told_from_failures() {
        for code in ["AccessDenied", "Client.UnauthorizedOperation", "AccessDeniedException", "AuthFailure"] {
            assert!(refused(Some(code)), "{code}");
        }
        for code in ["ThrottlingException", "NoSuchBucket", "Client.RequestLimitExceeded"] {
            assert!(!refused(Some(code)), "{code}");
        }
        assert!(!refused(None));
    }

    #[test]
    fn mistyped_values_are_the_same_in_plain() {
        for forged in ["Pro-D", "PR0D", "р_rod"] {
            assert_eq!(same_in_plain(forged), "prod");
        }
        assert_ne!(same_in_plain("prod"), same_in_plain("prd"));
    }
}
