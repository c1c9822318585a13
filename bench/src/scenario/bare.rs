//! Over MongoDB: (a) durable posts of one message and (b) of a hundred, against the bare driver.
//!
//! Law: both sides store the same documents with the same write concern on as many connections, take turns within one
//! run, and each round of each has an empty database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Findings, messages_per_second};
use crate::cluster::{Cluster, Database, Ingest, LANES};
use crate::load::{End, Traffic, median};
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

/// Documents in a call of the bare driver that stands for 64 connections with one message each.
const GROUP: u64 = 32;
/// How long it may take to meet all conversations.
const MEET: Duration = Duration::from_mins(2);

pub(super) async fn one(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let rounds = Rounds::run(bench, findings, ("posts", 1, 4), Some(GROUP)).await?;
    let connections = bench.options.connections;
    let what =
        format!("posts of one message on {connections} connections, to the bare driver's {LANES} lanes of {GROUP}");
    rounds.tell(findings, 'a', what, 0.6);
    Ok(())
}

pub(super) async fn hundred(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let rounds = Rounds::run(bench, findings, ("bodies", 100, 1), None).await?;
    let what = format!("messages in bodies of 100, to the bare driver's {LANES} lanes of the same groups");
    rounds.tell(findings, 'b', what, 0.8);
    Ok(())
}

/// Messages a second of each round.
#[derive(Default)]
struct Rounds {
    recap: Vec<f64>,
    bare: Vec<f64>,
}

impl Rounds {
    /// Bodies of so many messages, so many different ones to each conversation.
    async fn run(
        bench: &Bench,
        findings: &mut Findings,
        (name, messages, bodies): (&str, usize, usize),
        group: Option<u64>,
    ) -> Result<Self> {
        let traffic = Arc::new(Traffic::posts(name, conversations(bench), messages, bodies));
        let cluster = Cluster::start(&bench.options).await?;
        findings.note(format!("the database is {}", cluster.engine()));
        let mut rounds = Self::default();
        for _ in 0..bench.options.rounds() {
            let database = cluster.database();
            let ingest = opened(bench, &cluster, &database.url, name).await?;
            let workers = cluster.workers(&database.url).await?;
            let before = ingest.commits().await?;
            let outcome = ingest.run(&bench.load(ingest.address(), &traffic, bench.round())).await?;
            let after = ingest.commits().await?;
            drop(workers);
            ingest.stop().await?;
            let mean = (after.1 - before.1) / (after.0 - before.0).max(1.0);
            rounds.recap.push(messages_per_second(&outcome, traffic.messages));
            rounds.bare.push(bare(bench, &cluster, &database, group, mean).await?);
            findings.note(format!(
                "{:.0} messages/s in commits of {mean:.0}, bare driver {:.0}/s",
                rounds.recap.last().unwrap_or(&0.0),
                rounds.bare.last().unwrap_or(&0.0),
            ));
        }
        Ok(rounds)
    }

    fn tell(&self, findings: &mut Findings, letter: char, what: String, must: f64) {
        let ratio = median(&self.recap) / median(&self.bare);
        findings.row(Row::at_least(letter, what, Figure(ratio, Unit::Ratio), must, must));
    }
}

async fn bare(bench: &Bench, cluster: &Cluster, like: &Database, group: Option<u64>, mean: f64) -> Result<f64> {
    ensure!(mean >= 1.0, "nothing was committed");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least one, and below 8,192")]
    let group = group.unwrap_or(mean.round() as u64);
    cluster.bare(like, group, &bench.options).await
}

/// An ingest-api that has met every conversation: what is measured behind is the commit, not the first look.
pub(super) async fn opened(bench: &Bench, cluster: &Cluster, store: &str, name: &str) -> Result<Ingest> {
    let ingest = cluster.ingest(store).await?;
    let first = Arc::new(Traffic::posts(name, conversations(bench), 1, 1));
    let end = End::Messages { messages: conversations(bench) as u64, within: MEET };
    ingest.run(&bench.load(ingest.address(), &first, end)).await?;
    Ok(ingest)
}

/// Conversations that are posted to.
pub(super) fn conversations(bench: &Bench) -> usize {
    bench.options.or_quick(1000, 50)
}
