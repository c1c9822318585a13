//! Project and reconcile: whatever becomes of notices, views follow the log.

use std::time::Duration;

use shared::domain::Seq;
use shared::ports::{Announcement, MessageLog as _};

use crate::memory::Weather;
use crate::oracle::assert_views;
use crate::world::{World, key, quiet, until};

#[tokio::test(start_paused = true)]
async fn a_post_is_projected_announced_and_acknowledged() {
    let mut world = World::new(quiet());
    world.start_counting();
    let head = world.post(&key("a"), 3).await;
    world.projected(&key("a"), head).await;
    until("the acknowledgement", || world.bus.settled()).await;
    assert_eq!(world.heard(&Announcement::Projected { key: key("a"), seq: head }), 1);
    assert_views(&world);
}

#[tokio::test(start_paused = true)]
async fn many_conversations_share_commits_and_long_ones_come_in_steps() {
    let mut world = World::new(quiet());
    let long = world.post(&key("long"), 9_000).await;
    for n in 0..300 {
        world.post(&key(&format!("short {n}")), 2).await;
    }
    world.start_counting();
    world.projected(&key("long"), long).await;
    until("all", || world.bus.settled()).await;
    assert_views(&world);
    assert_eq!(world.views.state.lock().commits, 300 + 5, "2,000 records a step");
}

#[tokio::test(start_paused = true)]
async fn lost_notices_are_found_and_the_checkpoint_follows() {
    let mut world = World::new(quiet());
    world.bus.weather(Weather { lost: 100, ..Weather::default() });
    world.start_counting();
    let head = world.post(&key("a"), 5).await;
    world.projected(&key("a"), head).await;
    until("the checkpoint", || !world.views.state.lock().checkpoints.is_empty()).await;
    world.stop().await;
    let read = world.log.records_read();
    world.start_counting();
    let head = world.post(&key("b"), 5).await;
    world.projected(&key("b"), head).await;
    assert_eq!(world.log.records_read() - read, 5 + 1, "what lies before the checkpoint is not read again");
}

#[tokio::test(start_paused = true)]
async fn a_broken_record_stops_its_own_conversation_only_and_becomes_a_dead_letter() {
    let mut world = World::new(quiet());
    world.log.break_record(&key("bad"), 3);
    world.start_counting();
    world.post(&key("bad"), 5).await;
    let long = world.post(&key("bad and long"), 100).await;
    world.log.break_record(&key("bad and long"), 50);
    let good = world.post(&key("good"), 5).await;
    world.projected(&key("good"), good).await;
    world.projected(&key("bad"), Seq(2)).await;
    world.projected(&key("bad and long"), Seq(49)).await;
    let letters = || world.views.state.lock().letters.clone();
    until("the dead letter", || letters().get(&key("bad")).is_some_and(|letter| letter.attempts >= 10)).await;
    until("the acknowledgement", || world.bus.settled()).await;
    assert_eq!(letters()[&key("bad")].hop, "project");
    until("the checkpoint", || !world.views.state.lock().checkpoints.is_empty()).await;

    world.log.mend();
    world.notify(&key("bad"), Seq(5));
    world.notify(&key("bad and long"), long);
    world.projected(&key("bad"), Seq(5)).await;
    world.projected(&key("bad and long"), long).await;
    until("forgiveness", || letters().is_empty()).await;
    assert_views(&world);
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_waited_for() {
    let mut world = World::new(quiet());
    world.log.make_hole(&key("a"), 4);
    world.start_counting();
    let head = world.post(&key("a"), 6).await;
    world.projected(&key("a"), Seq(3)).await;
    until("a failure", || !world.views.state.lock().letters.is_empty()).await;
    world.log.mend();
    world.projected(&key("a"), head).await;
    until("forgiveness", || world.views.state.lock().letters.is_empty()).await;
    assert_views(&world);
}

#[tokio::test(start_paused = true)]
async fn an_away_store_costs_time_only() {
    let mut world = World::new(quiet());
    world.start_counting();
    world.views.faults.next(20);
    world.log.faults.next(20);
    let head = world.post(&key("a"), 3).await;
    world.projected(&key("a"), head).await;
    until("the acknowledgement", || world.bus.settled()).await;
    assert!(world.views.state.lock().letters.is_empty(), "a store that is away is nobody's failure");
    assert_views(&world);
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_run_again() {
    let mut world = World::new(quiet());
    world.start_counting();
    let head = world.post(&key("a"), 3).await;
    world.projected(&key("a"), head).await;
    world.views.stale.next(5);
    let head = world.post(&key("a"), 3).await;
    world.projected(&key("a"), head).await;
    assert_eq!(world.views.stale.left(), 0);
    assert_views(&world);
}

#[tokio::test(start_paused = true)]
async fn an_erased_conversation_leaves_nothing_and_a_new_one_of_its_name_begins_anew() {
    let mut world = World::new(quiet());
    world.start_counting();
    let head = world.post(&key("a"), 9).await;
    world.projected(&key("a"), head).await;
    world.log.erase(&key("a")).await.unwrap();
    until("the erasure", || world.views.view(&key("a")).is_none()).await;
    until("its end", || world.heard(&Announcement::Erased { key: key("a") }) == 1).await;
    world.log.erase(&key("a")).await.unwrap();
    // Shorter and longer than before, and at once: the old view must not be carried on.
    for count in [2, 20] {
        let head = world.post(&key("b"), 9).await;
        world.projected(&key("b"), head).await;
        world.log.erase(&key("b")).await.unwrap();
        let head = world.post(&key("b"), count).await;
        world.projected(&key("b"), head).await;
        until("the bus", || world.bus.settled()).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_views(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn two_workers_at_once_count_nothing_twice() {
    let mut world = World::new(quiet());
    world.bus.weather(Weather { lost: 20, doubled: 50, shuffled: true });
    world.start_counting();
    world.start_counting();
    for round in 0..30 {
        for n in 0..10 {
            world.post(&key(&format!("c{n}")), 1 + (round * n) % 3).await;
        }
        tokio::task::yield_now().await;
    }
    for n in 0..10 {
        let key = key(&format!("c{n}"));
        world.projected(&key, Seq(world.log.all(&key).len() as u64)).await;
    }
    assert_views(&world);
}
