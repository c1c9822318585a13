//! What a model makes up: it is asked once to take it back, and what it does not take back is dropped and counted.

use std::sync::Arc;

use shared::domain::{DropReason, DroppedPart, FallbackReason, SummaryVersion};
use shared_adapters::openai::OpenAiChat;
use shared_testkit::model::{Fault, ModelServer};
use summarizer_worker::ModelConfig;

use super::faults::settings;
use super::{ask, engines, newest};
use crate::world::{World, key, quiet};

const MADE_UP: &str = "Zanzibar Mallory pays 99731 euros. ";

/// The version of a conversation of five messages, and how many calls it took.
async fn told(script: Vec<Fault>, texts: &[&str]) -> (SummaryVersion, usize) {
    let server = ModelServer::start(false).await.unwrap();
    server.play(script);
    let mut world = World::new(quiet());
    let chat = OpenAiChat::new(&settings(&server.base_url())).unwrap();
    let engines = engines(&world, Arc::new(chat), &ModelConfig::default());
    world.start_engines(engines);
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let head = world.append(&key("a"), &texts).await;
    world.notify(&key("a"), head);
    ask(&world, "a", head).await;
    let version = newest(&world, "a");
    world.stop().await;
    (version, server.calls().len())
}

const CHAT: [&str; 3] = ["The report is ready.", "I will send it to the board tomorrow.", "Good, thanks."];

fn makes_up(mut text: String) -> String {
    const BRIEF: &str = "\"brief\":\"";
    if let Some(at) = text.find(BRIEF) {
        text.insert_str(at + BRIEF.len(), MADE_UP);
    }
    text
}

fn dropped(version: &SummaryVersion, part: DroppedPart) -> Vec<(DropReason, u32)> {
    version.dropped.iter().filter(|drop| drop.part == part).map(|drop| (drop.reason, drop.count)).collect()
}

#[tokio::test]
async fn names_and_numbers_that_stand_nowhere_are_asked_away_once() {
    let script = vec![Fault::Text(makes_up), Fault::Text(|text| text.replace(MADE_UP, ""))];
    let (version, calls) = told(script, &CHAT).await;
    assert_eq!(calls, 2, "the summary and one repair");
    assert!(!version.content.brief.contains("Zanzibar") && version.content.brief.contains("report"));
    assert_eq!(dropped(&version, DroppedPart::Sentence), [], "a repaired text loses nothing");
}

#[tokio::test]
async fn a_sentence_that_is_not_repaired_is_dropped_and_counted() {
    for repair in [Fault::Text(|text| text), Fault::Status(500, vec![], String::new()), Fault::Text(|_| "no".into())] {
        let (version, _) = told(vec![Fault::Text(makes_up), repair], &CHAT).await;
        assert!(!version.content.brief.contains("Zanzibar") && version.content.brief.contains("report"));
        assert!(!version.content.brief.contains("99731"));
        assert_eq!(dropped(&version, DroppedPart::Sentence), [(DropReason::Unfounded, 1)]);
    }
}

#[tokio::test]
async fn items_without_evidence_go_and_dates_follow_from_the_message_that_says_them() {
    let items = |text: String| {
        let items = r#""items":["todo|2|ben|tomorrow|Send the report to the board","todo|9||tomorrow|Send the report","todo|1|Mallory|Friday|Check the report","decided|3|Buy a boat","asked||Is it ready?""#;
        text.replacen(r#""items":["#, &format!("{items},"), 1)
    };
    let (version, _) = told(vec![Fault::Text(items)], &CHAT).await;
    let todo = &version.content.action_items;
    let mine = todo.iter().find(|item| item.text == "Send the report to the board").unwrap();
    assert_eq!((mine.evidence.as_slice(), mine.owner.as_deref()), (&[2][..], Some("ben")));
    let due = mine.due.as_ref().unwrap();
    let day = version.generated_at.to_string();
    assert!(due.words == "tomorrow" && due.date.as_str() > day.split('T').next().unwrap(), "{due:?} on {day}");
    let other = todo.iter().find(|item| item.text == "Check the report").unwrap();
    assert_eq!((&other.owner, &other.due), (&None, &None), "nobody named Mallory, nobody said Friday");
    assert!(version.content.decisions.is_empty());
    for (part, reason) in [
        (DroppedPart::ActionItem, DropReason::NoEvidence),
        (DroppedPart::Question, DropReason::NoEvidence),
        (DroppedPart::Decision, DropReason::Unrelated),
        (DroppedPart::Owner, DropReason::Unfounded),
        (DroppedPart::Due, DropReason::Unfounded),
    ] {
        assert_eq!(dropped(&version, part), [(reason, 1)], "{part:?}");
    }
}

#[tokio::test]
async fn a_summary_in_another_language_than_the_chat_is_not_shown() {
    let chat = ["Можем перенести встречу на пятницу?", "Да, я отправлю отчёт завтра утром.", "Хорошо, спасибо!"];
    let (version, _) = told(vec![], &chat).await;
    assert!(version.engine == "openai:mock" && version.content.brief.contains("отчёт"), "{}", version.content.brief);
    let english = |_: String| {
        let text = "They talk about a meeting and about a report that somebody will send to the others.";
        format!(r#"{{"brief":"{text}","detailed":"{text}","about":"{text}","items":[]}}"#)
    };
    let (version, calls) = told(vec![Fault::Text(english)], &chat).await;
    assert_eq!((version.engine.as_str(), version.fallback, calls), ("local", Some(FallbackReason::Refused), 1));
}
