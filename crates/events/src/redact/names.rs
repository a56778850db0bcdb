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
    if name.len() > 2 * LONGEST {
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
    if is_harmless(plain) {
        return false;
    }
    let exact = EXACT.binary_search_by(|word| word.as_bytes().cmp(plain)).is_ok();
    exact || (ends_like_one(plain) && ENDS.iter().any(|end| plain.ends_with(end.as_bytes())))
}

/// The last two letters of [`ENDS`]: turns nearly every name away at once.
fn ends_like_one(plain: &[u8]) -> bool {
    let last = plain.last_chunk::<2>();
    last.is_some_and(|last| matches!(last, b"rd" | b"se" | b"ey" | b"et" | b"ng" | b"ta" | b"en" | b"al" | b"de"))
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
    use super::{ENDS, EXACT, ends_like_one, is_secret};

    #[test]
    fn the_short_cuts_lose_nothing() {
        assert!(EXACT.is_sorted());
        assert!(ENDS.iter().all(|end| ends_like_one(end.as_bytes())));
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
