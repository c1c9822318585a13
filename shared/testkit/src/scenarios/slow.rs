//! Clients that take for ever, many at once. Law: they cost the others nothing but their share of the machine, and who
//! does not move is sent away.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::process::Launch;
use crate::wait;

/// Between two bytes of a slow client. It is what makes them slow; nothing waits for it.
const PACE: Duration = Duration::from_millis(250);
/// Normal clients at work.
const WORKERS: usize = 4;
/// Room for what a client has not read yet: as little as the system allows.
const WINDOW: u32 = 4 * 1024;
/// Pages that are asked for at once and not read.
const PAGES: usize = 20;
/// Slow clients that begin at the same time: all of them are there at once, but a crowd at the door is another test.
const BEGINNING: usize = 16;

/// Short limits, so that the slow are sent away while somebody watches.
pub const SETTINGS: [(&str, &str); 3] = [("HEADER_TIMEOUT", "12s"), ("BODY_TIMEOUT", "12s"), ("IDLE_TIMEOUT", "12s")];

/// The same for a server.
#[must_use]
pub fn settings(launch: Launch) -> Launch {
    SETTINGS.into_iter().fold(launch, |launch, (name, value)| launch.env(name, value))
}

/// A way to be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The head comes byte by byte.
    Head,
    /// The body comes byte by byte.
    Body,
    /// The answer is read a little at a time.
    Reader,
    /// The answer is not read.
    ZeroWindow,
}

impl Kind {
    /// Of the slow client of this number. Few ask for pages: what the system buffers of them is megabytes for each.
    const fn of(number: usize) -> Self {
        match number % 40 {
            0 => Self::Reader,
            1 => Self::ZeroWindow,
            even if even % 2 == 0 => Self::Head,
            _ => Self::Body,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Told {
    /// Slow clients, all at once.
    pub slow: usize,
    /// Those that were sent away, by kind: head, body, reader, zero window.
    pub sent_away: [usize; 4],
    /// Requests of normal clients, all answered, before and meanwhile.
    pub answered: [usize; 2],
    /// The 99th percentile of their times, before and meanwhile.
    pub p99: [Duration; 2],
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slow, sent_away: [head, body, reader, zero], answered, p99 } = self;
        write!(
            f,
            "{slow} slow clients at once; sent away: {head} slow heads, {body} slow bodies, {zero} zero windows, \
             {reader} readers that went on reading; normal requests answered: {} before, {} meanwhile; \
             p99 {:.1} ms before, {:.1} ms meanwhile",
            answered[0],
            answered[1],
            p99[0].as_secs_f64() * 1e3,
            p99[1].as_secs_f64() * 1e3
        )
    }
}

/// So many slow clients, of all kinds, while normal ones go on. `pid` is the server's process; `rounds` is how often each
/// normal client posts and reads before, and twice as often meanwhile.
pub async fn slow_clients_disturb_nobody(
    client: &Client,
    address: &str,
    pid: u32,
    slow: usize,
    rounds: usize,
) -> Result<Told> {
    let text = "A line of a long conversation. ".repeat(60);
    client.say("slow", &vec![("u", text.as_str()); 100]).await?;
    let (before, before_p99) = work(client, rounds).await?;
    let at_rest = sockets(pid)?;
    let (connected, door) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(BEGINNING)));
    let (over, ended) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for (number, kind) in (0..).zip((0..slow).map(Kind::of)) {
        // Strangers do not send their bytes in step.
        let pause = PACE.mul_f64(f64::from(number) / slow as f64);
        let (address, connected, over) = (address.to_owned(), Arc::clone(&connected), over.clone());
        let (door, ended) = (Arc::clone(&door), Arc::clone(&ended));
        clients.spawn(async move {
            let beginning = door.acquire().await?;
            let stream = begin(kind, &address).await?;
            drop(beginning);
            connected.fetch_add(1, Ordering::Relaxed);
            let away = be_slow(kind, stream, pause, &over).await;
            ended.fetch_add(1, Ordering::Relaxed);
            anyhow::Ok((kind, away))
        });
    }
    wait::until("all slow clients", async || Ok((connected.load(Ordering::Relaxed) == slow).then_some(()))).await?;
    let (meanwhile, meanwhile_p99) = work(client, rounds * 2).await?;
    // Those that read go on; a server has a socket for each of them and for nobody else.
    let reading = (0..slow).map(Kind::of).filter(|kind| *kind == Kind::Reader).count();
    wait::until("the end of those that do not move", async || {
        Ok((sockets(pid)? <= at_rest + reading + WORKERS).then_some(()))
    })
    .await?;
    // Who sends sees the end with his next byte.
    let sending = (0..slow).map(Kind::of).filter(|kind| matches!(kind, Kind::Head | Kind::Body)).count();
    wait::until("the slow to see it", async || Ok((ended.load(Ordering::Relaxed) >= sending).then_some(()))).await?;
    over.cancel();
    let mut sent_away = [0; 4];
    while let Some(ended) = clients.join_next().await {
        let (kind, away) = ended??;
        sent_away[kind as usize] += usize::from(away);
    }
    work(client, 10).await?;
    Ok(Told { slow, sent_away, answered: [before, meanwhile], p99: [before_p99, meanwhile_p99] })
}

