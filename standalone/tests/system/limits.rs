//! Every limit that a client can reach, one after the other, each with a server of its own: what is at the limit passes,
//! one more is refused as documented, says when to come back where that helps, and is counted under the limit's name.
//!
//! A limit that is added fails to compile here until somebody says how it is reached.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use shared_service::limits::Limit;
use shared_testkit::client::{Answer, Client};
use shared_testkit::process::Launch;
use shared_testkit::process::backend::free_port;
use shared_testkit::scenarios::wire::exchange;
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::Recap;
use crate::keys::keys;

/// Longer than any answer takes.
const QUIET: Duration = Duration::from_secs(20);
const CHAT: &str = "conversation_id=c";
/// The most bytes in this test, where they are counted.
const HEAD: usize = 8 * 1024;
const BODY: usize = 1000;
const MESSAGE: usize = 64 * 1024;

fn setting(limit: Limit) -> (&'static str, &'static str) {
    match limit {
        Limit::RequestsPerKey => ("RATE_LIMIT_KEY", "2"),
        Limit::RequestsPerAddress => ("RATE_LIMIT_ANONYMOUS", "2"),
        Limit::Reads => ("MAX_IN_FLIGHT", "1"),
        Limit::Writes => ("MAX_IN_FLIGHT", "4"),
        Limit::Summaries => ("MAX_IN_FLIGHT", "2"),
        Limit::BodyBytes => ("MAX_BODY_BYTES", "1000"),
        Limit::BodyTime => ("BODY_TIMEOUT", "300ms"),
        Limit::Head => ("MAX_HEADER_BYTES", "8192"),
        Limit::HeadTime => ("HEADER_TIMEOUT", "300ms"),
        Limit::Connections => ("MAX_CONNECTIONS", "2"),
        Limit::ConnectionsPerAddress => ("MAX_CONNECTIONS_PER_ADDRESS", "2"),
        Limit::Sockets => ("MAX_SOCKETS", "1"),
        Limit::SocketsPerKey => ("MAX_SOCKETS_PER_KEY", "1"),
        Limit::SocketsPerAddress => ("MAX_SOCKETS_PER_ADDRESS", "1"),
        Limit::SocketsPerConversation => ("MAX_SOCKETS_PER_CONVERSATION", "1"),
        // Its size is the contract's.
        Limit::FrameBytes => ("LOG_LEVEL", "warn"),
        Limit::Frames => ("SOCKET_FRAMES", "20"),
        Limit::FirstFrameTime => ("SOCKET_FIRST_FRAME", "300ms"),
        Limit::Queue => ("APPEND_QUEUE_BYTES", "1"),
        Limit::MessagesPerConversation => ("MAX_MESSAGES_PER_CONVERSATION", "2"),
        Limit::MessagesPerTenant => ("MAX_MESSAGES_PER_TENANT", "2"),
    }
}

