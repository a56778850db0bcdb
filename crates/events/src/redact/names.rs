//! Which members hold secrets, by their names.

/// Whole names, lower case, without punctuation, in order.
const EXACT: [&str; 38] = [
    "accesskeysecret",
    "apikey",
    "apikeyvalue",
    "authenticationcode1",
    "authenticationcode2",
    "authkey",
    "authorization",
    "base32stringseed",
    "clientsecret",
    "connectionstring",
    "cookie",
    "credential",
    "dataplaintext",
    "externalid",
    "keymaterial",
    "mfacode",
    "passwd",
    "passworddata",
    "pem",
    "plaintext",
    "presharedkey",
    "presignedurl",
    "privatekey",
    "privatekeyplaintext",
    "pwd",
    "qrcodepng",
    "samlassertion",
    "secret",
    "secretbinary",
    "secretkey",
    "secretstring",
    "secretvalue",
    "sharedsecret",
    "streamurl",
    "stsexternalid",
    "tokencode",
    "tokenvalue",
    "userdata",
];

/// Ends of names, before which anything may stand.
const ENDS: [&str; 14] = [
    "password",
    "passphrase",
    "secretaccesskey",
    "secretkey",
    "clientsecret",
    "secretstring",
    "privatekey",
    "connectionstring",
    "apikey",
    "userdata",
    "token",
    "keymaterial",
    "passcode",
    "sharedsecret",
];

/// Tokens that say which page or which attempt, not who.
const HARMLESS_TOKENS: [&str; 16] = [
    "nexttoken",
    "clienttoken",
    "clientrequesttoken",
    "continuationtoken",
    "paginationtoken",
    "idempotencytoken",
    "clientidempotencytoken",
    "idempotenttoken",
    "creatorrequesttoken",
    "requesttoken",
    "starttoken",
    "changetoken",
    "taskexecutiontoken",
    "pagetoken",
    "nextpagetoken",
    "httptoken",
];

/// Longest name that is looked at; what is longer is a text, not a name.
const LONGEST: usize = 64;

/// Whether a member, detail or tag of this name holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    // Nearly every name is turned away by its last two letters.
    let mut letters = name.bytes().rev().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    let ends_like_one = letters.next().zip(letters.next()).is_some_and(|(last, before)| ends_like_one(before, last));
    if !ends_like_one || name.len() > 2 * LONGEST {
        return false;
    }
    let mut plain = [0u8; LONGEST];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        let Some(place) = plain.get_mut(length) else { return false };
        *place = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = plain.get(..length).unwrap_or_default();
    let exact = EXACT.binary_search_by(|word| word.as_bytes().cmp(plain)).is_ok();
    (exact || ENDS.iter().any(|end| plain.ends_with(end.as_bytes()))) && !is_harmless(plain)
}

fn ends_like_one(before: u8, last: u8) -> bool {
    LAST[usize::from(last)] & bit(before) != 0
}

/// By the last letter, the letters before it with which a word of [`EXACT`] or [`ENDS`] ends.
const LAST: [u64; 256] = {
    let mut last = [0; 256];
    let mut at = 0;
    while at < EXACT.len() + ENDS.len() {
        let word = if at < EXACT.len() { EXACT[at] } else { ENDS[at - EXACT.len()] }.as_bytes();
        last[word[word.len() - 1] as usize] |= bit(word[word.len() - 2]);
        at += 1;
    }
    last
};

/// A letter's or digit's place in a set.
const fn bit(byte: u8) -> u64 {
    1 << (byte % 64)
}

/// Whether a plain name (lower case, no punctuation) only looks like a secret.
pub(crate) fn is_harmless(plain: &[u8]) -> bool {
    HARMLESS_TOKENS.iter().any(|token| token.as_bytes() == plain)
}

/// Whether a member of this name, if it is a list or object, holds environment variables.
pub(crate) fn is_environment(name: &str) -> bool {
    ["environment", "variables", "environmentVariables", "environmentVariablesOverride", "environmentSecrets"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::{ENDS, EXACT, is_secret};

    #[test]
    fn the_short_cuts_lose_nothing() {
        assert!(EXACT.is_sorted());
        assert!(EXACT.iter().chain(&ENDS).all(|word| is_secret(word) && is_secret(&format!("{word}_"))));
    }

    #[test]
    fn secrets_are_told_from_their_neighbours() {
        for name in [
            "masterUserPassword",
            "MasterUserPassword",
            "secretString",
            "userData",
            "sessionToken",
            "auth_token",
            "x-amz-security-token",
            "privateKey",
            "DBPassword",
            "secret",
            "token",
            "sts:ExternalId",
            "newPassword",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "passwordResetRequired",
            "nextToken",
            "clientToken",
            "ClientRequestToken",
            "secretId",
            "secretArn",
            "keyId",
            "accessKeyId",
            "httpTokens",
            "passwordLastUsed",
            "environment",
            "tokens",
            "",
            "keyName",
            "manageMasterUserPasswordMode",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
