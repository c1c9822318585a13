//! Which format a file has, by its beginning.

use crate::format::{Format, markdown, plain, whatsapp};

/// So much of a file is looked at.
pub(crate) const HEAD: usize = 1024 * 1024;
/// Lines that are tried.
const LINES: usize = 200;

/// The format of a file that begins like this, if it is known.
#[must_use]
pub fn detect(name: &str, head: &[u8]) -> Option<Format> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = String::from_utf8_lossy(&head[..head.len().min(256 * 1024)]);
    // Texts of chats may hold anything, and stand there as they are.
    if text.split('\n').take(LINES).any(markdown::is_mark) {
        return Some(Format::Markdown);
    }
    if text.contains('\0') {
        return None;
    }
    match text.trim_start().as_bytes().first()? {
        b'{' => Some(object(&text)),
        b'[' if is_list(&text) => Some(list(&text)),
        _ => lines(name, &text),
    }
}

fn object(text: &str) -> Format {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let whole = serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
    if whole && first.contains("\"type\"") && (first.contains("\"version\"") || first.contains("\"post\"")) {
        return Format::Mattermost;
    }
    let has = |key: &str| text.contains(key);
    if has("\"guild\"") && has("\"channel\"") {
        return Format::Discord;
    }
    let telegram = has("\"date_unixtime\"") || has("\"personal_information\"") || has("\"from_id\"");
    if telegram || (!whole && has("\"messages\"") && has("\"type\"") && has("\"date\"")) {
        return Format::Telegram;
    }
    Format::Json
}

/// A list begins; WhatsApp lines of one platform begin with a bracket too.
fn is_list(text: &str) -> bool {
    let inside = text.trim_start()[1..].trim_start();
    inside.starts_with(['{', ']']) || inside.is_empty()
}

fn list(text: &str) -> Format {
    let slack = text.contains("\"ts\"") && (text.contains("\"user\"") || text.contains("\"subtype\""));
    if slack && !text.contains("\"content\"") { Format::Slack } else { Format::Json }
}

fn lines(name: &str, text: &str) -> Option<Format> {
    let lines = || text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).take(LINES);
    // WhatsApp begins with a date; other transcripts may hold one further down.
    if lines().next().is_some_and(|line| whatsapp::Head::read(line).is_some()) {
        return Some(Format::WhatsApp);
    }
    let (all, named) = (lines().count(), lines().filter(|line| plain::is_spoken(line)).count());
    let is_text = std::path::Path::new(name)
        .extension()
        .is_none_or(|end| ["txt", "log", "text", "chat"].iter().any(|known| end.eq_ignore_ascii_case(known)));
    (is_text && named > 0 && named * 4 >= all).then_some(Format::Plain)
}
