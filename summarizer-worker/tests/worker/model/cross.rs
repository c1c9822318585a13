//! A segment that ends within what is new: told of in the same call, and kept as if it had been told of alone.

use std::sync::Arc;

use shared::domain::{DropReason, Dropped, DroppedPart, FallbackReason, Seq, Trigger};
use shared::ports::Gist;
use shared_adapters::openai::OpenAiChat;
use shared_testkit::model::{DirectModel, Fault, ModelServer};
use summarizer_worker::{ModelConfig, WorkerConfig};

use super::faults::settings;
use super::{ask, assert_proved, direct, engines};
use crate::world::{World, key, quiet};

/// How often messages were sent, by their text.
fn sent(model: &DirectModel, from: usize, text: &str) -> usize {
    let line = format!(": {text}\n");
    model.calls()[from..].iter().filter(|call| call.text.contains(&line)).count()
}

fn number(n: usize) -> String {
    format!("Message number {n} is here.")
}

/// Messages of 11 tokens come in such steps, somebody asking after each. A segment holds 137 of them.
async fn steps(world: &World, steps: &[usize]) {
    for step in steps {
        let head = world.post(&key("a"), *step).await;
        ask(world, "a", head).await;
    }
}

fn kinds(model: &DirectModel) -> Vec<&'static str> {
    let kind = |role: &str, schema: &str| match role.split(' ').next() {
        Some("Summarize") => "fold",
        Some("Take") => "gist",
        Some("Update") if schema.contains("before") => "cross",
        Some("Update") => "update",
        _ => "other",
    };
    model.calls().iter().map(|call| kind(&call.role, &call.schema)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_segment_costs_no_call_of_its_own_and_each_message_is_sent_once() {
    let mut world = World::new(quiet());
    let model = direct(&mut world, &ModelConfig::default());
    steps(&world, &[100, 60, 60, 100]).await;
    assert_eq!(kinds(&model), ["fold", "cross", "update", "cross"]);
    for n in 0..320 {
        assert_eq!(sent(&model, 0, &number(n)), 1, "{n}");
    }
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn a_change_redoes_its_segment_only() {
    let mut world = World::new(quiet());
    let model = direct(&mut world, &ModelConfig::default());
    steps(&world, &[100, 60, 150]).await;
    let before = model.calls().len();
    world.edit(&key("a"), 200).await;
    let head = Seq(311);
    world.covered(&key("a"), head).await;
    for n in [0, 99, 100, 136] {
        assert_eq!(sent(&model, before, &number(n)), 0, "{n} is in the first segment");
    }
    for n in [137, 159, 160, 273, 274, 309] {
        assert_eq!(sent(&model, before, &number(n)), 1, "{n}");
    }
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn what_was_found_is_kept_where_it_was_said() {
    let mut world = World::new(quiet());
    direct(&mut world, &ModelConfig::default());
    steps(&world, &[130]).await;
    // Number 131 ends the first segment's text, number 150 is of the second.
    let texts: Vec<String> = (130..160)
        .map(|n| if n == 131 || n == 150 { format!("I'll call plumber {n} at noon.") } else { number(n) })
        .collect();
    let head = world.append(&key("a"), &texts).await;
    world.notify(&key("a"), head);
    ask(&world, "a", head).await;
    let evidence = || {
        let version = world.views.versions(&key("a")).pop().unwrap();
        version.content.action_items.iter().map(|item| (item.text.clone(), item.evidence.clone())).collect::<Vec<_>>()
    };
    let found = evidence();
    assert_eq!(found.iter().map(|(_, at)| at.clone()).collect::<Vec<_>>(), [[132], [151]], "{found:?}");
    // What is made from the gists says the same; then an erasure takes one of them away, and leaves the other.
    world.erase_message(&key("a"), 150).await;
    world.covered(&key("a"), head.next()).await;
    assert_eq!(evidence().into_iter().map(|(_, at)| at).collect::<Vec<_>>(), [[132]]);
}

#[tokio::test]
async fn what_is_said_of_the_end_of_a_segment_holds_nothing_of_what_comes_after_it() {
    let (world, server) = begun().await;
    // Said of the wrong side.
    server.play([Fault::Text(|text| {
        let text = text.replace("\"before\":\"", "\"before\":\"They see that Zoltan has 4711 points. Nobody cheats. ");
        text.replace("keywords|", "keywords|Zoltan, ")
    })]);
    let head = cross(&world, &[(150, "The winner is Zoltan with 4711 points.")]).await;
    let gists = |of: &str| telling(&world, of);
    let version = world.views.versions(&key("a")).pop().unwrap();
    assert!(!version.degraded && version.content.keywords.contains(&"Zoltan".to_owned()), "{version:?}");
    let found = gists("Zoltan");
    assert!(found.iter().all(|gist| gist.0.contains("notes")), "only the cut, in its notes: {found:?}");
    let unfounded = |drop: &&Dropped| drop.part == DroppedPart::Sentence && drop.reason == DropReason::Unfounded;
    assert_eq!(version.dropped.iter().find(unfounded).map(|drop| drop.count), Some(1), "it is counted");
    assert_eq!(gists("Nobody cheats").len(), 1, "what has no names may pass for the segment's");
    world.erase_message(&key("a"), 150).await;
    world.covered(&key("a"), head.next()).await;
    assert_eq!((gists("Zoltan"), gists("Nobody cheats")), (vec![], vec![]), "the gist of both sides goes");
}

/// Gists and cuts that tell of something.
fn telling(world: &World, of: &str) -> Vec<Gist> {
    world.views.state.lock().gists.values().filter(|gist| gist.0.contains(of)).cloned().collect()
}

/// A world over a real endpoint, with 130 messages told of.
async fn begun() -> (World, ModelServer) {
    let server = ModelServer::start(false).await.unwrap();
    let mut world = World::new(quiet());
    let chat = OpenAiChat::new(&settings(&server.base_url())).unwrap();
    let engines = engines(&world, Arc::new(chat), &ModelConfig::default());
    world.start_engines(engines);
    steps(&world, &[130]).await;
    (world, server)
}

/// Messages 130 to 159, of which 137 begins another segment, with others in place of some.
async fn cross(world: &World, others: &[(usize, &str)]) -> Seq {
    let other = |n: usize| others.iter().find(|(at, _)| *at == n).map(|(_, text)| (*text).to_owned());
    let texts: Vec<String> = (130..160).map(|n| other(n).unwrap_or_else(|| number(n))).collect();
    let head = world.append(&key("a"), &texts).await;
    world.notify(&key("a"), head);
    ask(world, "a", head).await;
    head
}

#[tokio::test]
async fn what_was_told_of_an_earlier_segment_goes_with_the_message() {
    let (world, server) = begun().await;
    // What the model has from the end of the first segment, or from the brief text so far, said of the second.
    server.play([Fault::Text(|text| text.replace("\"about\":\"", "\"about\":\"Nobody cheats. "))]);
    cross(&world, &[]).await;
    steps(&world, &[140]).await;
    assert!(telling(&world, "Nobody cheats").iter().any(|gist| !gist.0.contains("notes")), "the second segment's");
    world.erase_message(&key("a"), 5).await;
    world.covered(&key("a"), Seq(301)).await;
    assert_eq!(telling(&world, "Nobody cheats"), []);
    assert_proved(&world);
}

#[tokio::test]
async fn the_first_side_holds_no_item_that_rests_on_the_second() {
    let (world, server) = begun().await;
    server.play([Fault::Text(|text| {
        text.replace(
            "\"items\":[",
            "\"items\":[\"todo|2|||Call plumber Zoltan at noon\",\"todo|2|||Call plumber at noon\",",
        )
    })]);
    cross(&world, &[(131, "I'll call the plumber at noon."), (150, "The plumber is called Zoltan.")]).await;
    let version = world.views.versions(&key("a")).pop().unwrap();
    let items: Vec<&str> = version.content.action_items.iter().map(|item| &*item.text).collect();
    assert!(items.contains(&"Call plumber Zoltan at noon"), "it is shown: {items:?}");
    assert!(telling(&world, "Zoltan").iter().all(|gist| gist.0.contains("notes")), "only the cut, in its notes");
    assert!(telling(&world, "Call plumber at noon").iter().any(|gist| !gist.0.contains("notes")));
}

#[tokio::test]
async fn the_second_side_tells_nothing_that_rests_on_the_first_alone() {
    let (world, server) = begun().await;
    server.play([Fault::Text(|text| text.replace("\"about\":\"", "\"about\":\"They see that Zoltan won. "))]);
    cross(&world, &[(131, "The winner is called Zoltan.")]).await;
    assert_eq!(telling(&world, "Zoltan won"), []);
    assert!(!world.views.versions(&key("a")).pop().unwrap().degraded);
}

#[tokio::test]
async fn what_is_said_of_the_end_of_a_segment_is_said_in_its_language() {
    let (world, server) = begun().await;
    server.play([Fault::Text(|text| {
        let german = "Sie haben heute über die Nachrichten gesprochen und sind sich nicht einig, ob das mit den Zahlen so bleiben soll oder ob man sie noch ändern kann.";
        text.replace("\"before\":\"", &format!("\"before\":\"{german} {german} "))
    })]);
    cross(&world, &[]).await;
    let version = world.views.versions(&key("a")).pop().unwrap();
    assert_eq!(version.fallback, Some(FallbackReason::Refused), "{version:?}");
    assert_eq!(telling(&world, "Nachrichten"), []);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_comes_after_the_end_of_a_segment_it_is_all_that_is_told() {
    let mut world = World::new(quiet());
    let model = direct(&mut world, &ModelConfig::default());
    steps(&world, &[100]).await;
    world.post(&key("a"), 38).await;
    world.projected(&key("a"), Seq(138)).await;
    // The one that begins the second segment.
    world.erase_message(&key("a"), 137).await;
    ask(&world, "a", Seq(139)).await;
    assert_eq!(kinds(&model), ["fold", "update"]);
    steps(&world, &[20]).await;
    for n in (0..137).chain(139..159) {
        assert_eq!(sent(&model, 0, &number(n)), 1, "{n}");
    }
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn where_the_whole_is_written_anew_the_end_of_a_segment_gets_a_gist() {
    let mut world = World::new(WorkerConfig::default());
    world.config.policy.summary_every = 1_000;
    let model = direct(&mut world, &ModelConfig::default());
    steps(&world, &[100]).await;
    world.post(&key("a"), 60).await;
    let end = world.end(&key("a")).await;
    world.covered(&key("a"), Seq(end.0 - 1)).await;
    assert_eq!(world.views.versions(&key("a")).last().map(|version| version.trigger), Some(Trigger::End));
    assert_eq!(kinds(&model), ["fold", "gist", "fold"]);
    for n in 0..160 {
        assert_eq!(sent(&model, 0, &number(n)), 1, "{n}");
    }
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_one_call_is_made_in_two() {
    let mut world = World::new(quiet());
    let small = ModelConfig { llm_context_tokens: 2_000, llm_max_output_tokens: 300, ..ModelConfig::default() };
    let model = direct(&mut world, &small);
    steps(&world, &[20, 230]).await;
    assert!(!kinds(&model).contains(&"cross"), "{:?}", kinds(&model));
    for n in 0..250 {
        assert_eq!(sent(&model, 0, &number(n)), 1, "{n}");
    }
    assert!(world.views.versions(&key("a")).iter().all(|version| !version.degraded));
    assert_proved(&world);
}
