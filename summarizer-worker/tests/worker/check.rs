//! `recap check`: what it finds, and what it mends.

use shared::domain::{Digest, Seq};
use shared::ports::EventBus as _;
use summarizer_worker::{FaultKind, check, rebuild};

use crate::oracle::assert_views;
use crate::world::{World, key, quiet};

async fn projected(names: &[&str]) -> World {
    let mut world = World::new(quiet());
    world.start_counting();
    for name in names {
        let head = world.post(&key(name), 30).await;
        world.projected(&key(name), head).await;
    }
    world.stop().await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_sound_store_has_no_faults() {
    let world = projected(&["a", "b"]).await;
    let report = check(&world.ports).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.conversations, report.records, report.messages, report.behind), (2, 60, 60, 0));
}

#[tokio::test(start_paused = true)]
async fn wrong_missing_and_late_views_are_found_and_mended_and_summaries_stay() {
    let mut world = projected(&["digest", "count", "users", "missing", "ahead", "sound"]).await;
    world.start_counting();
    let seq = Seq(30);
    let key_of = |name| shared::ports::SummarizeAsk { key: key(name), at_least: seq };
    world.bus.ask(key_of("count"), std::time::Duration::from_mins(1)).await.unwrap();
    world.stop().await;
    world.append(&key("late"), &["one".to_owned()]).await;
    {
        let mut state = world.views.state.lock();
        state.views.get_mut(&key("digest")).unwrap().digest = Digest::of(b"x");
        state.views.get_mut(&key("count")).unwrap().messages = 29;
        state.users.get_mut(&key("users")).unwrap().pop_first();
        state.views.remove(&key("missing"));
        state.views.get_mut(&key("ahead")).unwrap().applied_seq = Seq(31);
    }
    let report = check(&world.ports).await.unwrap();
    let mut found: Vec<_> = report.faults.iter().map(|f| (f.key.conversation.to_string(), f.kind)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("ahead", FaultKind::View),
        ("count", FaultKind::View),
        ("digest", FaultKind::View),
        ("users", FaultKind::Participants),
    ];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!((report.behind, report.repaired, report.mended, report.is_clean()), (2, 0, 0, false));

    let report = rebuild(&world.ports).await.unwrap();
    assert_eq!((report.repaired, report.mended, report.is_clean()), (6, 4, true), "{report}");
    assert!(report.faults.iter().all(|fault| fault.mended), "{report:?}");
    assert_views(&world);
    assert_eq!(world.views.versions(&key("count")).len(), 1);
    assert!(check(&world.ports).await.unwrap().is_clean());
}

#[tokio::test(start_paused = true)]
async fn holes_and_summaries_that_prove_nothing_are_named() {
    let mut world = projected(&["hole", "broken", "summary"]).await;
    world.start_counting();
    let ask = shared::ports::SummarizeAsk { key: key("summary"), at_least: Seq(30) };
    world.bus.ask(ask, std::time::Duration::from_mins(1)).await.unwrap();
    world.stop().await;
    world.log.make_hole(&key("hole"), 7);
    world.log.break_record(&key("broken"), 7);
    world.views.state.lock().summaries.get_mut(&key("summary")).unwrap()[0].covers.digest = Digest::of(b"x");
    let report = rebuild(&world.ports).await.unwrap();
    let mut found: Vec<_> = report.faults.iter().map(|f| (f.key.conversation.to_string(), f.kind)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("broken", FaultKind::Log), ("hole", FaultKind::Log), ("summary", FaultKind::Summary)];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!((report.repaired, report.mended, report.is_clean()), (0, 0, false));
}

#[tokio::test(start_paused = true)]
async fn a_view_that_is_mended_does_not_excuse_a_summary_that_is_not() {
    let mut world = projected(&["both"]).await;
    world.start_counting();
    let ask = shared::ports::SummarizeAsk { key: key("both"), at_least: Seq(30) };
    world.bus.ask(ask, std::time::Duration::from_mins(1)).await.unwrap();
    world.stop().await;
    {
        let mut state = world.views.state.lock();
        state.views.get_mut(&key("both")).unwrap().digest = Digest::of(b"x");
        state.summaries.get_mut(&key("both")).unwrap()[0].covers.digest = Digest::of(b"x");
    }
    let report = rebuild(&world.ports).await.unwrap();
    let mended: Vec<_> = report.faults.iter().map(|fault| (fault.kind, fault.mended)).collect();
    assert!(mended.contains(&(FaultKind::View, true)) && mended.contains(&(FaultKind::Summary, false)), "{mended:?}");
    assert_eq!((report.repaired, report.mended, report.is_clean()), (1, 1, false));
}
