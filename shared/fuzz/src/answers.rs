//! Answers of a model.

use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, Timestamp, UserId};
use shared::ports::SummaryMessage;
use summarizer_worker::answered;

/// What the conversation says, with a value of each kind that models are not shown.
const SAID: [(&str, &str); 5] = [
    ("anna", "Ben, can you fix the payment tests by Friday? Write to anna.l@example.org."),
    ("ben", "I will fix the payment tests by Friday. My number is +49 170 1234567."),
    ("carla", "We decided to ship version 2 on Monday, paid with 4111 1111 1111 1111."),
    ("anna", "Who tells the customers? The account is DE89 3704 0044 0532 0130 00."),
    ("ben", "For the server use password: hunter2-and-more."),
];
const VALUES: [&str; 5] = ["anna.l@example.org", "170 1234567", "1111 1111", "DE89 3704", "hunter2-and-more"];

/// An answer: nothing of it that is shown can be opened, hides or turns text, or cites what was not shown; and no value
/// is in the question.
pub(crate) fn answer(bytes: &[u8]) {
    let (Ok(conversation), Ok(timestamp)) = (ConversationId::parse("c"), Timestamp::parse("2026-03-04T12:00:00Z"))
    else {
        return;
    };
    let key = ConversationKey::new(TenantId::public(), conversation);
    let line = |(at, (user, content)): (usize, &(&str, &str))| {
        let user = UserId::parse(*user).ok()?;
        Some(SummaryMessage { seq: Seq(at as u64 + 1), user, content: (*content).into(), timestamp })
    };
    let lines: Vec<SummaryMessage> = SAID.iter().enumerate().filter_map(line).collect();
    let Some(probed) = answered(&key, &lines, &String::from_utf8_lossy(bytes)) else { return };
    for value in VALUES {
        assert!(!probed.question.contains(value), "{}", probed.question);
    }
    for text in &probed.texts {
        for never in ["://", "](", "<script", "<img", "</", "javascript:", "\u{200b}", "\u{202e}", "\0"] {
            assert!(!text.contains(never), "{never:?} in {text}");
        }
    }
    assert!(probed.evidence.iter().all(|seq| (1..=SAID.len() as u64).contains(seq)), "{:?}", probed.evidence);
}
