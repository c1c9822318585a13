//! JSON text that `serde_json` has found well-formed, looked at without building a tree.

use std::fmt;

use serde_json::value::RawValue;

use super::RequestError;

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `{…}`
    Object,
    /// `[…]`
    List,
    /// `"…"`
    String,
    /// `1.5`
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

impl JsonType {
    pub(super) fn of(value: &RawValue) -> Self {
        match value.get().as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::List,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        })
    }
}

/// A text that is one JSON value, whatever its depth: a raw value is passed over without recursion.
pub(super) fn well_formed(text: &str) -> Result<&RawValue, RequestError> {
    let root = serde_json::from_str(text).map_err(|error| RequestError::InvalidJson(error.to_string()))?;
    match lone_surrogate(text) {
        None => Ok(root),
        Some(at) => Err(RequestError::InvalidJson(format!("byte {at} begins an escape of half a surrogate pair"))),
    }
}

/// Where an escape of half a surrogate pair stands: the JSON grammar allows it, but no text can hold it, and
/// `serde_json` lets it pass in values that it does not decode.
pub(super) fn lone_surrogate(json: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let escape = at + found;
        let rest = &json.as_bytes()[escape..];
        at = escape
            + match (utf16_escape(rest), rest.get(6..).and_then(utf16_escape)) {
                (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
                (Some(0xD800..=0xDFFF), _) => return Some(escape),
                (Some(_), _) => 6,
                (None, _) => 2,
            };
    }
    None
}

/// The code unit of an escape such as `\u00e4` at the beginning of `bytes`.
fn utf16_escape(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_halves_of_pairs_and_nothing_else() {
        for (json, found) in [
            (r#""plain""#, None),
            (r#""\ud83d\ude00""#, None),
            (r#""\u00e4\n\\ud800""#, None),
            (r#""\ud800""#, Some(1)),
            (r#""\udc00\ud800""#, Some(1)),
            (r#""ok\\\ud800x""#, Some(5)),
            (r#""\ud83d\u0041""#, Some(1)),
            (r#""\ud83d\ud83d\ude00""#, Some(1)),
            (r#""\ud83d\ude00\uDEAD""#, Some(13)),
        ] {
            assert_eq!(lone_surrogate(json), found, "{json}");
        }
    }
}