/// Goes to the limit and one further; how often that was refused.
async fn pass(limit: Limit, recap: &Recap) -> Result<u64> {
    let (client, address) = (&recap.client, recap.server.address());
    match limit {
        Limit::RequestsPerKey => two_requests(&client.with_key(key(recap).await?.trim())).await,
        Limit::RequestsPerAddress => two_requests(client).await,
        Limit::Reads => beside_posts(recap, 1, async || client.get("/chats").await).await,
        Limit::Writes => beside_posts(recap, 3, async || post(client, "c").await).await,
        Limit::Summaries => {
            let ask = json!({ "conversation_id": "held" });
            post(client, "held").await?;
            beside_posts(recap, 1, async || client.post("/chats/summarize", &ask).await).await
        }
        Limit::BodyBytes => {
            raw(address, &posted(BODY, BODY), 200, "success").await?;
            raw(address, &posted(BODY + 1, BODY + 1), 413, "payload_too_large").await
        }
        Limit::BodyTime => raw(address, &posted(BODY, 10), 504, "timeout").await,
        Limit::Head => {
            raw(address, &head(HEAD), 200, "").await?;
            raw(address, &head(HEAD + 1), 413, "payload_too_large").await
        }
        Limit::HeadTime => raw(address, "GET /chats HTTP/1.1\r\nhost:", 504, "timeout").await,
        Limit::Connections => third_connection(address, 503, "overloaded").await,
        Limit::ConnectionsPerAddress => third_connection(address, 429, "rate_limited").await,
        Limit::Sockets => second_upgrade(address, "", 503).await,
        Limit::SocketsPerKey => second_upgrade(address, key(recap).await?.trim(), 429).await,
        Limit::SocketsPerAddress => second_upgrade(address, "", 429).await,
        Limit::SocketsPerConversation => {
            post(client, "c").await?;
            let mut held = Socket::connect(address, CHAT).await?;
            held.until("insights").await?;
            closed(&mut Socket::connect(address, CHAT).await?, "overloaded", 1013).await
        }
        Limit::FrameBytes => {
            post(client, "c").await?;
            let first = r#"{"conversation_id":"c"}"#;
            let frame = |bytes: usize| first.to_owned() + &" ".repeat(bytes - first.len());
            let (mut largest, mut larger) = (Socket::connect(address, "").await?, Socket::connect(address, "").await?);
            largest.text(&frame(MESSAGE)).await?;
            largest.until("insights").await?;
            larger.text(&frame(MESSAGE + 1)).await?;
            closed(&mut larger, "payload_too_large", 1008).await
        }
        Limit::Frames => {
            post(client, "c").await?;
            let (mut calm, mut flood) = (Socket::connect(address, CHAT).await?, Socket::connect(address, CHAT).await?);
            for _ in 0..20 {
                calm.send(Message::Ping(Vec::new().into())).await?;
            }
            calm.until("insights").await?;
            // More than could be spread over seconds; once the server closes, sending fails.
            for _ in 0..10_000 {
                if flood.send(Message::Ping(Vec::new().into())).await.is_err() {
                    break;
                }
            }
            closed(&mut flood, "rate_limited", 1013).await
        }
        Limit::FirstFrameTime => closed(&mut Socket::connect(address, "").await?, "timeout", 1008).await,
        Limit::Queue => {
            post(client, "c").await?;
            wait::until("a full lane", async || {
                // One request always fits, so it takes some that come while it is being stored.
                let answers = try_join_all((0..32).map(|_| post(client, "c"))).await?;
                let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
                refused.iter().try_for_each(|answer| told(answer, 503, "overloaded"))?;
                Ok((!refused.is_empty()).then_some(refused.len() as u64))
            })
            .await
        }
        Limit::MessagesPerConversation => {
            two_posts(client, "c").await?;
            told(&post(client, "d").await?, 200, "")?;
            Ok(1)
        }
        Limit::MessagesPerTenant => two_posts(client, "d").await,
    }
}

async fn key(recap: &Recap) -> Result<String> {
    keys(recap, &["create", "--tenant", "acme", "--scopes", "write,read"]).await
}

async fn post(client: &Client, conversation: &str) -> Result<Answer> {
    let body = json!({ "conversation_id": conversation, "user_id": "u", "messages": [{ "content": "x" }] });
    client.post("/chats", &body).await
}

/// An answer with this status and, unless that is empty, this code; with `Retry-After` where waiting helps.
fn told(answer: &Answer, status: u16, code: &str) -> Result<()> {
    ensure!(answer.status == status, "{answer:?}");
    if !code.is_empty() {
        ensure!(answer.code()? == code, "{answer:?}");
    }
    ensure!(answer.headers.contains_key("retry-after") == [429, 503].contains(&status), "{answer:?}");
    Ok(())
}

async fn two_requests(client: &Client) -> Result<u64> {
    for _ in 0..2 {
        told(&client.get("/chats").await?, 200, "")?;
    }
    told(&client.get("/chats").await?, 429, "rate_limited")?;
    Ok(1)
}

async fn two_posts(client: &Client, last: &str) -> Result<u64> {
    told(&post(client, "c").await?, 200, "")?;
    told(&post(client, last).await?, 200, "")?;
    told(&post(client, last).await?, 403, "quota_exceeded")?;
    Ok(1)
}

