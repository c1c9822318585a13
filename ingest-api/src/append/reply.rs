//! What a stored request is answered with, written without a serializer: it is the same few words each time.

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use shared::ports::Appended;
use shared_service::reply::encoded;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// `{"status":"success","inserted_count":N,"conversation_id":"…"}`, and `duplicate_count` where there were any.
pub(super) fn posted(appended: &Appended) -> Response {
    let conversation = appended.conversation.as_str();
    let mut json = String::with_capacity(conversation.len() + 96);
    json.push_str("{\"status\":\"success\",\"inserted_count\":");
    json.push_str(&appended.inserted.to_string());
    json.push_str(",\"conversation_id\":");
    json_string(&mut json, conversation);
    if appended.duplicates > 0 {
        json.push_str(",\"duplicate_count\":");
        json.push_str(&appended.duplicates.to_string());
    }
    json.push('}');
    let mut response = encoded(StatusCode::OK, json);
    if appended.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Appends an id as a JSON string. Ids hold no control characters, so only two characters need an escape.
pub(crate) fn json_string(json: &mut String, id: &str) {
    json.push('"');
    if id.contains(['"', '\\']) {
        for character in id.chars() {
            if matches!(character, '"' | '\\') {
                json.push('\\');
            }
            json.push(character);
        }
    } else {
        json.push_str(id);
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_printable_kind_read_back() {
        for id in ["a", "a\"b\\c\\\"", "🦀/\u{2028}é", "\\"] {
            let mut json = String::new();
            json_string(&mut json, id);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), id);
        }
    }
}
