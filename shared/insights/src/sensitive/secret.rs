//! Secrets: what has the shape of one, and what a label calls one. A labelled one goes with its label, so that it is
//! found again.

use super::begins;

/// How well-known keys begin.
const PREFIXES: [&str; 29] = [
    "sk-",
    "sk_live_",
    "sk_test_",
    "pk_live_",
    "rk_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxa-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "xapp-",
    "AIza",
    "ya29.",
    "npm_",
    "pypi-",
    "hf_",
    "SG.",
    "shpat_",
    "dop_v1_",
    "AKIA",
    "ASIA",
];
/// Characters of a key behind its beginning.
const SHORTEST: usize = 16;
/// What names a secret, in lower case.
const LABELS: [&str; 31] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "api key",
    "api_key",
    "api-key",
    "apikey",
    "access key",
    "access_key",
    "access token",
    "access_token",
    "auth_token",
    "private key",
    "private_key",
    "authorization",
    "bearer",
    "passwort",
    "kennwort",
    "mot de passe",
    "contraseña",
    "senha",
    "wachtwoord",
    "parola",
    "пароль",
    "Пароль",
    "密码",
    "密碼",
    "パスワード",
];
/// What stands between a label and a secret: anything, or something that does not look like a plain word.
const JOINTS: [(&str, bool); 12] = [
    (":", false),
    ("=", false),
    ("：", false),
    ("=>", false),
    (" is ", true),
    (" ist ", true),
    (" est ", true),
    (" es ", true),
    (" é ", true),
    (" lautet ", true),
    (" to ", true),
    (" ", true),
];
/// The longest secret in quotes.
const QUOTED: usize = 80;

/// Finds them.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    blocks(text, found);
    prefixed(text, found);
    tokens(text, found);
    addresses(text, found);
    labelled(text, found);
}

/// Private keys: from their first line to their last, or to the end.
fn blocks(text: &str, found: &mut Vec<(usize, usize)>) {
    let mut at = 0;
    while let Some(start) = text[at..].find("-----BEGIN ").map(|offset| at + offset) {
        let line = text[start..].lines().next().unwrap_or_default();
        at = start + 11;
        if !line.contains("PRIVATE KEY") {
            continue;
        }
        let end = text[at..].find("-----END ").map(|offset| at + offset + 9);
        let end = end.and_then(|end| text[end..].find("-----").map(|offset| end + offset + 5)).unwrap_or(text.len());
        found.push((start, end));
        at = end;
    }
}

fn is_key(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// How long a key at the start of a text is, without the stop of a sentence.
fn key(text: &str) -> usize {
    let end = text.find(|c: char| !is_key(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', '-']).len()
}

fn prefixed(text: &str, found: &mut Vec<(usize, usize)>) {
    for prefix in PREFIXES {
        for (start, _) in text.match_indices(prefix).filter(|(start, _)| begins(text, *start)) {
            let length = key(&text[start..]);
            if length >= prefix.len() + SHORTEST {
                found.push((start, start + length));
            }
        }
    }
}

/// JSON Web Tokens: three parts, the first two objects in base64.
fn tokens(text: &str, found: &mut Vec<(usize, usize)>) {
    for (start, _) in text.match_indices("eyJ").filter(|(start, _)| begins(text, *start)) {
        let length = key(&text[start..]);
        let mut parts = text[start..start + length].split('.');
        let long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 10);
        if long(parts.next()) && long(parts.next()) && parts.next().is_some() {
            found.push((start, start + length));
        }
    }
}

/// `scheme://user:password@host…`, to its end.
fn addresses(text: &str, found: &mut Vec<(usize, usize)>) {
    for (at, _) in text.match_indices("://") {
        let scheme = text[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c)).len();
        let rest = &text[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(rest.len());
        let authority = rest[..end].split(['/', '?', '#']).next().unwrap_or_default();
        let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        if has_password && scheme < at {
            let length = rest[..end].trim_end_matches(['.', ',', ';', '!', '?', ')']).len();
            found.push((scheme, at + 3 + length));
        }
    }
}

fn labelled(text: &str, found: &mut Vec<(usize, usize)>) {
    // Of the same length as the text, since only ASCII is changed.
    let lower = text.to_ascii_lowercase();
    for label in LABELS {
        for (start, _) in lower.match_indices(label) {
            let behind = start + label.len();
            let Some((from, doubtful)) = joint(&lower, behind) else { continue };
            let Some(end) = value(text, from, doubtful) else { continue };
            found.push((start, end));
        }
    }
}

/// Where the secret behind a label begins, and whether it must look like one.
fn joint(lower: &str, behind: usize) -> Option<(usize, bool)> {
    let rest = &lower[behind..];
    let unquoted = rest.trim_start_matches(['"', '\'', '`', '*']);
    let spaced = unquoted.trim_start_matches([' ', '\t']);
    for (joint, doubtful) in JOINTS {
        let found = if doubtful { unquoted.strip_prefix(joint) } else { spaced.strip_prefix(joint) };
        if let Some(after) = found {
            let after = after.trim_start_matches([' ', '\t', '\n', '\r', '>', '*']);
            let after = after.strip_prefix("bearer ").or_else(|| after.strip_prefix("basic ")).unwrap_or(after);
            return Some((lower.len() - after.len(), doubtful));
        }
    }
    None
}

/// Where the secret that begins here ends.
fn value(text: &str, from: usize, doubtful: bool) -> Option<usize> {
    let rest = &text[from..];
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    if let Some(quote) = quote
        && let Some(length) = rest[1..].find(quote)
    {
        let inner = &rest[1..=length];
        let is_sentence = [". ", "! ", "? ", "\n"].iter().any(|end| inner.contains(end));
        if (4..=QUOTED).contains(&inner.len()) && !is_sentence {
            return Some(from + length + 2);
        }
    }
    let stops = |c: char| c.is_whitespace() || "。！？।؟…".contains(c);
    let end = rest.find(stops).unwrap_or(rest.len());
    let word = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'', '`', '*']);
    let plain = word.chars().all(char::is_alphabetic);
    (word.chars().count() >= 4 && !(doubtful && plain)).then_some(from + word.len())
}
