//! A client that writes and reads raw bytes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::over(timeout(LIMIT, TcpStream::connect(addr)).await.unwrap().unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Over a connection that is there.
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one response with a `Content-Length`, or a 101.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("the connection was closed before an answer")
    }

    /// The next response, or none if the connection ends first.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(place) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break place + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap().to_ascii_lowercase();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the body ended early: {}", answer.head);
        }
        answer.body = self.read.drain(..length).collect();
        Some(answer)
    }

    /// Like [`Self::answer`] for HEAD, where no body follows.
    pub(crate) async fn head_only(&mut self) -> String {
        while !self.read.ends_with(b"\r\n\r\n") {
            assert!(self.more().await);
        }
        String::from_utf8(std::mem::take(&mut self.read)).unwrap().to_ascii_lowercase()
    }

    async fn more(&mut self) -> bool {
        self.read.reserve(16 * 1024);
        let read = timeout(LIMIT, self.stream.read_buf(&mut self.read)).await.expect("nothing came");
        read.is_ok_and(|read| read > 0)
    }

    /// Waits until the server closes, and says what came before that.
    pub(crate) async fn closed(mut self) -> Vec<u8> {
        while self.more().await {}
        self.read
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1);
        lines.filter_map(|line| line.split_once(": ")).find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// Asserts the one error body and gives its code.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        let detail = body["detail"].as_object().unwrap();
        assert_eq!(detail["timestamp"], "2023-01-01T12:00:00Z");
        assert!(!detail["error"].as_str().unwrap().is_empty());
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(self.header("x-request-id").is_some());
        detail["code"].as_str().unwrap().to_owned()
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(addr: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::connect(addr).await;
    client.send(request).await;
    client.answer().await
}

/// A GET with header lines.
pub(crate) async fn get(addr: SocketAddr, path: &str, headers: &[&str]) -> Answer {
    ask(addr, request("GET", path, headers, "")).await
}

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: recap.test:8000\r\n");
    for header in headers {
        text += header;
        text += "\r\n";
    }
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    text + &length + "\r\n" + body
}
