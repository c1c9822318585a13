//! (d) From a post to its summary on a socket, beyond the silence that is waited for.
//!
//! Law: the time begins when the post is sent, and ends when the frame that covers it has been read.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use super::Findings;
use crate::load::listener::Listener;
use crate::load::{Connection, Latencies, Traffic};
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

/// The silence that is configured.
const IDLE: Duration = Duration::from_secs(1);
/// Messages after which a summary is due at once: the server's default.
const EVERY: usize = 20;
/// Conversations at the same time.
const AT_ONCE: usize = 8;
/// How long a frame may take.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let recap = bench.recap(&[("SUMMARY_IDLE", "1s"), ("SUMMARY_MIN_INTERVAL", "0")]).await?;
    let samples = bench.options.or_quick(20, 1);
    let mut silence = measure(recap.address(), "silence", 5, samples, IDLE).await?;
    let mut count = measure(recap.address(), "count", EVERY, samples, Duration::ZERO).await?;
    let figure = |latencies: &mut Latencies| Figure(latencies.percentile(0.5), Unit::Millis);
    let what = "post to summary frame, beyond SUMMARY_IDLE, p50";
    findings.row(Row::at_most('d', what, figure(&mut silence), 50.0));
    findings.row(Row::at_most('d', "post of 20 messages to summary frame, p50", figure(&mut count), 50.0));
    findings.note(format!("(d) after silence: {}", silence.told()));
    findings.note(format!("(d) after 20 messages: {}", count.told()));
    recap.stop().await?;
    Ok(())
}

async fn measure(address: &str, kind: &str, messages: usize, samples: usize, waited: Duration) -> Result<Latencies> {
    let mut tasks = JoinSet::new();
    for lane in 0..AT_ONCE {
        let (address, prefix) = (address.to_owned(), format!("{kind}-{lane}"));
        tasks.spawn(async move {
            let mut latencies = Latencies::default();
            let traffic = Traffic::posts(&prefix, samples, messages, 1);
            let mut connection = Connection::open(&address).await?;
            // Lanes begin apart, so that they do not wait for each other's summaries.
            tokio::time::sleep(Duration::from_millis(37) * u32::try_from(lane)?).await;
            for place in 0..samples {
                let mut listener = Listener::open(&address, &format!("{prefix}-{place}")).await?;
                let one = sample(&mut connection, &mut listener, traffic.request(place), messages);
                let took = tokio::time::timeout(LIMIT, one).await.context("no summary came")??;
                latencies.add(took.saturating_sub(waited));
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = Latencies::default();
    while let Some(latencies) = tasks.join_next().await {
        all.append(latencies??);
    }
    Ok(all)
}

async fn sample(
    connection: &mut Connection,
    listener: &mut Listener,
    request: &[u8],
    messages: usize,
) -> Result<Duration> {
    let begin = Instant::now();
    let reply = connection.send(request).await?;
    ensure!(reply.status == 200, "{} {}", reply.status, reply.text());
    loop {
        let frame = listener.next().await?;
        let read = Instant::now();
        let frame: serde_json::Value = serde_json::from_slice(frame)?;
        if frame["type"] == "summary" && frame["covers"]["last_seq"].as_u64() >= Some(messages as u64) {
            return Ok(read - begin);
        }
    }
}
