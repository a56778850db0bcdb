//! Secrets inside free text, by their form.

use super::{MASK, names};

/// Words before `=` or `:` that announce a secret; lower case, `_` and `-` left out.
const ANNOUNCED: [&str; 15] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secretkey",
    "secretaccesskey",
    "secretstring",
    "apikey",
    "authtoken",
    "sessiontoken",
    "accesstoken",
    "token",
    "privatekey",
    "externalid",
];

/// How far before its colon a user name in an address may begin.
const LONGEST_USER: usize = 128;

/// Longest of [`ANNOUNCED`], with room for `_` and `-`.
const LOOK_BACK: usize = 32;

/// `text` with its secrets replaced; `None` if it has none.
pub(crate) fn scrub(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    // One of these is in every form: a sign after a word, `eyJ`, `BEGIN`. Without a branch per byte this is quick.
    if !bytes.iter().fold(false, |found, byte| found | matches!(byte, b'=' | b':' | b'J' | b'G')) {
        return None;
    }
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    // Up to here the text has been judged: keeps the work linear, whatever somebody wrote into a tag.
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if at < done {
            continue;
        }
        let found = match byte {
            b'=' | b':' => announced(text, at).or_else(|| credentials(text, at)),
            b'-' if text.get(at..).is_some_and(|rest| rest.starts_with("-----BEGIN ")) => pem(text, at),
            b'e' if text.get(at..).is_some_and(|rest| rest.starts_with("eyJ")) => {
                let (end, is_token) = jwt(text, at);
                done = end;
                is_token.then_some((at, end))
            }
            _ => None,
        };
        if let Some((start, end)) = found
            && start < end
        {
            cuts.push((start, end));
            done = end;
        }
    }
    if cuts.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in cuts {
        out.push_str(text.get(from..start).unwrap_or(""));
        out.push_str(MASK);
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    (out != text).then_some(out)
}

/// The value after `password=`, `"secretKey": "..."`, `token: ...`.
fn announced(text: &str, at: usize) -> Option<(usize, usize)> {
    let before = text.get(..at)?.as_bytes();
    let mut word = [0u8; LOOK_BACK];
    let mut length = 0;
    // Backwards over the quotes and spaces between word and sign, then over the word.
    let tail = before.iter().rev().skip_while(|b| matches!(b, b' ' | b'"' | b'\'' | b'\\'));
    for byte in tail.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        if byte.is_ascii_alphanumeric() {
            let Some(place) = word.get_mut(length) else { break };
            *place = byte.to_ascii_lowercase();
            length += 1;
        }
        // Most words are told by their last two letters, which come first.
        if length == 2 && !ANNOUNCED.iter().any(|known| known.as_bytes().last_chunk() == Some(&[word[1], word[0]])) {
            return None;
        }
    }
    let end = at - before.iter().rev().take_while(|b| !b.is_ascii_alphanumeric()).count();
    let start =
        end - before[..end].iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    // `arn:aws:...:secret:name`: a part of a name, not a sign.
    if end == at && start > 0 && before.get(start - 1) == Some(&b':') {
        return None;
    }
    let word = word.get_mut(..length)?;
    word.reverse();
    if names::is_harmless(word) || !ANNOUNCED.iter().any(|known| word.ends_with(known.as_bytes())) {
        return None;
    }
    let rest = text.get(at + 1..)?;
    let start = at + 1 + rest.find(|c: char| !matches!(c, ' ' | '"' | '\'' | '\\' | '=' | ':'))?;
    let value = text.get(start..)?;
    let quoted = text.get(at + 1..start).is_some_and(|gap| gap.contains(['"', '\'']));
    let length = value
        .find(|c: char| {
            if quoted {
                matches!(c, '"' | '\'' | '\\')
            } else {
                c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '}')
            }
        })
        .unwrap_or(value.len());
    Some((start, start + length))
}

/// The password in `scheme://user:password@host`.
fn credentials(text: &str, at: usize) -> Option<(usize, usize)> {
    let before = text.get(text.floor_char_boundary(at.saturating_sub(LONGEST_USER))..at)?;
    let scheme = before.as_bytes().windows(3).rposition(|three| three == b"://")?;
    let user = before.get(scheme + 3..)?;
    if user.contains(['/', '?', '#', '@', ' ', '"', ':']) {
        return None;
    }
    let value = text.get(at + 1..)?;
    let end = value.find(['@', '/', '?', '#', ' ', '"'])?;
    value.get(end..)?.starts_with('@').then_some((at + 1, at + 1 + end))
}

/// A PEM block of a private key, to its end or the end of the text.
fn pem(text: &str, at: usize) -> Option<(usize, usize)> {
    let block = text.get(at..)?;
    let label = block.get(11..)?.split("-----").next()?;
    if !label.contains("PRIVATE KEY") {
        return None;
    }
    let end = block.find("-----END ").and_then(|end| {
        let close = block.get(end + 9..)?.find("-----")?;
        Some(end + 9 + close + 5)
    });
    Some((at, at + end.unwrap_or(block.len())))
}

/// Where a run of base64url ends, and whether it is a JSON web token: three parts with dots between.
fn jwt(text: &str, at: usize) -> (usize, bool) {
    let rest = text.get(at..).unwrap_or("");
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(rest.len());
    let mut parts = rest.get(..end).unwrap_or("").split('.');
    let long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 10);
    let is_token = long(parts.next()) && long(parts.next()) && parts.next().is_some();
    (at + end.max(1), is_token)
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn forms_of_secrets() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let cases = [
            (format!("aws_secret_access_key = {key}"), "aws_secret_access_key = ***"),
            (format!("{{\"secretKey\": \"{key}\"}}"), "{\"secretKey\": \"***\"}"),
            ("curl -H 'Authorization: x' token=abc&x=1".into(), "curl -H 'Authorization: x' token=***&x=1"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- tail".into(), "*** tail"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE".into(), "***"),
            ("bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln now".into(), "bearer *** now"),
            ("mysql://root:toor@10.0.0.1:3306/db".into(), "mysql://root:***@10.0.0.1:3306/db"),
            ("DB_PASSWORD='a b c'".into(), "DB_PASSWORD='***'"),
        ];
        for (text, wanted) in cases {
            assert_eq!(scrub(&text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn ordinary_texts_are_left_alone() {
        for text in [
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prd/app-x",
            "arn:aws:iam::111122223333:role/x",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "https://console.aws.amazon.com/console/home",
            "key=value, port:22",
            "",
            "é=ü",
            "Jumps over -----BEGINNINGS",
        ] {
            assert_eq!(scrub(text), None, "{text}");
        }
    }
}
