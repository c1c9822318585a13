//! (l) Five times more than the server takes at once: goodput beside its best, how fast a refusal is, reads meanwhile,
//! and how soon all is as before. Five times as many writers that wait for their answers, as most clients do, and then
//! requests that arrive at five times the best rate, whatever is answered.
//!
//! Law: the server's capacity is set, and reached by the load without refusals; the overload differs from it by nothing
//! but the number of connections. One reader reads all the time, and the generator's own processor time is told.

mod beside;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Findings, messages_per_second};
use crate::load::{Connection, Latencies, Load, Traffic, median};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Row, Unit};
use beside::measured;

/// Places for requests: 48 of them for writes, unless reads take them.
const PLACES: &str = "64";
/// As many as have a place while the reader has one.
const WRITERS: usize = 47;
const TIMES: usize = 5;
/// Connections over which requests arrive at a rate: so many that most need not wait for an answer.
const ARRIVING: usize = 1000;
const CONVERSATIONS: usize = 1000;
/// No answer of the server takes longer.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut recap = bench.recap(&[("MAX_IN_FLIGHT", PLACES)]).await?;
    let traffic = Arc::new(Traffic::posts("overload", CONVERSATIONS, 1, 4));
    let usual = Load { connections: WRITERS, ..bench.load(recap.address(), &traffic, bench.round()) };
    // What the reader reads is there.
    until_taken(&recap, &traffic).await?;
    let mut rounds = Rounds::default();
    for _ in 0..bench.options.rounds() {
        rounds.writers(&mut recap, &usual, findings).await?;
        rounds.arrivals(&mut recap, &usual, findings).await?;
    }
    rounds.show(findings);
    findings.peak("overload", &recap)?;
    recap.stop().await?;
    Ok(())
}

/// What came of each round, in posts a second, shares of the best, and milliseconds.
#[derive(Default)]
struct Rounds {
    best: Vec<f64>,
    goodput: Vec<f64>,
    recovery: Vec<f64>,
    after: Vec<f64>,
    arrived: Vec<f64>,
    of_arrived: Vec<f64>,
    of_refused: Latencies,
    refusals: Latencies,
    reads: Latencies,
}

impl Rounds {
    /// As many writers as have a place, five times as many, and again as many as have a place.
    async fn writers(&mut self, recap: &mut Recap, usual: &Load, findings: &mut Findings) -> Result<()> {
        let over = Load { connections: WRITERS * TIMES, ..usual.clone() };
        let (outcome, mut quiet) = measured(recap, usual).await?;
        ensure!(outcome.refused == 0, "{WRITERS} writers are too many already: {:?}", outcome.refusal);
        let best = messages_per_second(&outcome, 1);
        findings.note(format!("(l) {WRITERS} writers: {best:.0} stored/s; reads: {}", quiet.told()));
        let (outcome, mut meanwhile) = measured(recap, &over).await?;
        findings.note(format!(
            "(l) {} writers: {:.0} stored/s, {} refused; reads: {}",
            over.connections,
            outcome.rate(),
            outcome.refused,
            meanwhile.told()
        ));
        self.best.push(best);
        self.goodput.push(messages_per_second(&outcome, 1) / best);
        self.refusals.append(outcome.refusals);
        self.reads.append(meanwhile.reads);
        self.recovery.push(until_taken(recap, &usual.traffic).await?.as_secs_f64() * 1000.0);
        self.after.push(messages_per_second(&measured(recap, usual).await?.0, 1) / best);
        Ok(())
    }

    /// Requests that arrive at five times the best rate.
    async fn arrivals(&mut self, recap: &mut Recap, usual: &Load, findings: &mut Findings) -> Result<()> {
        let best = median(&self.best);
        let load = Load { connections: ARRIVING, rate: Some(best * TIMES as f64), ..usual.clone() };
        let (mut outcome, mut meanwhile) = measured(recap, &load).await?;
        let arrived = outcome.rate() + outcome.refusals.count() as f64 / outcome.seconds;
        findings.note(format!(
            "(l) {arrived:.0} posts/s arriving on {ARRIVING} connections: {:.0} stored/s; refusals: {}; reads: {}",
            outcome.rate(),
            outcome.refusals.told(),
            meanwhile.told()
        ));
        self.arrived.push(arrived / best);
        self.of_arrived.push(outcome.rate() / best);
        ensure!(outcome.refused > 0, "nothing was refused: this was no overload");
        self.of_refused.append(outcome.refusals);
        until_taken(recap, &usual.traffic).await.map(drop)
    }

    fn show(mut self, findings: &mut Findings) {
        let what = format!("posts stored with {TIMES} times as many writers, to the best");
        findings.row(Row::at_least('l', what, Figure(median(&self.goodput), Unit::Ratio), 0.9, 0.9));
        let best = Figure(median(&self.best), Unit::PerSecond);
        findings.row(Row::plain('l', format!("the best, {WRITERS} writers"), best));
        findings.row(Row::at_most('l', "a refusal, p99", Figure(self.refusals.percentile(0.99), Unit::Millis), 10.0));
        findings.row(Row::plain('l', "a read meanwhile, p99", Figure(self.reads.percentile(0.99), Unit::Millis)));
        let recovery = Figure(median(&self.recovery), Unit::Millis);
        findings.row(Row::at_most('l', "from its end to a post that is taken", recovery, 5e3));
        let after = Figure(median(&self.after), Unit::Ratio);
        findings.row(Row::at_least('l', "posts after it, to the best before", after, 0.9, 0.9));
        findings.row(Row::plain('l', "refused of these writers", Figure(self.refusals.count() as f64, Unit::Count)));
        let what = format!("posts that came of {TIMES} times the best due on {ARRIVING} connections, to the best");
        findings.row(Row::plain('l', what, Figure(median(&self.arrived), Unit::Ratio)));
        findings.row(Row::plain('l', "those stored, to the best", Figure(median(&self.of_arrived), Unit::Ratio)));
        let refusal = Figure(self.of_refused.percentile(0.99), Unit::Millis);
        findings.row(Row::plain('l', "a refusal of those, p99", refusal));
        findings.note(format!("(l) refusals: {} of them, {}", self.refusals.count(), self.refusals.told()));
        findings.note(format!(
            "(l) reads meanwhile, none refused: {} of them, {}",
            self.reads.count(),
            self.reads.told()
        ));
    }
}

/// How long it takes until a post is taken.
async fn until_taken(recap: &Recap, traffic: &Traffic) -> Result<Duration> {
    let begin = Instant::now();
    let mut connection = Connection::open(recap.address()).await?;
    loop {
        let reply =
            tokio::time::timeout(LIMIT, connection.send(traffic.request(0))).await.context("a post hangs")??;
        if reply.status == 200 {
            return Ok(begin.elapsed());
        }
        ensure!(begin.elapsed() < LIMIT, "it does not recover: {} {}", reply.status, reply.text());
    }
}
