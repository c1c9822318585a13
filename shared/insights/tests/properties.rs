//! Laws that hold for any conversation: the same bytes, order and coverage kept, evidence within
//! range, bounded sizes, no panic whatever the text.

use proptest::prelude::*;
use shared_insights::{Gist, LiveInsights, Message, Summary, fold, gist, merge, message_sentiment};

type Line = (String, String, i64);

/// Words that meet every rule, beside any Unicode.
fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "I'll",
        "send",
        "the",
        "report",
        "by",
        "Friday",
        "can",
        "you",
        "please",
        "?",
        "!",
        "done",
        "never mind",
        "sent it",
        "we decided",
        "let's",
        "go with",
        "Anna",
        "Ben",
        "not",
        "great",
        "terrible",
        "https://a.b/c",
        "`code`",
        "```",
        "\"",
        "\\",
        "\n",
        "会議",
        "пожалуйста",
        "é",
        "😀",
        ":)",
        "@ben",
        ",",
        ".",
        "um",
        "what",
        "do",
        "think",
        "tomorrow",
        "2026-03-04",
        "in 3 days",
        "March 3",
        "'",
        "’",
    ]);
    prop_oneof![
        4 => prop::collection::vec(words, 0..40).prop_map(|words| words.join(" ")),
        2 => any::<String>(),
        1 => "\\PC{0,300}",
        1 => ("[a-z`'\"\\\\:@.<]", 1..2000_usize).prop_map(|(sign, times)| sign.repeat(times)),
    ]
}

fn lines(most: usize) -> impl Strategy<Value = Vec<Line>> {
    let author = prop_oneof![
        prop::sample::select(vec!["Anna", "Ben", "user_1", "user_2", "Project Manager", "山田"])
            .prop_map(str::to_owned),
        "\\PC{1,60}"
    ];
    prop::collection::vec((author, text(), any::<i64>()), 1..most)
}

fn messages(lines: &[Line]) -> Vec<Message<'_>> {
    lines.iter().zip(1..).map(|((author, text, at_ms), seq)| Message { seq, author, text, at_ms: *at_ms }).collect()
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn summarized(messages: &[Message<'_>], segment: usize) -> (Vec<Gist>, Summary) {
    let whole = messages.len() / segment * segment;
    let gists: Vec<Gist> = messages[..whole].chunks(segment).map(gist).collect();
    let summary = fold(&gists, &messages[whole..]);
    (gists, summary)
}

fn checked(summary: &Summary, last: u64) {
    assert!(!summary.brief.trim().is_empty() && !summary.detailed.trim().is_empty());
    assert!(summary.brief.len() < 4_000 && summary.detailed.len() < 24_000);
    assert!(summary.keywords.len() <= 10);
    assert!((-1.0..=1.0).contains(&summary.sentiment.score));
    let findings = summary.decisions.iter().chain(&summary.open_questions).map(|finding| &finding.evidence);
    for evidence in summary.action_items.iter().map(|item| &item.evidence).chain(findings) {
        assert!(!evidence.is_empty() && evidence.iter().all(|seq| (1..=last).contains(seq)), "{evidence:?} of {last}");
        assert!(evidence.windows(2).all(|pair| pair[0] < pair[1]), "{evidence:?}");
    }
    for item in &summary.action_items {
        assert!(!item.text.trim().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn summaries_keep_their_laws(lines in lines(60), segment in 1_usize..20) {
        let messages = messages(&lines);
        let (gists, summary) = summarized(&messages, segment);
        checked(&summary, messages.len() as u64);
        prop_assert_eq!(json(&summary), json(&summarized(&messages, segment).1));
        for gist in &gists {
            prop_assert!(json(gist).len() <= 8192, "{}", json(gist).len());
        }
        let merged = merge(&gists);
        prop_assert!(json(&merged).len() <= 8192, "{}", json(&merged).len());
        checked(&fold(&[merged], &messages[gists.len() * segment..]), messages.len() as u64);
    }

    #[test]
    fn a_stored_gist_is_the_gist(lines in lines(30)) {
        let messages = messages(&lines);
        let fresh = gist(&messages);
        let stored: Gist = serde_json::from_str(&json(&fresh)).unwrap();
        prop_assert_eq!(json(&stored), json(&fresh));
        prop_assert_eq!(fold(&[stored], &[]), fold(&[fresh], &[]));
    }

    #[test]
    fn live_insights_do_not_depend_on_batches(lines in lines(90), cut in 0_usize..90) {
        let messages = messages(&lines);
        let mut whole = LiveInsights::default();
        let mut stored = LiveInsights::default();
        for (at, message) in messages.iter().enumerate() {
            whole.add(message);
            stored.add(message);
            if at % 7 == cut % 7 {
                stored = serde_json::from_str(&json(&stored)).unwrap();
            }
        }
        prop_assert_eq!(json(&whole), json(&stored));
        prop_assert!(json(&whole).len() <= 6144, "{}", json(&whole).len());
        prop_assert!(whole.trend().len() <= 32);
        prop_assert!(whole.action_candidates().len() <= 16);
        prop_assert!(whole.action_candidates().iter().all(|seq| (1..=messages.len() as u64).contains(seq)));
        prop_assert!(whole.questions() <= messages.len() as u64);
    }

    #[test]
    fn a_message_has_a_score(text in text()) {
        let score = message_sentiment(&text);
        prop_assert!((-1.0..=1.0).contains(&score.score));
        prop_assert_eq!(score, message_sentiment(&text));
    }
}

#[test]
fn a_long_chat_stays_bounded() {
    let texts: Vec<String> = (0..20_000)
        .map(|at| format!("I'll send \"report\" number {at} to team {} by Friday, is that fine?", at % 977))
        .collect();
    let mut live = LiveInsights::default();
    for (text, seq) in texts.iter().zip(1..) {
        live.add(&Message { seq, author: "Anna", text, at_ms: 0 });
    }
    assert_eq!(live.trend().len(), 20);
    assert_eq!(live.questions(), 20_000);
    assert!(json(&live).len() <= 6144);
}

#[test]
fn large_messages_of_any_kind_are_read() {
    let size = 32 << 10;
    for piece in [
        "x",
        "`",
        "```",
        "会",
        "a ",
        "?",
        "@a",
        "https://",
        ".",
        "😀",
        "' ",
        "\n",
        "don't ",
        "0",
        "Anna, ",
        "\u{300}",
        "ประ",
        "a-",
        "I'll do it. ",
    ] {
        let text = piece.repeat(size / piece.len());
        let message = Message { seq: 1, author: "Anna", text: &text, at_ms: 0 };
        checked(&fold(&[], &[message]), 1);
        checked(&fold(&[gist(&[message])], &[]), 1);
        LiveInsights::default().add(&message);
    }
}

#[test]
fn sentences_stand_in_the_order_of_the_messages() {
    let texts = [
        "The first topic is the budget of the garden project.",
        "The second topic is the colour of the kitchen walls.",
        "The third topic is the holiday in the mountains.",
    ];
    let messages: Vec<Message<'_>> =
        texts.iter().zip(1..).map(|(text, seq)| Message { seq, author: "Anna", text, at_ms: 0 }).collect();
    let detailed = fold(&[], &messages).detailed;
    let places: Vec<Option<usize>> =
        ["garden", "kitchen", "mountains"].iter().map(|word| detailed.find(word)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{detailed}");
}
