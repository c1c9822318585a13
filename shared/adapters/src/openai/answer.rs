//! An answer put together from what an endpoint sent, whole or in pieces. Law: what is missing is told, not guessed.

use serde_json::Value;
use shared::domain::Usage;
use shared::ports::{ChatError, ChatFinish, ChatReply};

use super::failure::{Complaint, meaning};

/// What has arrived so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    text: String,
    refusal: bool,
    choices: bool,
    finish: Option<ChatFinish>,
    usage: Option<Usage>,
}

impl Answer {
    /// Takes a chunk of a stream, or the whole. Answers whether the text grew.
    pub(super) fn take(&mut self, chunk: &Value) -> Result<bool, ChatError> {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(inside(error));
        }
        if let Some(usage) = chunk.get("usage").and_then(usage) {
            self.usage = Some(usage);
        }
        let Some(choice) = chunk.get("choices").and_then(Value::as_array).and_then(|choices| choices.first()) else {
            return Ok(false);
        };
        self.choices = true;
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(match reason {
                "length" | "max_tokens" => ChatFinish::Length,
                "content_filter" => ChatFinish::Refused,
                _ => ChatFinish::Stop,
            });
        }
        let Some(said) = choice.get("delta").or_else(|| choice.get("message")) else { return Ok(false) };
        self.refusal |= said.get("refusal").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let before = self.text.len();
        match said.get("content") {
            Some(Value::String(text)) => self.text.push_str(text),
            // Some endpoints send the text in parts.
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
                self.text.extend(texts);
            }
            _ => {}
        }
        Ok(self.text.len() > before)
    }

    pub(super) fn so_far(&self) -> &str {
        &self.text
    }

    /// The whole, once nothing more comes. A stream that ends without saying why was cut off.
    pub(super) fn done(self, streamed: bool) -> Result<ChatReply, ChatError> {
        if !self.choices {
            return Err(ChatError::Garbled("no choices"));
        }
        let finish = match self.finish {
            _ if self.refusal => ChatFinish::Refused,
            Some(finish) => finish,
            None if streamed => return Err(ChatError::Garbled("cut off")),
            None => ChatFinish::Stop,
        };
        if self.text.trim().is_empty() && finish == ChatFinish::Stop {
            return Err(ChatError::Garbled("nothing"));
        }
        Ok(ChatReply { text: self.text, usage: self.usage, finish })
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    Some(Usage { tokens_in: count("prompt_tokens")?, tokens_out: count("completion_tokens").unwrap_or(0) })
}

/// An error in a reply of success: by the status that it names, if it names one.
fn inside(error: &Value) -> ChatError {
    let body = serde_json::json!({ "error": error }).to_string();
    let complaint = Complaint::read(body.as_bytes());
    let status = complaint.code.parse().ok().filter(|status| (400..600).contains(status));
    let known = match complaint.code.as_str() {
        "rate_limit_exceeded" => Some(429),
        "context_length_exceeded" => Some(400),
        "invalid_api_key" => Some(401),
        "model_not_found" => Some(404),
        _ => None,
    };
    meaning(status.or(known).unwrap_or(500), &complaint, None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::ports::Refusal;

    use super::*;

    fn whole(reply: &Value) -> Result<ChatReply, ChatError> {
        let mut answer = Answer::default();
        answer.take(reply)?;
        answer.done(false)
    }

    #[test]
    fn a_whole_answer_and_a_stream_come_to_the_same() {
        let usage = json!({"prompt_tokens": 7, "completion_tokens": 2});
        let reply = json!({"choices":[{"message":{"content":"{\"a\":1}"},"finish_reason":"stop"}],"usage":usage});
        let mut answer = Answer::default();
        for chunk in [
            json!({"choices":[{"delta":{"role":"assistant","content":""}}],"usage":null}),
            json!({"choices":[{"delta":{"content":"{\"a\""}}]}),
            json!({"choices":[{"delta":{"content":":1}"},"finish_reason":null}]}),
            json!({"choices":[{"delta":{},"finish_reason":"stop"}]}),
            json!({"choices":[],"usage":usage}),
        ] {
            answer.take(&chunk).unwrap();
        }
        assert_eq!(answer.done(true).unwrap(), whole(&reply).unwrap());
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let end = |reply: Value| whole(&reply);
        assert!(matches!(end(json!({"choices":[]})), Err(ChatError::Garbled("no choices"))));
        assert!(matches!(end(json!({"hello":1})), Err(ChatError::Garbled("no choices"))));
        assert!(matches!(end(json!({"choices":[{"message":{"content":null}}]})), Err(ChatError::Garbled("nothing"))));
        let cut = json!({"choices":[{"message":{"content":"{"},"finish_reason":"length"}]});
        assert_eq!(end(cut).unwrap().finish, ChatFinish::Length);
        let refused = json!({"choices":[{"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}]});
        assert_eq!(end(refused).unwrap().finish, ChatFinish::Refused);
        let mut open = Answer::default();
        open.take(&json!({"choices":[{"delta":{"content":"{"}}]})).unwrap();
        assert!(matches!(open.done(true), Err(ChatError::Garbled("cut off"))));
    }

    #[test]
    fn an_error_inside_a_success_is_an_error() {
        let inside = |error: Value| whole(&json!({ "error": error })).unwrap_err();
        assert!(matches!(inside(json!({"message":"slow down","code":429})), ChatError::Busy(None)));
        assert!(matches!(inside(json!({"message":"no","code":"invalid_api_key"})), ChatError::Refused(Refusal::Key)));
        assert!(matches!(inside(json!("upstream broke")), ChatError::Unavailable { .. }));
        assert!(matches!(inside(json!({"code":"context_length_exceeded","message":""})), ChatError::TooLarge));
    }
}
