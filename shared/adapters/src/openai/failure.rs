//! What an endpoint's refusals mean: the one table. Law: whoever reads it knows what is tried again.

use std::sync::Arc;
use std::time::Duration;

use async_openai::error::OpenAIError;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use shared::ports::{ChatError, Refusal};
use thiserror::Error;

/// A reply that is no answer, or none at all.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// A status that is none of success.
    #[error("status {0}")]
    Status(u16, Complaint, Option<Duration>),
    /// A reply that cannot be an answer.
    #[error("{0}")]
    Garbled(&'static str),
    /// Nothing was sent: no connection.
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
    /// The connection broke after the question was sent.
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
}

/// What an error body says, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) code: String,
    pub(super) kind: String,
    pub(super) param: String,
    /// In lower case. Never logged: it may repeat the question.
    pub(super) message: String,
}

impl Complaint {
    /// Reads `{"error": {...}}`, `{"error": "..."}`, `{"detail": ...}`, or takes it as text.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self { message: String::from_utf8_lossy(body).to_lowercase(), ..Self::default() };
        };
        let error = value.get("error").or_else(|| value.get("detail")).unwrap_or(&value);
        let text = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = match error {
            Value::String(text) => text.to_lowercase(),
            other => match text("message") {
                empty if empty.is_empty() => other.to_string().to_lowercase(),
                message => message,
            },
        };
        Self { code: text("code"), kind: text("type"), param: text("param"), message }
    }

    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.code.contains(word) || self.kind.contains(word) || self.message.contains(word))
    }

    fn too_long(&self) -> bool {
        self.says(&[
            "context_length",
            "context length",
            "context window",
            "maximum context",
            "context size",
            "too many tokens",
            "prompt is too long",
            "input is too long",
            "reduce the length",
            "string_above_max_length",
        ])
    }

    fn no_money(&self) -> bool {
        self.says(&["insufficient_quota", "billing", "credit balance", "exceeded your current quota"])
    }
}

/// The table: what a status with a complaint means.
pub(super) fn meaning(status: u16, complaint: &Complaint, after: Option<Duration>) -> ChatError {
    match status {
        401 | 403 => ChatError::Refused(Refusal::Key),
        402 => ChatError::Refused(Refusal::Account),
        300..=399 | 404 | 405 | 410 | 421 => ChatError::Refused(Refusal::Model),
        413 => ChatError::TooLarge,
        429 if complaint.no_money() => ChatError::Refused(Refusal::Account),
        400 | 422 | 429 if complaint.too_long() => ChatError::TooLarge,
        429 => ChatError::Busy(after),
        408 | 409 | 425 => unavailable("it asked to try again", after, false),
        400..=499 => ChatError::Rejected(status),
        503 | 529 if after.is_some() => ChatError::Busy(after),
        _ => unavailable("it failed", after, false),
    }
}

fn unavailable(what: &'static str, after: Option<Duration>, paid: bool) -> ChatError {
    ChatError::Unavailable { what, after, paid, source: None }
}

/// When the caller's limit is over.
pub(super) fn too_slow() -> ChatError {
    unavailable("it took too long", None, true)
}

/// An error of async-openai, or one of ours that it carried.
pub(super) fn error(error: OpenAIError) -> ChatError {
    match error {
        OpenAIError::Boxed(boxed) => match boxed.downcast::<Failure>() {
            Ok(failure) => failed(*failure),
            Err(_) => unavailable("the call broke", None, true),
        },
        OpenAIError::Reqwest(source) => failed(Failure::Broken(source)),
        OpenAIError::JSONDeserialize(..) => ChatError::Garbled("no JSON"),
        OpenAIError::StreamError(_) => unavailable("the stream broke", None, true),
        OpenAIError::ApiError(reply) => meaning(reply.status_code.as_u16(), &Complaint::default(), None),
        _ => ChatError::Rejected(0),
    }
}

pub(super) fn failed(failure: Failure) -> ChatError {
    match failure {
        Failure::Status(status, complaint, after) => meaning(status, &complaint, after),
        Failure::Garbled(what) => ChatError::Garbled(what),
        Failure::Connect(source) => ChatError::Unavailable {
            what: "no connection",
            after: None,
            paid: false,
            source: Some(Arc::new(source.without_url())),
        },
        Failure::Broken(source) => ChatError::Unavailable {
            what: "the connection broke",
            after: None,
            paid: true,
            source: Some(Arc::new(source.without_url())),
        },
    }
}

