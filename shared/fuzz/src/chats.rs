//! What people write, for the engine that needs no model.

use shared_insights::{LiveInsights, Message, Sensitive, fold, gist, merge, sensitive, whole_values};

/// A conversation, one message a line, the speaker before the first colon: the same bytes each time, evidence from it
/// alone, scores within bounds.
pub(crate) fn local_engine(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<(&str, &str)> =
        text.split('\n').take(200).map(|line| line.split_once(": ").unwrap_or(("u", line))).collect();
    let messages: Vec<Message<'_>> = (1..)
        .zip(&lines)
        .map(|(seq, (author, text))| Message { seq, author, text, at_ms: 1_700_000_000_000 })
        .collect();
    let mut live = LiveInsights::default();
    for message in &messages {
        live.add(message);
    }
    assert!((-1.0..=1.0).contains(&live.sentiment().score));
    let (first, rest) = messages.split_at(messages.len() / 2);
    let gists = [gist(first), gist(rest)];
    let summary = fold(&gists, rest);
    assert_eq!(format!("{summary:?}"), format!("{:?}", fold(&gists, rest)));
    let _ = fold(&[merge(&gists)], &[]);
    for item in &summary.action_items {
        assert!(item.evidence.iter().all(|seq| (1..=messages.len() as u64).contains(seq)), "{item:?}");
    }
}

/// A text with whatever is sensitive in it: spans are in order, do not overlap, fall between characters; what was found
/// is found again between other words; no cut falls within one.
pub(crate) fn sensitive_values(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let spans = sensitive(&text, &Sensitive::ALL);
    for pair in spans.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{spans:?}");
    }
    for span in &spans {
        let value = &text[span.start..span.end];
        assert!(!value.is_empty());
        // As it is put back: in one line, between blanks.
        let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.starts_with("-----BEGIN ") {
            continue;
        }
        let again = format!("we use {line} here");
        let found = sensitive(&again, &Sensitive::ALL);
        let covered = |at: usize| found.iter().any(|span| (span.start..span.end).contains(&at));
        assert!((7..7 + line.len()).all(covered), "{line:?} is not found again: {found:?}");
    }
    for at in (0..=text.len()).step_by(7) {
        let cut = whole_values(&text, at);
        assert!(cut <= at && text.is_char_boundary(cut));
        assert!(!spans.iter().any(|span| span.start < cut && cut < span.end), "{cut} of {spans:?}");
    }
}
