//! Dead letters: listed with their reason, and tried again when somebody says so.

use std::sync::Arc;

use shared::domain::Seq;
use shared::ports::MessageLog as _;
use summarizer_worker::{Replayed, dead_letters, replay};

use crate::oracle::assert_views;
use crate::world::{World, key, quiet, until};

#[tokio::test(start_paused = true)]
async fn a_replayed_letter_is_projected_or_counted_again() {
    let mut world = World::new(quiet());
    for name in ["mended", "bad", "erased"] {
        world.log.break_record(&key(name), 3);
    }
    world.start_counting();
    for name in ["mended", "bad", "erased", "good"] {
        world.post(&key(name), 5).await;
    }
    let attempts = world.config.project_attempts;
    let views = Arc::clone(&world.views);
    let letters = || views.state.lock().letters.clone();
    until("dead letters", || letters().values().filter(|letter| letter.attempts >= attempts).count() == 3).await;
    until("the acknowledgements", || world.bus.settled()).await;
    world.stop().await;

    let listed = dead_letters(&world.ports).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|letter| letter.key.conversation.as_str()).collect();
    assert_eq!(names, ["bad", "erased", "mended"]);
    assert!(listed.iter().all(|letter| letter.hop == "project" && letter.reason.contains("record 3")), "{listed:?}");

    world.log.mend();
    world.log.break_record(&key("bad"), 4);
    world.log.erase(&key("erased")).await.unwrap();
    let keys: Vec<_> = listed.into_iter().map(|letter| letter.key).collect();
    let replayed = replay(&world.ports, &keys).await.unwrap();
    assert!(matches!(&replayed[0], Replayed::Failed(reason) if reason.contains("record 4")), "{replayed:?}");
    assert_eq!(replayed[1..], [Replayed::Gone, Replayed::Reached(Seq(5))]);
    assert_eq!(world.views.applied(&key("mended")), Seq(5));
    assert_eq!(world.views.applied(&key("bad")), Seq(3), "as far as it can be read");
    let left = letters();
    assert_eq!(left.keys().collect::<Vec<_>>(), [&key("bad")]);
    assert_eq!(left[&key("bad")].attempts, 1, "counted anew");

    world.log.mend();
    assert_eq!(replay(&world.ports, &[key("bad")]).await.unwrap(), [Replayed::Reached(Seq(5))]);
    assert_views(&world);
    assert!(dead_letters(&world.ports).await.unwrap().is_empty());
}