/// Posts that hold their places until their bodies come, one more request that finds none, and the end of them all.
async fn beside_posts(recap: &Recap, posts: usize, more: impl AsyncFn() -> Result<Answer>) -> Result<u64> {
    told(&more().await?, 200, "")?;
    let request = posted(BODY, BODY).replacen("\r\n", "\r\nexpect: 100-continue\r\n", 1);
    let (head, body) = request.split_once("\r\n\r\n").context("no body")?;
    let mut waiting = Vec::new();
    for _ in 0..posts {
        let mut stream = TcpStream::connect(recap.server.address()).await?;
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await?;
        // Whose body is waited for has its place.
        begins(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await?;
        waiting.push(stream);
    }
    told(&more().await?, 503, "overloaded")?;
    for mut stream in waiting {
        stream.write_all(body.as_bytes()).await?;
        begins(&mut stream, "HTTP/1.1 200 OK").await?;
    }
    told(&more().await?, 200, "")?;
    Ok(1)
}

/// Reads as many bytes as these, and they are these.
async fn begins(stream: &mut TcpStream, wanted: &str) -> Result<()> {
    let mut answer = vec![0; wanted.len()];
    tokio::time::timeout(QUIET, stream.read_exact(&mut answer)).await??;
    ensure!(answer == wanted.as_bytes(), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// A post that promises so many bytes of body, and the first of them.
fn posted(bytes: usize, sent: usize) -> String {
    let body = r#"{"conversation_id":"c","user_id":"u","messages":[{"content":"x"}]}"#;
    let body: String = format!("{body:bytes$}").chars().take(sent).collect();
    format!(
        "POST /chats HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {bytes}\r\n\r\n{body}"
    )
}

/// A request whose head has so many bytes.
fn head(bytes: usize) -> String {
    let (begin, end) = ("GET /chats HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-big: ", "\r\n\r\n");
    format!("{begin}{}{end}", "x".repeat(bytes - begin.len() - end.len()))
}

async fn raw(address: &str, request: &str, status: u16, text: &str) -> Result<u64> {
    let answer = exchange(address, request.as_bytes(), QUIET).await?;
    ensure!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(text), "{answer}");
    ensure!(answer.contains("\r\nretry-after: ") == [429, 503].contains(&status), "{answer}");
    Ok(1)
}

async fn third_connection(address: &str, status: u16, code: &str) -> Result<u64> {
    let request = "GET /chats HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        begins(&mut stream, "HTTP/1.1 200 OK").await?;
        held.push(stream);
    }
    raw(address, request, status, code).await
}

async fn second_upgrade(address: &str, key: &str, status: u16) -> Result<u64> {
    let name = if key.is_empty() { "x-nothing" } else { "x-api-key" };
    let _held = Socket::with_header(address, CHAT, name, key).await?;
    let refused = Socket::with_header(address, CHAT, name, key).await.err().context("a second was let in")?;
    ensure!(refused.to_string().contains(&status.to_string()), "{refused}");
    Ok(1)
}

/// An `error` frame with this code, then the close with this one.
async fn closed(socket: &mut Socket, code: &str, close: u16) -> Result<u64> {
    let error: Value = socket.until("error").await?;
    ensure!(error["detail"]["code"] == code, "{error}");
    match socket.next().await? {
        Frame::Closed(with, _) if with == close => Ok(1),
        other => bail!("no close with {close} but {other:?}"),
    }
}

/// How often a limit was reached, as operators see it.
async fn counted(operators: &Client, limit: Limit) -> Result<u64> {
    let metrics = operators.get("/metrics").await?.text;
    let series = format!("recap_limit_refusals_total{{limit=\"{}\"}} ", limit.as_str());
    Ok(metrics.lines().find_map(|line| line.strip_prefix(&series)).context("no metric")?.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_at_a_limit_passes_and_one_more_is_refused_and_counted() -> Result<()> {
    for limit in Limit::ALL {
        let operators = format!("127.0.0.1:{}", free_port()?);
        let (name, value) = setting(*limit);
        let launch = |launch: Launch| launch.env("ADMIN_ADDR", &operators).env("APPEND_LANES", "1").env(name, value);
        let recap = Recap::with(launch).await.with_context(|| limit.as_str())?;
        let operators = Client::new(&operators)?;
        ensure!(counted(&operators, *limit).await? == 0);
        // Its sockets make it large.
        let refused = Box::pin(pass(*limit, &recap)).await.with_context(|| limit.as_str())?;
        wait::until("the count", async || Ok((counted(&operators, *limit).await? == refused).then_some(())))
            .await
            .with_context(|| limit.as_str())?;
        for other in Limit::ALL.iter().filter(|other| *other != limit) {
            ensure!(counted(&operators, *other).await? == 0, "{limit:?} was counted as {other:?}");
        }
    }
    Ok(())
}
