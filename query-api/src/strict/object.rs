//! A JSON object of few members: the body of a request for a summary, the first frame of a socket.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use shared::error_code::ErrorCode;
use shared_service::{ApiError, FieldError};

use super::Faults;

/// Why a text was not taken.
#[derive(Debug)]
pub enum Unreadable {
    /// No JSON at all, or more than one value. Says why and where.
    NotJson(String),
    /// JSON, but not what is wanted here.
    Invalid(Vec<FieldError>),
}

/// The members of an object, in the order sent, each still as its text.
#[derive(Debug)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads one JSON object and nothing after it.
    pub fn parse(json: &'a [u8]) -> Result<Self, Unreadable> {
        let mut whole = serde_json::Deserializer::from_slice(json);
        match whole.deserialize_any(Members) {
            Ok(members) => {
                whole.end().map_err(|error| Unreadable::NotJson(error.to_string()))?;
                Ok(Self(members))
            }
            Err(error) if error.is_data() => {
                // Another type at the top may still be broken behind its first character.
                serde_json::from_slice::<serde::de::IgnoredAny>(json)
                    .map_err(|error| Unreadable::NotJson(error.to_string()))?;
                let error = "must be a JSON object".to_owned();
                Err(Unreadable::Invalid(vec![FieldError { path: String::new(), error }]))
            }
            Err(error) => Err(Unreadable::NotJson(error.to_string())),
        }
    }

    /// Notes members that stand twice and those not named in `known`.
    pub fn only(&self, known: &[&str], faults: &mut Faults) {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_ref()) {
                faults.add(name, format!("is not a field here; known are {}", known.join(", ")));
            } else if self.0[..at].iter().any(|(earlier, _)| earlier == name) {
                faults.add(name, "is there twice");
            }
        }
    }

    /// A member that is a string; a fault if it is anything else. `null` counts as left out.
    pub fn string(&self, name: &str, faults: &mut Faults) -> Option<Cow<'a, str>> {
        let text = serde_json::from_str::<Text<'a>>(self.raw(name)?);
        if text.is_err() {
            faults.add(name, "must be a string of valid Unicode");
        }
        text.ok().map(|text| text.0)
    }

    /// [`Self::string`], and a fault if it was left out.
    pub fn required(&self, name: &str, faults: &mut Faults) -> Option<Cow<'a, str>> {
        if self.raw(name).is_none() {
            faults.add(name, "is required");
        }
        self.string(name, faults)
    }

    /// A member that is a whole number; a fault if it is anything else. `null` counts as left out.
    pub fn number(&self, name: &str, faults: &mut Faults) -> Option<u64> {
        let number = serde_json::from_str(self.raw(name)?);
        if number.is_err() {
            faults.add(name, "must be a whole number from 0");
        }
        number.ok()
    }

    /// A member that is `true`, `false`, 1 or 0; a fault if it is anything else. `null` counts as left out.
    pub fn flag(&self, name: &str, faults: &mut Faults) -> Option<bool> {
        match self.raw(name)? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => {
                faults.add(name, "must be true or false");
                None
            }
        }
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value.get()).filter(|text| *text != "null")
    }
}

impl From<Unreadable> for ApiError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::NotJson(why) => Self::new(ErrorCode::InvalidJson, format!("the body is not valid JSON: {why}")),
            Unreadable::Invalid(fields) => Self::invalid(fields),
        }
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            members.push((name.0, map.next_value()?));
        }
        Ok(members)
    }
}

/// A string, borrowed where it holds no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Self::Value, E> {
                Err(E::custom("not valid Unicode"))
            }
        }
        deserializer.deserialize_str(Borrowing).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<(String, String)> {
        let object = Object::parse(json.as_bytes()).unwrap();
        let mut faults = Faults::default();
        object.only(&["a", "b"], &mut faults);
        object.string("a", &mut faults);
        object.number("b", &mut faults);
        faults.into_fields().into_iter().map(|f| (f.path, f.error)).collect()
    }

    #[test]
    fn names_everything_that_is_wrong() {
        assert!(faults(r#" {"a":"\u00e9","b":7} "#).is_empty());
        assert!(faults(r#"{"a":null}"#).is_empty());
        let found = faults(r#"{"a":1,"b":"x","c":{"deep":[[]]},"a":"y"}"#);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["c", "a", "a", "b"]);
        assert_eq!(faults(r#"{"a":"\ud800"}"#).len(), 1);
        assert_eq!(faults(r#"{"b":-1}"#).len(), 1);
        assert_eq!(faults(r#"{"b":1.5}"#).len(), 1);
    }

    #[test]
    fn tells_broken_json_from_other_json() {
        for json in ["", "{", "{\"a\":}", "nul", "{} {}", "[1,", "{\"a\":1,}", "\u{feff}{}"] {
            assert!(matches!(Object::parse(json.as_bytes()), Err(Unreadable::NotJson(_))), "{json}");
        }
        assert!(matches!(Object::parse(b"{\"a\":\"\xff\"}"), Err(Unreadable::NotJson(_))));
        for json in ["[]", "null", "7", "\"x\"", "true"] {
            assert!(matches!(Object::parse(json.as_bytes()), Err(Unreadable::Invalid(_))), "{json}");
        }
    }

    #[test]
    fn a_depth_bomb_is_only_an_unknown_field() {
        let json = format!("{{\"c\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(faults(&json).len(), 1);
    }
}
