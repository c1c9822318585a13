//! (f) One update to thousands of sockets.
//!
//! Law: every socket must get every update; the time begins when the post that makes it due is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use super::Findings;
use super::pages::rest;
use crate::load::listener::Listener;
use crate::load::{Connection, Latencies, Traffic};
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

const SOCKETS: usize = 5000;
/// Messages after which a summary is due at once: the server's default.
const EVERY: usize = 20;
/// Handshakes at the same time.
const OPENING: usize = 64;
/// How long all frames of an update may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Between updates, so that insights (at most one a second) do not come due together with them by chance alone.
const PAUSE: Duration = Duration::from_millis(1500);

/// When each socket got the update that is waited for.
type Arrived = Arc<Mutex<Vec<Instant>>>;

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let recap = bench.recap(&[("SUMMARY_MIN_INTERVAL", "0")]).await?;
    let sockets = bench.options.or_quick(SOCKETS, 50);
    let traffic = Traffic::posts("sockets", 1, EVERY, 20);
    let mut connection = Connection::open(recap.address()).await?;
    rest(&recap).await?;
    let before = recap.memory()?;
    let arrived = Arrived::default();
    let mut tasks = listen(recap.address(), sockets, &arrived).await?;
    rest(&recap).await?;
    let connected = recap.memory()?;
    let (mut all, mut spread) = (Latencies::default(), Latencies::default());
    for update in 0..bench.options.or_quick(10, 1) {
        let one = one_update(&mut connection, traffic.request(update), sockets, &arrived, &mut all);
        tokio::select! {
            took = one => spread.add(took?),
            Some(ended) = tasks.join_next() => ended??,
        }
        tokio::time::sleep(PAUSE).await;
    }
    let after = recap.memory()?;
    let what = format!("post to summary frame on {sockets} sockets, p99");
    findings.row(Row::at_most('f', what, Figure(all.percentile(0.99), Unit::Millis), 100.0));
    let what = "from the first to the last of these frames, median update";
    findings.row(Row::plain('f', what, Figure(spread.percentile(0.5), Unit::Millis)));
    if let (Some(before), Some(connected), Some(after)) = (before, connected, after) {
        let each = |now: u64| Figure(now.saturating_sub(before.now) as f64 / sockets as f64, Unit::Bytes);
        findings.row(Row::at_most('f', "RSS of a socket, connected", each(connected.now), 16.0 * 1024.0));
        findings.row(Row::at_most('f', "RSS of a socket, after the updates", each(after.now), 16.0 * 1024.0));
    }
    findings.note(format!("(f) frames of all updates: {}", all.told()));
    findings.note(format!("(f) first to last frame of an update: {}", spread.told()));
    findings.peak(&format!("{sockets} sockets"), &recap)?;
    tasks.shutdown().await;
    recap.stop().await?;
    Ok(())
}

/// Opens all sockets; each then notes when summaries come.
async fn listen(address: &str, sockets: usize, arrived: &Arrived) -> Result<JoinSet<Result<()>>> {
    let mut listeners = Vec::with_capacity(sockets);
    while listeners.len() < sockets {
        let mut opening = JoinSet::new();
        for _ in 0..OPENING.min(sockets - listeners.len()) {
            let address = address.to_owned();
            opening.spawn(async move { Listener::open(&address, "sockets-0").await });
        }
        while let Some(listener) = opening.join_next().await {
            listeners.push(listener?.context("are enough open files allowed? see `ulimit -n`")?);
        }
    }
    let mut tasks = JoinSet::new();
    for mut listener in listeners {
        let arrived = Arc::clone(arrived);
        tasks.spawn(async move {
            loop {
                let frame = listener.next().await?;
                if is_summary(frame) {
                    arrived.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                }
            }
        });
    }
    Ok(tasks)
}

/// The type stands at the begin of a frame, or is looked for in all of it.
fn is_summary(frame: &[u8]) -> bool {
    const TYPE: &[u8] = br#""type":"summary""#;
    frame.get(1..=TYPE.len()) == Some(TYPE) || frame.windows(TYPE.len()).any(|part| part == TYPE)
}

/// Makes an update due and waits until all sockets have it. Answers the time from the first frame to the last.
async fn one_update(
    connection: &mut Connection,
    request: &[u8],
    sockets: usize,
    arrived: &Arrived,
    all: &mut Latencies,
) -> Result<Duration> {
    let begin = Instant::now();
    let reply = tokio::time::timeout(LIMIT, connection.send(request)).await??;
    ensure!(reply.status == 200, "{} {}", reply.status, reply.text());
    loop {
        {
            let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
            ensure!(begin.elapsed() < LIMIT, "{} of {sockets} sockets got the update", arrived.len());
            if let (Some(first), Some(last)) = (arrived.first().copied(), arrived.last().copied())
                && arrived.len() >= sockets
            {
                ensure!(arrived.len() == sockets, "sockets got more than one summary of an update");
                for at in arrived.drain(..) {
                    all.add(at - begin);
                }
                return Ok(last - first);
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
