//! What a reader is told: given a conversation, then these words.

use shared_insights::{ActionStatus, LiveInsights, Message, Sentiment, Summary, fold, message_sentiment};

/// Wednesday, 4 March 2026, 12:00 UTC.
const NOON: i64 = 1_772_625_600_000;

fn summary(lines: &[(&str, &str)]) -> Summary {
    let messages: Vec<Message<'_>> =
        lines.iter().zip(1..).map(|((author, text), seq)| Message { seq, author, text, at_ms: NOON }).collect();
    fold(&[], &messages)
}

fn told(text: &str) -> String {
    summary(&[("Anna", text), ("Ben", "hm")]).brief
}

#[test]
fn sentences_are_told_in_the_third_person() {
    for (said, expected) in [
        ("I need the budget numbers before the meeting.", "Anna needs the budget numbers before the meeting."),
        ("Can you send me the budget numbers?", "Anna asks Ben to send Anna the budget numbers."),
        ("Do you have the budget numbers?", "Anna asks whether Ben has the budget numbers."),
        ("Did you see the budget numbers?", "Anna asks whether Ben saw the budget numbers."),
        ("What time do you want to go there?", "Anna asks what time Ben wants to go there."),
        ("Where is the new office?", "Anna asks where the new office is."),
        ("Let's go to the cinema tonight.", "Anna suggests they go to the cinema tonight."),
        ("Please check the budget numbers.", "Anna asks Ben to check the budget numbers."),
        ("Well, um, I'm really sorry about the budget.", "Anna is really sorry about the budget."),
        ("Can the release move to Friday?", "Anna asks whether the release can move to Friday."),
        ("My wife and I have a garden.", "Anna says Anna's wife and Anna have a garden."),
    ] {
        assert_eq!(told(said), expected, "{said}");
    }
}

#[test]
fn what_is_joined_or_conditional_keeps_its_sense() {
    for (said, expected) in [
        ("Yes, if the backup is green by noon.", "Anna agrees if the backup is green by noon."),
        ("Sure, once the server is up again.", "Anna agrees once the server is up again."),
        ("The bus is late, so let's walk home.", "Anna says the bus is late, so they should walk home."),
        ("I test the backup and send the report.", "Anna tests the backup and sends the report."),
        ("I need to test the backup and send the report.", "Anna needs to test the backup and send the report."),
        ("Then it's quiet in the office.", "Anna says it's quiet in the office."),
    ] {
        assert_eq!(told(said), expected, "{said}");
    }
}

#[test]
fn a_bare_decided_decides_what_was_said_before_it_and_finishes_nothing() {
    let summary = summary(&[
        ("Anna", "Ben, can you water the plants before Friday?"),
        ("Ben", "Yes, I'll do it on Thursday."),
        ("Carla", "The couch does not fit into the lift."),
        ("Anna", "Agreed. We move the couch up the stairs. Decided."),
        ("Carla", "Indeed, and I'm excited."),
    ]);
    assert_eq!(summary.decisions[0].text, "The group moves the couch up the stairs.");
    assert_eq!(summary.decisions[0].evidence, [4]);
    assert_eq!(summary.action_items[0].status, ActionStatus::Open, "{:?}", summary.action_items);
    assert_eq!(summary.action_items[0].evidence, [1, 2]);
}

#[test]
fn a_task_names_what_it_is_about() {
    for (said, expected) in [
        ("Then the invoice has to go out as well. I'll send it on Monday.", "Send the invoice on Monday"),
        (
            "Then the newsletter has to move as well. I'll reschedule it for the 16th.",
            "Reschedule the newsletter for the 16th",
        ),
        ("The garden gate is broken again. I'll repair it by Sunday.", "Repair the garden gate by Sunday"),
        // More than one thing is named: nobody knows which is meant.
        ("The printer has eaten the contract. I'll print it again tomorrow.", "Print it again tomorrow"),
        ("Could somebody feed the cat tomorrow?", "Feed the cat tomorrow"),
    ] {
        let summary = summary(&[("anna", said), ("ben", "hm"), ("carla", "hm")]);
        assert_eq!(summary.action_items[0].text, expected, "{said}");
    }
    let called =
        summary(&[("dev_ann", "dev_bob, can you restart the server?"), ("dev_bob", "On it."), ("dev_eve", "hm")]);
    assert_eq!(called.action_items[0].text, "Restart the server");
    assert_eq!(called.action_items[0].owner.as_deref(), Some("dev_bob"));
}

