//! (l) Five times more than the server takes at once: goodput beside its best, how fast a refusal is, reads meanwhile,
//! and how soon all is as before.
//!
//! Law: the server's capacity is set, and reached by the load without refusals; the overload differs from it by nothing
//! but the number of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Findings, messages_per_second};
use crate::load::{Connection, Latencies, Load, Traffic, median, traffic};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Row, Unit};

/// Places for requests: 48 of them for writes.
const PLACES: &str = "64";
const WRITERS: usize = 48;
const TIMES: usize = 5;
const CONVERSATIONS: usize = 1000;
/// No answer of the server takes longer.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut recap = bench.recap(&[("MAX_IN_FLIGHT", PLACES)]).await?;
    let traffic = Arc::new(Traffic::posts("overload", CONVERSATIONS, 1, 4));
    let with = |connections| Load { connections, ..bench.load(recap.address(), &traffic, bench.round()) };
    let (usual, over) = (with(WRITERS), with(WRITERS * TIMES));
    let (mut best, mut goodput, mut after, mut recovery) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut refused, mut reads) = (Latencies::default(), Latencies::default());
    for _ in 0..bench.options.rounds() {
        let outcome = recap.run(&usual).await?;
        ensure!(outcome.refused == 0, "{WRITERS} writers are too many already: {:?}", outcome.refusal);
        best.push(messages_per_second(&outcome, 1));
        let reading = Reading::start(&recap);
        let outcome = recap.run(&over).await?;
        reads.append(reading.stop().await?);
        ensure!(outcome.refused > 0, "nothing was refused: this was no overload");
        goodput.push(messages_per_second(&outcome, 1));
        refused.append(outcome.refusals);
        recovery.push(until_taken(&recap, &traffic).await?.as_secs_f64() * 1000.0);
        after.push(messages_per_second(&recap.run(&usual).await?, 1));
    }
    let (best, goodput, after) = (median(&best), median(&goodput), median(&after));
    let what = format!("posts stored with {TIMES} times as many writers, to the best");
    findings.row(Row::at_least('l', what, Figure(goodput / best, Unit::Ratio), 0.9, 0.9));
    findings.row(Row::plain('l', format!("the best, {WRITERS} writers"), Figure(best, Unit::PerSecond)));
    findings.row(Row::at_most('l', "a refusal, p99", Figure(refused.percentile(0.99), Unit::Millis), 10.0));
    findings.row(Row::plain('l', "a read meanwhile, p99", Figure(reads.percentile(0.99), Unit::Millis)));
    findings.row(Row::at_most(
        'l',
        "from its end to a post that is taken",
        Figure(median(&recovery), Unit::Millis),
        5e3,
    ));
    findings.row(Row::at_least('l', "posts after it, to the best before", Figure(after / best, Unit::Ratio), 0.9, 0.9));
    findings.note(format!("(l) refusals: {} of them, {}", refused.count(), refused.told()));
    findings.note(format!("(l) reads meanwhile, none refused: {} of them, {}", reads.count(), reads.told()));
    findings.peak("overload", &recap)?;
    recap.stop().await?;
    Ok(())
}

/// One reader that takes no rest.
struct Reading {
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<Latencies>>,
}

impl Reading {
    fn start(recap: &Recap) -> Self {
        let (address, over) = (recap.address().to_owned(), Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&over);
        let task = tokio::spawn(async move {
            let request = traffic::get("/chats/overload-0?limit=10&order=desc");
            let mut connection = Connection::open(&address).await?;
            let mut latencies = Latencies::default();
            while !ended.load(Ordering::Relaxed) {
                let sent = Instant::now();
                let reply = tokio::time::timeout(LIMIT, connection.send(&request)).await.context("a read hangs")??;
                ensure!(reply.status == 200, "a read was refused: {} {}", reply.status, reply.text());
                latencies.add(sent.elapsed());
            }
            Ok(latencies)
        });
        Self { over, task }
    }

    async fn stop(self) -> Result<Latencies> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.context("the reader panicked")?
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
