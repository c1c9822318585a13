//! Bodies of requests, and cursors.

use ingest_api::request::{MAX_FAULTS, PostChatsRequest, RequestError, check_empty};
use query_api::query::cursor::Cursor;
use query_api::strict::faults::TimeRange;
use shared::config::MessageLimits;
use shared::domain::{ConversationId, ConversationKey, DateBound, Metadata, Seq, TenantId, Timestamp};
use shared::ports::{IdSource, Order, Position};

struct Zeros;

impl IdSource for Zeros {
    fn random(&self) -> [u8; 16] {
        [0; 16]
    }
}

/// A body of `POST /chats`: what is taken is within the limits and may be stored as it is; what is refused is told with
/// at least one fault and at most so many.
pub(crate) fn request(bytes: &[u8]) {
    let limits = MessageLimits { max_messages: 20, max_content_bytes: 300, ..MessageLimits::default() };
    let _ = check_empty(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (Timestamp::parse(text), DateBound::parse(text), Metadata::parse(text), ConversationId::parse(text));
    }
    match PostChatsRequest::parse(bytes, &limits, &Zeros) {
        Ok(request) => {
            assert!((1..=limits.max_messages).contains(&request.messages.len()));
            for message in &request.messages {
                assert!((1..=limits.max_content_bytes).contains(&message.content.len()));
                let metadata = message.metadata.as_ref().map_or("{}", Metadata::as_json);
                assert!(serde_json::from_str::<serde_json::Value>(metadata).is_ok() || metadata.contains(['e', 'E']));
            }
        }
        Err(RequestError::Invalid(faults)) => assert!((1..=MAX_FAULTS).contains(&faults.len())),
        Err(_) => {}
    }
}

/// A cursor: what is read is written again as it was, and only for its own conversation; what was changed is not read.
pub(crate) fn cursor(bytes: &[u8]) {
    let key = |name: &str| Some(ConversationKey::new(TenantId::public(), ConversationId::parse(name).ok()?));
    let (Some(key), Some(other)) = (key("c"), key("d")) else { return };
    let number = |at: usize| bytes.iter().skip(at).take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let time = |at: usize| Timestamp::from_millis(i64::from_be_bytes(number(at).to_be_bytes()));
    let range = TimeRange { from: Some(time(0)), to: bytes.first().map(|_| time(8)) };
    let order = if bytes.len().is_multiple_of(2) { Order::Ascending } else { Order::Descending };
    let made = Cursor { order, range, after: Position { timestamp: time(16), seq: Seq(number(24)) } };
    let right = made.encode(&key);
    assert_eq!(Cursor::decode(&right, &key), Ok(made));
    let text = String::from_utf8_lossy(bytes);
    for text in [text.as_ref(), &right, &format!("{right}{text}"), &(text.to_string() + &right[text.len().min(3)..])] {
        let Ok(cursor) = Cursor::decode(text, &key) else { continue };
        assert_eq!(cursor.encode(&key), text);
        assert!(Cursor::decode(text, &other).is_err());
    }
}
