//! One listener on `/ws/summarize`, as small as it can be, since thousands run beside the server (RFC 6455).
//!
//! Law: pings are answered, and a frame is handed out where it was read.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Connection;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
/// Room for a frame; grows when a frame is larger.
const ROOM: usize = 2 * 1024;
/// How long a connection may take to become a socket.
const OPENING: Duration = Duration::from_secs(30);

/// A listener whose handshake is done.
pub(crate) struct Listener {
    stream: TcpStream,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

/// Where a whole frame's payload lies.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    first: u8,
    payload: usize,
    end: usize,
}

impl Listener {
    /// Listens to a conversation whose id needs no percent-encoding.
    pub(crate) async fn open(address: &str, conversation: &str) -> Result<Self> {
        // The key is the one of RFC 6455 §1.3; who sent the answer is not in doubt here.
        let request = format!(
            "GET /ws/summarize?conversation_id={conversation} HTTP/1.1\r\nhost: recap\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let opening = async { Connection::open(address).await?.upgrade(request.as_bytes()).await };
        let (stream, rest) = tokio::time::timeout(OPENING, opening).await.context("the handshake took too long")??;
        let end = rest.len();
        let mut buffer = rest;
        buffer.resize(ROOM.max(end), 0);
        Ok(Self { stream, buffer, begin: 0, end })
    }

    /// The next text frame. The caller limits the time.
    pub(crate) async fn next(&mut self) -> Result<&[u8]> {
        loop {
            let bytes = &self.buffer[self.begin..self.end];
            let Some(Frame { first, payload, end }) = Frame::parse(bytes) else {
                self.read().await?;
                continue;
            };
            let (from, to) = (self.begin + payload, self.begin + end);
            self.begin = to;
            match first {
                TEXT => return Ok(&self.buffer[from..to]),
                PING => self.pong(from, to).await?,
                CLOSE => bail!("the server closed the socket: {:?}", String::from_utf8_lossy(&self.buffer[from..to])),
                other => bail!("a frame that begins with {other:#x}"),
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.end..]).await?;
        ensure!(read > 0, "the server closed the connection");
        self.end += read;
        Ok(())
    }

    /// Frames of a client are masked; a mask of zeros leaves the payload as it is.
    async fn pong(&mut self, from: usize, to: usize) -> Result<()> {
        let payload = &self.buffer[from..to];
        let length =
            u8::try_from(payload.len()).ok().filter(|length| *length < 126).context("a ping that is too long")?;
        let mut frame = vec![PONG, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        Ok(self.stream.write_all(&frame).await?)
    }
}

impl Frame {
    /// None while it is not whole. Frames of a server are not masked.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        let (payload, length): (usize, usize) = match *rest.first()? {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
            short => (2, usize::from(short)),
        };
        let end = payload.checked_add(length)?;
        (bytes.len() >= end).then_some(Self { first: *first, payload, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_each_length() {
        assert_eq!(Frame::parse(b"\x81\x02{}rest"), Some(Frame { first: TEXT, payload: 2, end: 4 }));
        assert_eq!(Frame::parse(b"\x81\x02{"), None);
        assert_eq!(Frame::parse(b"\x81"), None);
        let mut medium = vec![TEXT, 126, 1, 0];
        medium.resize(4 + 256, b' ');
        assert_eq!(Frame::parse(&medium), Some(Frame { first: TEXT, payload: 4, end: 260 }));
        let mut long = vec![TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(Frame::parse(&long), None);
        long.resize(10 + 65536, b' ');
        assert_eq!(Frame::parse(&long), Some(Frame { first: TEXT, payload: 10, end: 65546 }));
    }
}
