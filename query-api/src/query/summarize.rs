//! `POST /chats/summarize`: a summary that covers every message, the stored one or one made now.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::domain::{ConversationId, ConversationKey, Seq, SummaryVersion};
use shared::error_code::ErrorCode;
use shared::ports::{ConversationRow, SummarizeAsk, SummarizeReply};
use shared_service::{ApiError, ApiResult, JsonBody, Reader, StrictQuery, reply};

use super::summary_body::{SummaryBody, SummaryType};
use super::{Query, conversation_not_found, summary_missing, summary_not_found};
use crate::strict::{Faults, Object};

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
struct SummarizeRequest {
    conversation: ConversationId,
    summary_type: SummaryType,
}

impl SummarizeRequest {
    fn parse(json: &[u8]) -> ApiResult<Self> {
        let object = Object::parse(json)?;
        let mut faults = Faults::default();
        object.only(&["conversation_id", "summary_type"], &mut faults);
        let conversation = object.required("conversation_id", &mut faults);
        let conversation = conversation.and_then(|text| faults.conversation("conversation_id", &text));
        let summary_type = object.string("summary_type", &mut faults);
        let summary_type = faults.summary_type("summary_type", summary_type.as_deref());
        match conversation {
            Some(conversation) => {
                faults.check()?;
                Ok(Self { conversation, summary_type })
            }
            None => Err(ApiError::invalid(faults.into_fields())),
        }
    }
}

/// Answers with a summary that covers everything.
pub async fn summarize(
    State(query): State<Arc<Query>>,
    Reader(caller): Reader,
    StrictQuery(()): StrictQuery<()>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let request = SummarizeRequest::parse(&body)?;
    let key = ConversationKey::new(caller.tenant, request.conversation);
    let head = query.head(&key).await?;
    if head.messages == 0 {
        return Err(summary_not_found());
    }
    let (row, summary) = match query.stored(&key, head.last_message).await? {
        Some(stored) => {
            query.shown(&key, &stored.1);
            stored
        }
        None => query.made(&key, head.last_message).await?,
    };
    let participants = row.as_ref().map_or(&[][..], |row| &row.view.participants);
    let body = SummaryBody::new(&key, &summary, request.summary_type, participants);
    Ok(reply::json(StatusCode::OK, &body))
}

type Covering = (Option<ConversationRow>, SummaryVersion);

impl Query {
    /// The stored summary, if it covers `last`.
    async fn stored(&self, key: &ConversationKey, last: Seq) -> ApiResult<Option<Covering>> {
        let rows = self.views.conversations(std::slice::from_ref(key)).await?;
        let row = rows.into_iter().next().flatten();
        let covers = row.as_ref().and_then(|row| row.summary).is_some_and(|pointer| pointer.covers.last_seq >= last);
        if !covers {
            return Ok(None);
        }
        let summary = self.views.newest_summary(key).await?;
        Ok(summary.filter(|summary| summary.covers.last_seq >= last).map(|summary| (row, summary)))
    }

    /// A summary that a worker makes now.
    async fn made(&self, key: &ConversationKey, last: Seq) -> ApiResult<Covering> {
        let ask = SummarizeAsk { key: key.clone(), at_least: last };
        match self.flights.ask(&self.bus, ask, self.summarize_timeout).await? {
            SummarizeReply::Stored { version } => {
                self.stored(key, last).await?.ok_or_else(|| summary_missing(Some(version)))
            }
            SummarizeReply::Gone => Err(conversation_not_found()),
            SummarizeReply::Failed => {
                let error = ApiError::new(ErrorCode::Unavailable, "the summary could not be made now");
                Err(error.retry_after(std::time::Duration::from_secs(5)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_reference_and_its_default() {
        let brief = SummarizeRequest::parse(br#"{"conversation_id":"c"}"#).unwrap();
        assert_eq!(brief.summary_type, SummaryType::Brief);
        let detailed = SummarizeRequest::parse(br#"{"conversation_id":"meeting_123","summary_type":"detailed"}"#);
        assert_eq!(detailed.unwrap().summary_type, SummaryType::Detailed);
    }

    #[test]
    fn refuses_everything_else() {
        for json in [
            "{}",
            "[]",
            "null",
            r#"{"conversation_id":""}"#,
            r#"{"conversation_id":7}"#,
            r#"{"conversation_id":null}"#,
            r#"{"conversation_id":"c","summary_type":"long"}"#,
            r#"{"conversation_id":"c","summary_type":["brief"]}"#,
            r#"{"conversation_id":"c","conversation_id":"c"}"#,
            r#"{"conversation_id":"c","type":"brief"}"#,
            r#"{"conversation_id":"a\u0000"}"#,
        ] {
            assert!(SummarizeRequest::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
