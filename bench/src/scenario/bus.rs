//! Over MongoDB: (k) posts while NATS is away, against posts while it is there.
//!
//! Law: the same process is measured in both states in turns, so that a larger log weighs on both.

use std::sync::Arc;

use anyhow::Result;
use shared_testkit::wait;

use super::bare::{conversations, opened};
use super::{Findings, messages_per_second};
use crate::cluster::{Cluster, Ingest};
use crate::load::{Traffic, median};
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut cluster = Cluster::start(&bench.options).await?;
    let database = cluster.database();
    let ingest = opened(bench, &cluster, &database.url, "bus").await?;
    let traffic = Arc::new(Traffic::posts("bus", conversations(bench), 1, 4));
    let (mut there, mut away) = (Vec::new(), Vec::new());
    let mut waiting = 0.0_f64;
    for round in 0..bench.options.rounds() {
        // There and away, away and there: what grows with time falls on both.
        for state in [round % 2 == 0, round % 2 == 1] {
            cluster.bus(state).await?;
            if state {
                published(&ingest).await?;
            }
            let outcome = ingest.run(&bench.load(ingest.address(), &traffic, bench.round())).await?;
            let rate = messages_per_second(&outcome, traffic.messages);
            findings.note(format!("NATS {}: {rate:.0} posts/s", if state { "there" } else { "away" }));
            if state {
                there.push(rate);
            } else {
                away.push(rate);
                waiting = waiting.max(ingest.metric("recap_publish_pending").await?);
            }
        }
    }
    let ratio = Figure(median(&away) / median(&there), Unit::Ratio);
    findings.row(Row::at_least('k', "posts while NATS is away, to those while it is there", ratio, 0.95, 0.95));
    let most = conversations(bench) as f64;
    findings.row(Row::at_most('k', "notices that wait meanwhile, at most", Figure(waiting, Unit::Count), most));
    if let Some(memory) = ingest.memory()? {
        findings.row(Row::plain('k', "RSS of the ingest-api, at most", Figure(memory.peak as f64, Unit::Bytes)));
    }
    ingest.stop().await
}

/// Waits until nothing is to be published any more; each look posts, as the number is told with a commit.
async fn published(ingest: &Ingest) -> Result<()> {
    wait::until("notices to go out", || async {
        ingest.say("bus-0").await?;
        Ok((ingest.metric("recap_publish_pending").await? <= 1.0).then_some(()))
    })
    .await
}
