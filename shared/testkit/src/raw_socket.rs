//! A WebSocket below every library: frames byte by byte, right ones and wrong ones. Law: every wait has a limit.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait;

/// What masks the frames of these clients; any four bytes will do.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A connection after its upgrade.
pub struct RawSocket {
    stream: TcpStream,
    /// What the server answered to the upgrade.
    pub head: String,
}

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawFrame {
    /// Opcode, first byte's upper bits included, and payload.
    Frame(u8, Vec<u8>),
    /// The connection is over.
    Over,
}

/// A frame of a client: first byte (FIN, reserved bits, opcode) and payload, masked, in the shortest form.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        // Proven to fit by the arms.
        short @ ..126 => bytes.push(0x80 | u8::try_from(short).unwrap_or_default()),
        medium @ ..65_536 => {
            bytes.push(0x80 | 0x7e);
            bytes.extend(u16::try_from(medium).unwrap_or_default().to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 0x7f);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

impl RawSocket {
    /// Upgrades `/ws/summarize` with a query, which may be empty, and more headers, each ended by CRLF.
    pub async fn open(address: &str, query: &str, more: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        let mark = if query.is_empty() { "" } else { "?" };
        let request = format!(
            "GET /ws/summarize{mark}{query} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(wait::LIMIT, stream.read_u8()).await.context("no answer")??;
            head.push(byte);
        }
        let head = String::from_utf8(head)?;
        ensure!(head.starts_with("HTTP/1.1 101"), "{head}");
        Ok(Self { stream, head })
    }

    /// Sends bytes as they are. The server may have closed meanwhile, which what it sent will tell.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = tokio::time::timeout(wait::LIMIT, self.stream.write_all(bytes)).await;
        let _ = sent.context("the server reads nothing")?;
        Ok(())
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<RawFrame> {
        tokio::time::timeout(wait::LIMIT, self.read()).await.context("no frame came")?
    }

    async fn read(&mut self) -> Result<RawFrame> {
        let Ok(first) = self.stream.read_u8().await else { return Ok(RawFrame::Over) };
        let Ok(second) = self.stream.read_u8().await else { return Ok(RawFrame::Over) };
        ensure!(second & 0x80 == 0, "the server masks its frames");
        let length = match second {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length)?];
        self.stream.read_exact(&mut payload).await?;
        Ok(RawFrame::Frame(first, payload))
    }

    /// The next frame with this first byte; others before it are passed over.
    pub async fn until(&mut self, wanted: u8) -> Result<Vec<u8>> {
        loop {
            match self.next().await? {
                RawFrame::Frame(first, payload) if first == wanted => return Ok(payload),
                RawFrame::Frame(..) => {}
                RawFrame::Over => bail!("the connection ended before a frame {wanted:#x}"),
            }
        }
    }

    /// The close code, if one came before the end; and the text frames that came before it.
    pub async fn end(&mut self) -> Result<(Option<u16>, Vec<String>)> {
        let mut texts = Vec::new();
        let mut code = None;
        loop {
            match self.next().await? {
                RawFrame::Frame(0x88, payload) => {
                    code = payload.first_chunk().map(|code| u16::from_be_bytes(*code)).or(Some(1005));
                }
                RawFrame::Frame(0x81, payload) => texts.push(String::from_utf8(payload)?),
                RawFrame::Frame(..) => {}
                RawFrame::Over => return Ok((code, texts)),
            }
        }
    }
}