#[test]
fn nobody_is_named_who_is_not_certain() {
    let brief = summary(&[("Anna", "Can you send me the budget numbers?"), ("Ben", "hm"), ("Carla", "hm")]).brief;
    assert_eq!(brief, "Anna: \"Can you send me the budget numbers?\"");
}

#[test]
fn an_item_has_owner_date_and_status() {
    let summary = summary(&[
        ("Anna", "I'll send the contract to the customer by Friday."),
        ("Ben", "Could you also book the meeting room, Carla?"),
        ("Carla", "Sure."),
        ("Anna", "I sent the contract."),
        ("Ben", "Never mind the meeting room, we meet online."),
    ]);
    let [contract, room] = &summary.action_items[..] else { panic!("{:?}", summary.action_items) };
    assert_eq!(contract.text, "Send the contract to the customer by Friday");
    assert_eq!((contract.owner.as_deref(), contract.status), (Some("Anna"), ActionStatus::Done));
    assert_eq!(contract.due.as_ref().map(|due| (&*due.date, &*due.words)), Some(("2026-03-06", "by Friday")));
    assert_eq!(contract.evidence, [1, 4]);
    assert_eq!((room.owner.as_deref(), room.status), (Some("Carla"), ActionStatus::Superseded));
    assert_eq!(room.evidence.first(), Some(&2));
}

#[test]
fn a_proposal_that_finds_consent_is_a_decision_and_a_question_without_answer_stays_open() {
    let summary = summary(&[
        ("Anna", "Let's move the release to Thursday."),
        ("Ben", "Sounds good."),
        ("Carla", "Who owns the billing dashboard?"),
        ("Ben", "I don't know."),
    ]);
    assert_eq!(summary.decisions[0].text, "Anna suggests they move the release to Thursday; Ben agrees.");
    assert_eq!(summary.decisions[0].evidence, [1, 2]);
    assert_eq!(summary.open_questions[0].evidence, [3]);
}

#[test]
fn other_languages_are_quoted_without_english_around_them() {
    for text in [
        "¿Podemos mover la reunión del lunes al martes?",
        "Können wir das Treffen auf Dienstag verschieben?",
        "会議を金曜日に移動できますか。",
        "Можем перенести встречу на пятницу?",
    ] {
        let summary = summary(&[("Ana", text)]);
        assert_eq!(summary.brief, format!("Ana: {text}"));
        assert!(!summary.keywords.is_empty());
    }
}

#[test]
fn nothing_to_tell_is_told_truthfully() {
    assert_eq!(summary(&[("Sam", "hi")]).brief, "Sam: hi");
    assert_eq!(summary(&[("Sam", "😀😀")]).brief, "Sam: 😀😀");
    assert!(!summary(&[]).brief.is_empty());
}

#[test]
fn sentiment_reads_negation_contrast_and_marks() {
    for (text, class) in [
        ("This is great, thank you!", Sentiment::Positive),
        ("This is not good at all.", Sentiment::Negative),
        ("The food was good but the service was terrible.", Sentiment::Negative),
        ("What?! Again?!", Sentiment::Negative),
        ("The meeting is at three.", Sentiment::Neutral),
        ("❤️", Sentiment::Positive),
        ("muchas gracias, excelente", Sentiment::Positive),
    ] {
        assert_eq!(message_sentiment(text).class, class, "{text}");
    }
}

#[test]
fn live_insights_follow_the_chat() {
    let mut live = LiveInsights::default();
    for seq in 1..=100 {
        let text = if seq % 10 == 0 {
            "Can you fix the invoice export today?"
        } else {
            "The invoice export is broken again, terrible."
        };
        live.add(&Message { seq, author: "Anna", text, at_ms: NOON });
    }
    assert_eq!(live.keywords(2), ["invoice", "export"]);
    assert_eq!(live.questions(), 10);
    assert_eq!(live.sentiment().class, Sentiment::Negative);
    assert_eq!(live.action_candidates(), (1..=10).map(|tenth| tenth * 10).collect::<Vec<u64>>());
    assert_eq!(live.trend().len(), 25);
}
