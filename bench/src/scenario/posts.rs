//! (a) Durable posts of one message against the null handler, and (b) of a hundred.
//!
//! Law: both servers are measured in turns within one run. While the null handler is measured, Recap is caught up
//! and held, so that the null handler has the machine for itself; while Recap is measured, all that it does goes on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use shared_testkit::process::Server;

use super::{Findings, messages_per_second, micros_each};
use crate::footprint;
use crate::load::{Latencies, Traffic, median};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Row, Unit};

/// How long views may take to catch up after a round.
const CATCH_UP: Duration = Duration::from_mins(5);
/// Conversations that are posted to.
const CONVERSATIONS: usize = 1000;
/// Messages in the large bodies.
const HUNDRED: usize = 100;
/// (b) in messages for each post of (a)'s null handler: 300,000 and 500,000 at 100,000.
const BODIES_MUST: f64 = 3.0;
const BODIES_AIM: f64 = 5.0;

pub(super) async fn one(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let (mut recap, null) = (bench.recap(&[]).await?, bench.null_server().await?);
    let mut rounds = Rounds::default();
    let traffic = Arc::new(Traffic::posts("posts", CONVERSATIONS, 1, 4));
    for _ in 0..bench.options.rounds() {
        rounds.null(bench, &mut recap, &null, &traffic).await?;
        rounds.recap(bench, &mut recap, &traffic, findings).await?;
    }
    let (posts, base) = (median(&rounds.recap), median(&rounds.null));
    let connections = bench.options.connections;
    let what = format!("durable posts of one message on {connections} connections, to the null handler");
    findings.row(Row::at_least('a', what, Figure(posts / base, Unit::Ratio), 0.4, 0.6));
    findings.row(Row::plain('a', "the same, posts", Figure(posts, Unit::PerSecond)));
    findings.row(Row::plain('a', "null handler, posts", Figure(base, Unit::PerSecond)));
    findings.note(format!("(a) replies: {}", rounds.latencies.told()));
    findings.note(format!("(a) processor time of a post: {}", rounds.cpu_told()));
    findings.peak("posts of one message", &recap)?;
    findings.null_rate = Some(base);
    recap.stop().await?;
    Ok(())
}

pub(super) async fn hundred(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let (mut recap, null) = (bench.recap(&[]).await?, bench.null_server().await?);
    let mut rounds = Rounds::default();
    let base = if let Some(rate) = findings.null_rate {
        rate
    } else {
        let single = Arc::new(Traffic::posts("posts", CONVERSATIONS, 1, 4));
        rounds.null(bench, &mut recap, &null, &single).await?;
        std::mem::take(&mut rounds).null[0]
    };
    let traffic = Arc::new(Traffic::posts("bodies", CONVERSATIONS, HUNDRED, 1));
    for _ in 0..bench.options.rounds() {
        rounds.null(bench, &mut recap, &null, &traffic).await?;
        rounds.recap(bench, &mut recap, &traffic, findings).await?;
    }
    let messages = median(&rounds.recap);
    let what = "messages in bodies of 100, for each post of the null handler";
    findings.row(Row::at_least('b', what, Figure(messages / base, Unit::Ratio), BODIES_MUST, BODIES_AIM));
    findings.row(Row::at_least(
        'b',
        "the same, messages",
        Figure(messages, Unit::PerSecond),
        BODIES_MUST * base,
        BODIES_AIM * base,
    ));
    findings.row(Row::plain(
        'b',
        "null handler, messages in bodies of 100",
        Figure(median(&rounds.null), Unit::PerSecond),
    ));
    findings.note(format!("(b) replies: {}", rounds.latencies.told()));
    findings.note(format!("(b) processor time of a message: {}", rounds.cpu_told()));
    findings.peak("bodies of 100", &recap)?;
    recap.stop().await?;
    Ok(())
}

/// Messages a second of each round, and what they cost.
#[derive(Debug, Default)]
struct Rounds {
    recap: Vec<f64>,
    null: Vec<f64>,
    recap_cpu: Vec<f64>,
    null_cpu: Vec<f64>,
    latencies: Latencies,
}

impl Rounds {
    async fn null(&mut self, bench: &Bench, recap: &mut Recap, null: &Server, traffic: &Arc<Traffic>) -> Result<()> {
        recap.hold(true)?;
        let before = footprint::cpu(null.pid()?);
        let outcome = bench.load(null.address(), traffic, bench.round()).run().await?;
        let after = footprint::cpu(null.pid()?);
        recap.hold(false)?;
        anyhow::ensure!(outcome.refusal.is_none(), "the null handler refused: {:?}", outcome.refusal);
        self.null.push(messages_per_second(&outcome, traffic.messages));
        self.null_cpu.extend(micros_each(before, after, outcome.answered * traffic.messages));
        Ok(())
    }

    async fn recap(
        &mut self,
        bench: &Bench,
        recap: &mut Recap,
        traffic: &Arc<Traffic>,
        findings: &mut Findings,
    ) -> Result<()> {
        let load = bench.load(recap.address(), traffic, bench.round());
        let before = recap.cpu()?;
        let outcome = recap.run(&load).await?;
        let after = recap.cpu()?;
        let caught_up = recap.catch_up(CATCH_UP).await?;
        let rate = messages_per_second(&outcome, traffic.messages);
        findings.note(format!(
            "{rate:.0} messages/s; the projector fell {} of {} messages behind and had caught up {:.1} s later",
            caught_up.behind,
            outcome.answered * traffic.messages,
            caught_up.took.as_secs_f64(),
        ));
        self.recap.push(rate);
        self.recap_cpu.extend(micros_each(before, after, outcome.answered * traffic.messages));
        self.latencies.append(outcome.latencies);
        Ok(())
    }

    fn cpu_told(&self) -> String {
        if self.recap_cpu.is_empty() {
            return "known on Linux only".to_owned();
        }
        let [recap, null] = [&self.recap_cpu, &self.null_cpu].map(|costs| median(costs));
        format!("{recap:.2} µs, all that goes on meanwhile included; of the null handler {null:.2} µs")
    }
}
