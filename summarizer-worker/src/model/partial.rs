//! The text of a summary while it is being written, for listeners.
//!
//! Law: at most five frames a second; nothing in them can be opened; they are never stored.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::ConversationKey;
use shared::ports::{Announcement, ChatProgress, EventBus};
use tokio::time::Instant;

use super::neutral::{Neutralized, neutral};
use super::veil::Veil;

/// Between two frames of a conversation.
const DISTANCE: Duration = Duration::from_millis(200);

/// Announces what a model has written so far.
pub(crate) struct Partials {
    bus: Arc<dyn EventBus>,
    key: ConversationKey,
    veil: Veil,
    last: Option<(Instant, String)>,
}

impl Partials {
    pub(crate) fn new(bus: Arc<dyn EventBus>, key: ConversationKey, veil: Veil) -> Self {
        Self { bus, key, veil, last: None }
    }
}

impl ChatProgress for Partials {
    fn so_far(&mut self, text: &str) {
        let now = Instant::now();
        if self.last.as_ref().is_some_and(|(at, _)| now < *at + DISTANCE) {
            return;
        }
        let Some(written) = written(text, "brief") else { return };
        let written = shown(&written, &self.veil);
        if written.is_empty() || self.last.as_ref().is_some_and(|(_, known)| *known == written) {
            return;
        }
        self.bus.announce(Announcement::Partial { key: self.key.clone(), text: written.clone() });
        self.last = Some((now, written));
    }
}

/// Whole words only, so that no address is seen before it can be told to be one, and no half placeholder.
fn shown(written: &str, veil: &Veil) -> String {
    let end = written.rfind(char::is_whitespace).unwrap_or(0);
    let open = written[..end].rfind(['[', '<']).filter(|open| !written[*open..end].contains([')', '>']));
    neutral(&veil.lift(&written[..open.unwrap_or(end)]), &mut Neutralized::default())
}

/// The text of a property of an object that is not complete yet.
fn written(json: &str, property: &str) -> Option<String> {
    let name = format!("\"{property}\"");
    let value =
        json[json.find(&name)? + name.len()..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let mut end = value.len();
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    // A half escape at the end is left out: at most `\uD83D\uDE0` of a character beyond 16 bits.
    let whole = &value[..end];
    (0..=12).find_map(|less| {
        let part = whole.get(..whole.len().checked_sub(less)?)?;
        serde_json::from_str(&format!("\"{part}\"")).ok()
    })
}

#[cfg(test)]
mod tests {
    use shared::domain::{ConversationId, TenantId};
    use shared_insights::Sensitive;

    use super::super::veil::Veils;
    use super::*;

    fn veil() -> Veil {
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse("a").unwrap());
        Veils::new(&Sensitive::ALL, [7; 16]).over(&key)
    }

    #[test]
    fn half_an_answer_is_read_at_every_byte() {
        let json = r#"{"about":"x \"brief\" y","brief": "Ben said: \"hi\" \ud83d\ude00 ok","closed":[]}"#;
        let mut longest = 0;
        for end in (0..=json.len()).filter(|end| json.is_char_boundary(*end)) {
            if let Some(text) = written(&json[..end], "brief") {
                assert!("Ben said: \"hi\" 😀 ok".starts_with(&text), "{text}");
                assert!(text.len() >= longest);
                longest = text.len();
            }
        }
        assert_eq!(longest, "Ben said: \"hi\" 😀 ok".len());
    }

    #[test]
    fn an_address_is_not_seen_before_it_is_whole() {
        let shown = |written: &str| shown(written, &veil());
        assert_eq!(shown("see https://evil.exam"), "see");
        assert_eq!(shown("see ![x](https://ev il"), "see !");
        assert_eq!(shown("see [a](https://evil.example/x) now"), "see a");
        assert_eq!(shown("Anna asks Be"), "Anna asks");
    }

    #[test]
    fn placeholders_are_whole_and_lifted_or_not_seen() {
        let mut veil = veil();
        let written = format!("Write to {} now, {}", veil.cover("ada@example.org"), veil.cover("bob@example.org"));
        let mut longest = String::new();
        for end in 0..=written.len() {
            let seen = shown(&written[..end], &veil);
            assert!(!seen.contains("EMAIL-") && "Write to ada@example.org now,".starts_with(&seen), "{seen}");
            longest = seen;
        }
        assert_eq!(longest, "Write to ada@example.org now,");
    }
}
