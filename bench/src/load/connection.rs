//! One HTTP/1.1 connection that costs the machine as little as it can.
//!
//! Law: requests go out as they were encoded before; of a reply only the status and the length are read.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for a reply; grows when a reply is larger.
const ROOM: usize = 4 * 1024;
/// No reply of the server is larger.
const MAX_REPLY: usize = 64 * 1024 * 1024;

/// An open connection with nothing in flight.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole reply, valid until the next request.
pub(crate) struct Reply<'c> {
    pub(crate) status: u16,
    pub(crate) body: &'c [u8],
}

impl Reply<'_> {
    /// The body as text, for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; ROOM] })
    }

    /// Sends an encoded request and waits for the whole reply. The caller limits the time.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        self.stream.write_all(request).await?;
        let (mut filled, mut head) = (0, None);
        loop {
            if filled == self.buffer.len() {
                ensure!(filled < MAX_REPLY, "the reply is larger than {MAX_REPLY} bytes");
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server closed the connection");
            filled += read;
            if head.is_none() {
                head = Head::parse(&self.buffer[..filled])?;
            }
            if let Some(Head { status, start, end }) = head
                && filled >= end
            {
                ensure!(filled == end, "bytes after the reply");
                return Ok(Reply { status, body: &self.buffer[start..end] });
            }
        }
    }

    /// What came so far is a head and maybe the begin of what follows it; the stream goes on as something else.
    pub(crate) async fn upgrade(mut self, request: &[u8]) -> Result<(TcpStream, Vec<u8>)> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            ensure!(filled < self.buffer.len(), "the head is larger than {ROOM} bytes");
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server closed the connection");
            filled += read;
            let Some(end) = head_end(&self.buffer[..filled]) else { continue };
            if status(&self.buffer[..end])? != 101 {
                bail!("no upgrade: {}", String::from_utf8_lossy(&self.buffer[..filled]));
            }
            return Ok((self.stream, self.buffer[end..filled].to_vec()));
        }
    }
}

/// Where a reply's body lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    start: usize,
    end: usize,
}

impl Head {
    /// None while it is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(start) = head_end(bytes) else { return Ok(None) };
        let status = status(bytes)?;
        let length = if status == 204 { 0 } else { content_length(&bytes[..start])? };
        Ok(Some(Self { status, start, end: start + length }))
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

fn status(head: &[u8]) -> Result<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("no HTTP/1.1 reply")?;
    Ok(std::str::from_utf8(digits)?.parse()?)
}

fn content_length(head: &[u8]) -> Result<usize> {
    const NAME: &[u8] = b"content-length:";
    for line in head.split(|byte| *byte == b'\n') {
        if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            return Ok(std::str::from_utf8(line[NAME.len()..].trim_ascii())?.parse()?);
        }
    }
    bail!("a reply without content-length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_body_lies() {
        let reply = b"HTTP/1.1 200 OK\r\nx: y\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(Head::parse(reply).unwrap(), Some(Head { status: 200, start: reply.len() - 2, end: reply.len() }));
        assert_eq!(Head::parse(&reply[..20]).unwrap(), None);
    }

    #[test]
    fn a_reply_of_unknown_length_is_an_error() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::parse(b"SSH-2.0\r\n\r\n").is_err());
        assert_eq!(Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().status, 204);
    }
}
