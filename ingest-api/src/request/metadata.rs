//! The metadata of a message: one JSON object, small, shallow, without a key twice.

use std::borrow::Cow;

use serde_json::value::RawValue;
use shared::config::MessageLimits;
use shared::domain::Metadata;

use super::Fault;
use super::faults::shortened;
use super::walk::wrong_type;

/// Checks well-formed JSON without recursion. Size first, so that all else costs at most that many bytes.
pub(super) fn check(value: &RawValue, limits: &MessageLimits) -> Result<Metadata, Fault> {
    let json = value.get();
    let Ok(metadata) = Metadata::from_raw(value) else {
        return Err(wrong_type("an object", value));
    };
    if json.len() > limits.max_metadata_bytes {
        return Err(Fault::MetadataTooLarge { limit: limits.max_metadata_bytes, size: json.len() });
    }
    structure(json, limits.max_metadata_depth)?;
    Ok(metadata)
}

/// Walks over brackets and strings. A string before a colon is a key of the innermost object.
fn structure(json: &str, max_depth: usize) -> Result<(), Fault> {
    let bytes = json.as_bytes();
    let mut keys: Vec<Cow<'_, str>> = Vec::with_capacity(8);
    let mut open: Vec<usize> = Vec::with_capacity(max_depth.min(8));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                if open.len() == max_depth {
                    return Err(Fault::MetadataTooDeep { limit: max_depth });
                }
                open.push(keys.len());
            }
            b'}' | b']' => {
                let first = open.pop().unwrap_or(0);
                no_key_twice(&mut keys[first..])?;
                keys.truncate(first);
            }
            b'"' => {
                let end = string_end(bytes, at);
                if followed_by_colon(bytes, end) {
                    keys.push(decoded(&json[at - 1..end]));
                }
                at = end;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The place behind the closing quote of the string whose text begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn followed_by_colon(bytes: &[u8], at: usize) -> bool {
    bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// The text of a quoted key. Escapes are resolved, for `"a"` and `"\u0061"` are the same key.
fn decoded(quoted: &str) -> Cow<'_, str> {
    let raw = &quoted[1..quoted.len() - 1];
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str::<String>(quoted).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// Sorted, not compared in pairs: 8 KiB hold more than a thousand keys, and a request a thousand messages.
fn no_key_twice(keys: &mut [Cow<'_, str>]) -> Result<(), Fault> {
    if keys.len() < 2 {
        return Ok(());
    }
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Fault::MetadataKeyRepeated { key: shortened(&pair[0]) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(json: &str, max_depth: usize) -> Result<(), Fault> {
        let _: &RawValue = serde_json::from_str(json).unwrap();
        structure(json, max_depth)
    }

    #[test]
    fn keys_count_once_in_each_object_however_they_are_written() {
        for good in [
            "{}",
            r#"{"a":{"a":{"a":1}},"b":["a","a",{"a":2}]}"#,
            r#"{"a":"b","b":"a"}"#,
            r#"{"a" : "x:\"a\":", "\\":1, "\"":2}"#,
            r#"{"a":"a", "b" : "a" }"#,
        ] {
            assert_eq!(faults_of(good, 4), Ok(()), "{good}");
        }
        for bad in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"x":[{"b":1},{"a":1,"b":{},"a" :[]}]}"#] {
            assert_eq!(faults_of(bad, 4), Err(Fault::MetadataKeyRepeated { key: "a".into() }), "{bad}");
        }
    }

    #[test]
    fn depth_counts_objects_and_lists_with_the_outermost() {
        assert_eq!(faults_of(r#"{"a":[{}],"b":{"c":[]}}"#, 3), Ok(()));
        assert_eq!(faults_of(r#"{"a":[{"b":[]}]}"#, 3), Err(Fault::MetadataTooDeep { limit: 3 }));
        assert_eq!(faults_of(r#"{"a":"[[[[[{{{{"}"#, 3), Ok(()));
    }
}
