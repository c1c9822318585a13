//! The body of `PATCH /chats/{conversation_id}/messages/{seq}`: what a message says from now on.

use std::ops::ControlFlow;

use serde_json::value::RawValue;
use shared::config::MessageLimits;
use shared::domain::Metadata;

use super::faults::{Faults, shortened};
use super::json::well_formed;
use super::walk::{fields, text};
use super::{Fault, JsonType, RequestError, metadata, rules};

/// A valid body of an edit. What is left out stays as it is.
#[derive(Debug, PartialEq, Eq)]
pub struct PatchMessageRequest {
    /// Another text.
    pub content: Option<Box<str>>,
    /// Other metadata; `Some(None)` takes away what there is.
    pub metadata: Option<Option<Metadata>>,
}

impl PatchMessageRequest {
    /// Reads and checks a body, by the same limits as a message that is posted.
    pub fn parse(body: &[u8], limits: &MessageLimits) -> Result<Self, RequestError> {
        let json = std::str::from_utf8(body).map_err(|error| RequestError::not_utf8(&error))?;
        let root = well_formed(json)?;
        let mut faults = Faults::default();
        let (mut content, mut metadata) = (None::<&RawValue>, None::<&RawValue>);
        let split = fields(root, |name, value| {
            let slot = match name {
                "content" => Some(&mut content),
                "metadata" => Some(&mut metadata),
                _ => None,
            };
            match slot {
                None => faults.add(shortened(name), Fault::Unknown { known: "content, metadata" }),
                Some(slot) if slot.is_some() => faults.add(name, Fault::Repeated),
                Some(slot) => *slot = Some(value),
            }
            if faults.full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let object = faults.keep("body", split).is_some();
        if object && content.is_none() && metadata.is_none() {
            faults.add("body", Fault::NothingToEdit);
        }
        let content = content.and_then(|value| {
            let checked = text(value).and_then(|text| rules::content(&text, limits).map(|()| text.into_boxed_str()));
            faults.keep("content", checked)
        });
        let metadata = metadata.and_then(|value| match JsonType::of(value) {
            JsonType::Null => Some(None),
            _ => faults.keep("metadata", metadata::check(value, limits)).map(Some),
        });
        faults.finish()?;
        Ok(Self { content, metadata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<PatchMessageRequest, String> {
        PatchMessageRequest::parse(body.as_bytes(), &MessageLimits::default()).map_err(|error| match error {
            RequestError::InvalidJson(_) => "no JSON".to_owned(),
            RequestError::Invalid(faults) => {
                faults.iter().map(|fault| format!("{}: {};", fault.path, fault.fault)).collect::<Vec<_>>().concat()
            }
        })
    }

    #[test]
    fn what_is_left_out_stays() {
        let object = Metadata::parse("{\"a\": 1}").unwrap();
        for (body, content, metadata) in [
            (r#"{"content":"x"}"#, Some("x"), None),
            (r#"{"metadata":{"a": 1}}"#, None, Some(Some(object))),
            (r#"{"metadata":null}"#, None, Some(None)),
        ] {
            assert_eq!(parse(body), Ok(PatchMessageRequest { content: content.map(Into::into), metadata }), "{body}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        for (body, told) in [
            ("{", "no JSON"),
            ("{}", "body: must have content, metadata or both;"),
            (r#"{"content":null}"#, "content: must be a string, not null;"),
            ("[]", "body: must be an object, not a list;"),
            (r#"{"content":"","metadata":[]}"#, "content: must not be empty;metadata: must be an object, not a list;"),
            (r#"{"content":"a","content":"b"}"#, "content: must not be given twice;"),
        ] {
            assert_eq!(parse(body), Err(told.to_owned()), "{body}");
        }
        assert!(parse(r#"{"user_id":"eve","content":"x"}"#).unwrap_err().starts_with("user_id: is not a field here"));
        let long = "x".repeat(MessageLimits::default().max_content_bytes + 1);
        assert!(parse(&format!(r#"{{"content":"{long}"}}"#)).unwrap_err().starts_with("content: must have at most"));
    }
}
