//! Query parameters. Law: unknown, repeated and wrongly encoded ones are refused, so that a typo loses nothing silently.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode;
use serde::de::value::{BorrowedStrDeserializer, Error as ValueError};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::query_value::QueryValue;
use crate::error::{ApiError, ApiResult, FieldError};

/// The parameters of a request as a plain struct: one field for each parameter, optional ones as `Option` or with
/// `#[serde(default)]`. Values are strings, numbers, enums of unit variants, or `bool` (`1`, `true`, `0`, `false`).
#[derive(Debug, Clone)]
pub struct StrictQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        parse(parts.uri.query().unwrap_or_default()).map(Self).map_err(ApiError::invalid)
    }
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Vec<FieldError>> {
    let mut faults = Vec::new();
    let pairs = pairs(query, &mut faults);
    let mut at = None;
    let result = T::deserialize(Pairs { given: &pairs, faults: &mut faults, at: &mut at });
    match result {
        Ok(value) if faults.is_empty() => Ok(value),
        Ok(_) => Err(faults),
        Err(error) => {
            let path = at.unwrap_or("query").to_owned();
            faults.push(FieldError { path, error: error.to_string() });
            Err(faults)
        }
    }
}

fn pairs<'a>(query: &'a str, faults: &mut Vec<FieldError>) -> Vec<Pair<'a>> {
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let Ok(name) = form_decoded(name) else {
            faults.push(FieldError::new(name, "the name is not percent-encoded UTF-8"));
            continue;
        };
        if pairs.iter().any(|(earlier, _)| *earlier == name) {
            faults.push(FieldError::new(name, "must be given once only"));
            continue;
        }
        match form_decoded(value) {
            Ok(value) => pairs.push((name, value)),
            Err(error) => faults.push(FieldError::new(name, error)),
        }
    }
    pairs
}

fn form_decoded(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains('+') {
        return percent_decoded(text.as_bytes());
    }
    let spaced = text.replace('+', " ");
    percent_decoded(spaced.as_bytes()).map(|text| Cow::Owned(text.into_owned()))
}

/// Percent-decodes strictly: a `%` without two hex digits, and what is not UTF-8, is an error.
pub(super) fn percent_decoded(text: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let mut rest = text;
    while let Some(place) = rest.iter().position(|byte| *byte == b'%') {
        rest = match &rest[place + 1..] {
            [a, b, after @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => after,
            _ => return Err("`%` must be followed by two hex digits; write a plain percent sign as %25"),
        };
    }
    percent_decode(text).decode_utf8().map_err(|_| "must be percent-encoded UTF-8")
}

/// Hands pairs to a struct: names that it does not have become faults, and `at` says which value was read last.
struct Pairs<'p, 'a, 'm> {
    given: &'p [Pair<'a>],
    faults: &'m mut Vec<FieldError>,
    at: &'m mut Option<&'p str>,
}

impl<'de, 'p: 'de> Deserializer<'de> for Pairs<'p, '_, '_> {
    type Error = ValueError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let mut known = Vec::with_capacity(self.given.len());
        for (name, value) in self.given {
            if fields.contains(&name.as_ref()) {
                known.push((name.as_ref(), value.as_ref()));
            } else {
                let error = format!("is no parameter of this route; it takes: {}", fields.join(", "));
                self.faults.push(FieldError::new(name.as_ref(), error));
            }
        }
        visitor.visit_map(Entries { rest: known.into_iter(), value: "", at: self.at })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        for (name, _) in self.given {
            self.faults.push(FieldError::new(name.as_ref(), "this route takes no parameters"));
        }
        visitor.visit_unit()
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("query parameters are read into a plain struct only"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Entries<'p, 'm> {
    rest: std::vec::IntoIter<(&'p str, &'p str)>,
    value: &'p str,
    at: &'m mut Option<&'p str>,
}

impl<'de, 'p: 'de> MapAccess<'de> for Entries<'p, '_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        *self.at = None;
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = value;
        *self.at = Some(name);
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ValueError> {
        seed.deserialize(QueryValue(self.value))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Asc,
        Desc,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Params {
        page: Option<u32>,
        order: Option<Order>,
        cursor: Option<String>,
        #[serde(default)]
        partial: bool,
    }

    fn faults(query: &str) -> Vec<String> {
        parse::<Params>(query)
            .unwrap_err()
            .into_iter()
            .map(|fault| format!("{}: {}", fault.path, fault.error))
            .collect()
    }

    #[test]
    fn reads_what_is_known() {
        let params: Params = parse("page=7&order=desc&cursor=a%2Bb+c&partial=1").unwrap();
        let expected =
            Params { page: Some(7), order: Some(Order::Desc), cursor: Some("a+b c".to_owned()), partial: true };
        assert_eq!(params, expected);
        assert_eq!(parse::<Params>("").unwrap().page, None);
        assert_eq!(parse::<Params>("&&").unwrap().page, None);
    }

    #[test]
    fn refuses_with_the_name_of_the_parameter() {
        for (query, start) in [
            ("pgae=1", "pgae: is no parameter of this route; it takes: page, order, cursor, partial"),
            ("page=1&page=2", "page: must be given once only"),
            ("page=1&p%61ge=2", "page: must be given once only"),
            ("page=%zz", "page: `%` must be followed"),
            ("page=%ff", "page: must be percent-encoded"),
            ("page=-1", "page: must be a whole number"),
            ("page=1.5", "page: must be a whole number"),
            ("page=", "page: must be a whole number"),
            ("page=99999999999999999999999", "page: must be a whole number"),
            ("order=up", "order: unknown variant `up`, expected `asc` or `desc`"),
            ("partial=yes", "partial: must be 1, true, 0 or false"),
        ] {
            let found = faults(query);
            assert_eq!(found.len(), 1, "{query}: {found:?}");
            assert!(found[0].starts_with(start), "{query}: {found:?}");
        }
    }

    #[test]
    fn tells_all_faults_at_once() {
        assert_eq!(faults("a=1&b=2&page=x&cursor=%").len(), 4);
    }

    #[test]
    fn a_route_without_parameters_takes_none() {
        assert!(parse::<()>("").is_ok());
        assert_eq!(parse::<()>("a=1").unwrap_err()[0].path, "a");
    }
}
