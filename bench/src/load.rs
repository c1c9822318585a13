//! Load on a server: many connections on few threads, each thread with a runtime of its own.
//!
//! - [`connection`]: one connection
//! - [`listener`]: one listener on a socket
//! - [`traffic`]: what is sent
//! - [`latencies`]: how long it took
//!
//! Law: a connection waits for its reply before it sends again, and all of it ends in time.

pub(crate) mod connection;
pub(crate) mod latencies;
pub(crate) mod listener;
pub(crate) mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub(crate) use connection::Connection;
pub(crate) use latencies::{Latencies, median};
pub(crate) use traffic::Traffic;

/// The last replies may come so much later than the end.
const GRACE: Duration = Duration::from_mins(1);
/// How long a connection rests after a reply that is no success, unless there is a rate.
pub(crate) const REST: Duration = Duration::from_millis(10);

/// When load ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// After a warm-up that is not counted and a time that is.
    After { warm_up: Duration, counted: Duration },
    /// After this many messages, but in this time.
    Messages { messages: u64, within: Duration },
}

/// Load to be put on a server.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: String,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) end: End,
    /// Requests a second over all connections, whatever is answered; without one, each goes as fast as it is answered.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Requests answered 200, in all.
    pub(crate) answered: u64,
    /// Requests answered 200 in the counted time.
    pub(crate) counted: u64,
    /// Seconds of the counted time.
    pub(crate) seconds: f64,
    /// Requests answered otherwise, with the first such answer.
    pub(crate) refused: u64,
    pub(crate) refusal: Option<String>,
    /// How long those took in the counted time, from when they were sent.
    pub(crate) refusals: Latencies,
    /// Of the counted requests; with a rate, from the moment that the request was due.
    pub(crate) latencies: Latencies,
}

impl Outcome {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.counted as f64 / self.seconds
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.counted += other.counted;
        self.refused += other.refused;
        self.refusal = self.refusal.take().or(other.refusal);
        self.refusals.append(other.refusals);
        self.latencies.append(other.latencies);
    }
}

/// What all connections of a load look at.
struct Shared {
    load: Load,
    begin: Instant,
    count_from: Instant,
    until: Instant,
    /// Messages that are sent or being sent.
    claimed: AtomicU64,
}

impl Load {
    /// Puts the load on the server and waits for its end.
    pub(crate) async fn run(&self) -> Result<Outcome> {
        let begin = Instant::now();
        let (count_from, until) = match self.end {
            End::After { warm_up, counted } => (begin + warm_up, begin + warm_up + counted),
            End::Messages { within, .. } => (begin, begin + within),
        };
        let shared = Arc::new(Shared { load: self.clone(), begin, count_from, until, claimed: AtomicU64::new(0) });
        let mut threads = Vec::new();
        for thread in 0..self.threads.clamp(1, self.connections) {
            let shared = Arc::clone(&shared);
            let (done, outcome) = oneshot::channel();
            std::thread::Builder::new().name(format!("load-{thread}")).spawn(move || {
                // The receiver is gone only if the whole run was given up.
                let _ = done.send(run_thread(&shared, thread));
            })?;
            threads.push(outcome);
        }
        let mut outcome = Outcome::default();
        for thread in threads {
            outcome.add(thread.await.context("a load thread panicked")??);
        }
        outcome.seconds = match self.end {
            End::After { counted, .. } => counted.as_secs_f64(),
            End::Messages { .. } => begin.elapsed().as_secs_f64(),
        };
        if let (End::Messages { messages, within }, Some(refusal)) = (self.end, &outcome.refusal)
            && outcome.answered * self.traffic.messages < messages
        {
            bail!("not all messages were posted in {within:?}; refused: {refusal}");
        }
        Ok(outcome)
    }
}

fn run_thread(shared: &Arc<Shared>, thread: usize) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connections = JoinSet::new();
        let threads = shared.load.threads.clamp(1, shared.load.connections);
        for place in (thread..shared.load.connections).step_by(threads) {
            connections.spawn(drive(Arc::clone(shared), place));
        }
        let mut outcome = Outcome::default();
        let all = async {
            while let Some(one) = connections.join_next().await {
                outcome.add(one??);
            }
            anyhow::Ok(())
        };
        let limit = shared.until + GRACE;
        tokio::time::timeout_at(limit.into(), all).await.context("replies did not come in time")??;
        Ok(outcome)
    })
}

/// One connection until the end.
async fn drive(shared: Arc<Shared>, place: usize) -> Result<Outcome> {
    let load = &shared.load;
    let mut connection = Connection::open(&load.address).await?;
    let mut outcome = Outcome::default();
    let first = load.traffic.len() * place / load.connections;
    for (next, sent) in (first..).zip(0_u64..) {
        let due = match load.rate {
            Some(rate) => shared.wait_until_due(sent, place, rate).await,
            None => Instant::now(),
        };
        if due >= shared.until || shared.claimed_all() {
            break;
        }
        let sent_at = Instant::now();
        let reply = connection.send(load.traffic.request(next)).await?;
        let now = Instant::now();
        if reply.status != 200 {
            outcome.refused += 1;
            if now >= shared.count_from && now < shared.until {
                outcome.refusals.add(now - sent_at);
            }
            outcome.refusal.get_or_insert_with(|| format!("{} {}", reply.status, reply.text()));
            shared.give_back();
            if load.rate.is_none() {
                tokio::time::sleep(REST).await;
            }
            continue;
        }
        outcome.answered += 1;
        if now >= shared.count_from && now < shared.until {
            outcome.counted += 1;
            outcome.latencies.add(now - due);
        }
    }
    Ok(outcome)
}

impl Shared {
    /// Sends are spread evenly over the connections and the time.
    async fn wait_until_due(&self, sent: u64, place: usize, rate: f64) -> Instant {
        let place_in_all = sent as f64 * self.load.connections as f64 + place as f64;
        let due = self.begin + Duration::from_secs_f64(place_in_all / rate);
        tokio::time::sleep_until(due.into()).await;
        due
    }

    /// Takes the messages of one more request, unless all are taken.
    fn claimed_all(&self) -> bool {
        let End::Messages { messages, .. } = self.load.end else { return false };
        let each = self.load.traffic.messages;
        let claim = |claimed: u64| (claimed < messages).then_some(claimed + each);
        self.claimed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).is_err()
    }

    /// The messages of a refused request are to be sent again.
    fn give_back(&self) {
        if let End::Messages { .. } = self.load.end {
            self.claimed.fetch_sub(self.load.traffic.messages, Ordering::Relaxed);
        }
    }
}
