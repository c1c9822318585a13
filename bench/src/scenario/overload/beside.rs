//! A load with one reader beside it. Law: no read may be refused, and the generator's own share of the machine is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::LIMIT;
use crate::footprint;
use crate::load::{Connection, Latencies, Load, Outcome, traffic};
use crate::recap::Recap;

/// What went on beside a load.
pub(super) struct Beside {
    pub(super) reads: Latencies,
    /// Of all processors, what the generator took.
    generator: Option<f64>,
}

impl Beside {
    pub(super) fn told(&mut self) -> String {
        let generator = self.generator.map_or("unknown".to_owned(), |share| format!("{:.0}%", share * 100.0));
        format!(
            "{} of them, {}; the generator took {generator} of all processors",
            self.reads.count(),
            self.reads.told()
        )
    }
}

/// A load with one reader beside it.
pub(super) async fn measured(recap: &mut Recap, load: &Load) -> Result<(Outcome, Beside)> {
    let reading = Reading::start(recap);
    let (begin, before) = (Instant::now(), footprint::cpu(std::process::id()));
    let outcome = recap.run(load).await?;
    let (took, after) = (begin.elapsed(), footprint::cpu(std::process::id()));
    let reads = reading.stop().await?;
    let processors = std::thread::available_parallelism()?.get() as f64;
    let share = |before, after: Duration| after.saturating_sub(before).as_secs_f64() / took.as_secs_f64() / processors;
    let generator = before.zip(after).map(|(before, after)| share(before, after));
    Ok((outcome, Beside { reads, generator }))
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
