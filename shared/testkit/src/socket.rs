//! The WebSocket interface as frames. Law: every wait has a limit.

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::wait;

/// A listener.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A JSON text frame.
    Json(Value),
    /// The close frame: code and reason.
    Closed(u16, String),
    /// The connection ended without a close frame.
    Gone,
}

impl Socket {
    /// Connects to `/ws/summarize` with a query such as `conversation_id=c`, which may be empty.
    pub async fn connect(address: &str, query: &str) -> Result<Self> {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("ws://{address}/ws/summarize{mark}{query}");
        let (stream, _) = tokio::time::timeout(wait::LIMIT, connect_async(url)).await??;
        Ok(Self { stream })
    }

    /// Connects as soon as somebody answers, as a client does whose server went.
    pub async fn reconnect(address: &str, query: &str) -> Result<Self> {
        wait::until("a socket", || async { Ok(Self::connect(address, query).await.ok()) }).await
    }

    /// The same with one more header; an error tells the status of a refusal.
    pub async fn with_header(address: &str, query: &str, name: &'static str, value: &str) -> Result<Self> {
        let mut request = format!("ws://{address}/ws/summarize?{query}").into_client_request()?;
        request.headers_mut().insert(name, value.parse()?);
        let (stream, _) = tokio::time::timeout(wait::LIMIT, connect_async(request)).await??;
        Ok(Self { stream })
    }

    /// Sends a frame.
    pub async fn send(&mut self, message: Message) -> Result<()> {
        Ok(tokio::time::timeout(wait::LIMIT, self.stream.send(message)).await??)
    }

    /// Sends a text frame.
    pub async fn text(&mut self, text: &str) -> Result<()> {
        self.send(Message::text(text)).await
    }

    /// The next frame; pings and pongs are passed over, and do not prolong the wait.
    pub async fn next(&mut self) -> Result<Frame> {
        let until = tokio::time::Instant::now() + wait::LIMIT;
        loop {
            let next = tokio::time::timeout_at(until, self.stream.next()).await.context("no frame came")?;
            match next {
                Some(Ok(Message::Text(text))) => return Ok(Frame::Json(serde_json::from_str(&text)?)),
                Some(Ok(Message::Close(Some(close)))) => {
                    return Ok(Frame::Closed(close.code.into(), close.reason.to_string()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Binary(_))) => bail!("a binary frame came"),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Ok(Frame::Gone),
            }
        }
    }

    /// Frames until one of this type comes, which is given.
    pub async fn until(&mut self, kind: &str) -> Result<Value> {
        self.until_that(kind, |_| true).await
    }

    /// Frames until one of this type passes the test.
    pub async fn until_that(&mut self, kind: &str, test: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = tokio::time::Instant::now() + wait::LIMIT;
        loop {
            let next = tokio::time::timeout_at(until, self.next()).await;
            match next.with_context(|| format!("waited in vain for {kind}"))?? {
                Frame::Json(frame) if frame["type"] == kind && test(&frame) => return Ok(frame),
                Frame::Json(_) => {}
                other => bail!("waited for {kind}, got {other:?}"),
            }
        }
    }

    /// Summaries until one covers `last_seq`; versions must ascend.
    pub async fn until_covered(&mut self, last_seq: u64) -> Result<Value> {
        let mut version = 0;
        loop {
            let summary = self.until("summary").await?;
            let next = summary["version"].as_u64().context("no version")?;
            ensure!(next > version, "version {next} came after {version}");
            version = next;
            if summary["covers"]["last_seq"].as_u64() >= Some(last_seq) {
                return Ok(summary);
            }
        }
    }

    /// The close frame; other frames before it are passed over.
    pub async fn closed(&mut self) -> Result<(u16, String)> {
        loop {
            match self.next().await? {
                Frame::Closed(code, reason) => return Ok((code, reason)),
                Frame::Gone => bail!("the connection ended without a close frame"),
                Frame::Json(_) => {}
            }
        }
    }
}