/// `Retry-After` in seconds or as a date; a date counts from the reply's own `Date`, as clocks differ. Anything else
/// says nothing.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
    let until = date(text)?;
    let now = date(headers.get(DATE)?.to_str().ok()?)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Complaint {
        Complaint { message: message.to_owned(), ..Complaint::default() }
    }

    fn name(error: &ChatError) -> &'static str {
        match error {
            ChatError::Refused(Refusal::Key) => "key",
            ChatError::Refused(Refusal::Model) => "model",
            ChatError::Refused(Refusal::Account) => "account",
            ChatError::Rejected(_) => "this text",
            ChatError::TooLarge => "smaller",
            ChatError::Busy(_) => "busy",
            ChatError::Unavailable { .. } => "later",
            ChatError::Garbled(_) => "again",
        }
    }

    macro_rules! table {
        ($($test:ident: $status:expr, $message:expr => $meaning:expr, $transient:expr;)*) => {$(
            #[test]
            fn $test() {
                let error = meaning($status, &said($message), None);
                assert_eq!(name(&error), $meaning);
                assert_eq!(error.is_transient(), $transient);
                assert!(!error.may_have_cost(), "a status that is none of success is not billed");
            }
        )*};
    }

    table! {
        unauthorized: 401, "incorrect api key" => "key", false;
        forbidden: 403, "country not supported" => "key", false;
        payment_required: 402, "" => "account", false;
        unknown_model: 404, "the model does not exist" => "model", false;
        moved: 308, "" => "model", false;
        method_not_allowed: 405, "" => "model", false;
        gone: 410, "model retired" => "model", false;
        context_length: 400, "this model's maximum context length is 8192 tokens" => "smaller", false;
        context_length_unprocessable: 422, "prompt is too long: 9000 tokens" => "smaller", false;
        body_too_large: 413, "" => "smaller", false;
        request_too_large_for_the_minute: 429, "request too large, reduce the length of your messages" => "smaller", false;
        bad_request: 400, "invalid value" => "this text", false;
        content_filter: 400, "the response was filtered due to the prompt" => "this text", false;
        unprocessable: 422, "" => "this text", false;
        teapot: 418, "" => "this text", false;
        request_timeout: 408, "" => "later", true;
        conflict: 409, "" => "later", true;
        too_early: 425, "" => "later", true;
        rate_limit: 429, "rate limit reached for requests" => "busy", true;
        no_money: 429, "you exceeded your current quota, please check your plan and billing" => "account", false;
        internal_error: 500, "" => "later", true;
        bad_gateway: 502, "<html>" => "later", true;
        unavailable_now: 503, "" => "later", true;
        gateway_timeout: 504, "" => "later", true;
        overloaded: 529, "overloaded_error" => "later", true;
        strange: 599, "" => "later", true;
    }

    #[test]
    fn a_time_to_wait_makes_503_busy() {
        let error = meaning(503, &Complaint::default(), Some(Duration::from_secs(7)));
        assert_eq!((name(&error), error.retry_after()), ("busy", Some(Duration::from_secs(7))));
    }

    #[test]
    fn error_bodies_of_all_kinds_are_read() {
        let openai = br#"{"error":{"message":"Too LONG","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
        let read = Complaint::read(openai);
        assert_eq!(
            (read.code.as_str(), read.param.as_str(), read.message.as_str()),
            ("context_length_exceeded", "messages", "too long")
        );
        assert_eq!(Complaint::read(br#"{"error":"model not found"}"#).message, "model not found");
        assert!(
            Complaint::read(br#"{"detail":[{"msg":"Input too long","loc":["body"]}]}"#)
                .message
                .contains("input too long")
        );
        assert_eq!(Complaint::read(br#"{"error":{"code":429,"message":"Busy"}}"#).code, "429");
        assert_eq!(Complaint::read(b"<html>Bad Gateway").message, "<html>bad gateway");
        assert_eq!(Complaint::read(b""), Complaint::default());
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_dates_by_the_endpoints_own_clock() {
        let read = |after: &str, date: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            headers.insert(DATE, date.parse().unwrap());
            retry_after(&headers)
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(read("20", date), Some(Duration::from_secs(20)));
        assert_eq!(read("0.5", date), Some(Duration::from_millis(500)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(Duration::from_secs(30)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(Duration::ZERO));
        for nothing in ["-1", "soon", "", "NaN", "inf", "1e300"] {
            assert_eq!(read(nothing, date), None, "{nothing}");
        }
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT", "yesterday"), None);
    }
}