/// How many sockets a process has open.
fn sockets(pid: u32) -> Result<usize> {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"))?;
    let is_socket = |file: &std::fs::DirEntry| {
        std::fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    Ok(files.filter_map(Result::ok).filter(is_socket).count())
}

/// Posts and reads, each answered well; how many, and the 99th percentile of their times.
async fn work(client: &Client, rounds: usize) -> Result<(usize, Duration)> {
    let worker = |worker: usize| async move {
        let mut times = Vec::new();
        for round in 0..rounds {
            let name = format!("slow-{worker}-{}", round % 4);
            let begun = Instant::now();
            client.say(&name, &[("u", "as always")]).await?;
            times.push(begun.elapsed());
            let begun = Instant::now();
            let page = client.get(&format!("/chats/{name}")).await?.ok()?;
            ensure!(page["total_messages"].as_u64() > Some(0), "{page}");
            times.push(begun.elapsed());
        }
        Ok(times)
    };
    let mut times: Vec<Duration> =
        futures_util::future::try_join_all((0..WORKERS).map(worker)).await?.into_iter().flatten().collect();
    times.sort_unstable();
    let p99 = times[(times.len() * 99 / 100).min(times.len() - 1)];
    Ok((times.len(), p99))
}

/// Connects, and says what it says at once; who asks for pages waits for the first bytes of them.
async fn begin(kind: Kind, address: &str) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let mut stream = socket.connect(address.parse()?).await?;
    let begin = match kind {
        Kind::Head => "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned(),
        Kind::Body => {
            "POST /chats HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n"
                .to_owned()
        }
        Kind::Reader | Kind::ZeroWindow => "GET /chats/slow?limit=100 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(PAGES),
    };
    stream.write_all(begin.as_bytes()).await?;
    if matches!(kind, Kind::Reader | Kind::ZeroWindow) {
        stream.readable().await?;
    }
    Ok(stream)
}

/// Is slow until the server ends it, or all is over; whether the server did.
async fn be_slow(kind: Kind, mut stream: TcpStream, pause: Duration, over: &CancellationToken) -> bool {
    let ended = over.run_until_cancelled(until_sent_away(kind, &mut stream, pause)).await;
    // Who does not read cannot see the end: what was on its way stands before it.
    ended.is_some() || kind == Kind::ZeroWindow
}

async fn until_sent_away(kind: Kind, stream: &mut TcpStream, pause: Duration) {
    let mut pace = tokio::time::interval_at(tokio::time::Instant::now() + pause, PACE);
    let mut buffer = [0; 1024];
    loop {
        pace.tick().await;
        let gone = match kind {
            Kind::Head | Kind::Body => stream.write_all(b" ").await.is_err() || has_ended(stream),
            Kind::Reader => matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)),
            Kind::ZeroWindow => false,
        };
        if gone {
            return;
        }
    }
}

/// Whether the other side has said its last word; what it said is read.
fn has_ended(stream: &TcpStream) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}
