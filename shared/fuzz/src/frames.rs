//! First frames of listeners.

use query_api::push::subscription::ListenParameters;
use query_api::strict::Unreadable;

/// A first frame: it names a conversation, or is told what is wrong with it.
pub(crate) fn first(bytes: &[u8]) {
    let Ok(asked) = ListenParameters::default().parse() else { return };
    match asked.first_frame(bytes) {
        Ok(frame) => {
            let text = String::from_utf8_lossy(bytes);
            assert!(text.trim_start().starts_with('{') && !frame.conversation.as_str().is_empty(), "{text}");
        }
        Err(Unreadable::Invalid(fields)) => assert!(!fields.is_empty()),
        Err(Unreadable::NotJson(why)) => assert!(!why.is_empty()),
    }
}
