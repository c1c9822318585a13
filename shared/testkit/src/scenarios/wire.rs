//! Below HTTP clients: half requests, garbage and pipelines on a raw connection.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::wait;

/// Sends bytes and reads until the server closes or falls silent for `quiet`.
pub async fn exchange(address: &str, bytes: &[u8], quiet: Duration) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    // A server that refuses early may close while bytes are still on their way.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match tokio::time::timeout(quiet, stream.read(&mut chunk)).await {
            Ok(Ok(0) | Err(_)) | Err(_) => break,
            Ok(Ok(read)) => answer.extend_from_slice(&chunk[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Garbage, half requests and refused framing end that connection and nothing else.
pub async fn survives_garbage(client: &Client, address: &str) -> Result<()> {
    let quiet = Duration::from_secs(2);
    for bytes in [
        &b"\x00\x01\x02\xff\xfe garbage\r\n\r\n"[..],
        b"GET /chats HTTP/9.9\r\n\r\n",
        b"POST /chats HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /chats HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let answer = exchange(address, bytes, quiet).await?;
        ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let half = b"POST /chats HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(half).await?;
    drop(stream);
    ensure!(client.get("/healthz").await?.status == 200, "the server suffered");
    Ok(())
}

/// Headers that never end are cut off.
pub async fn cuts_slow_headers(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await?;
    let mut sink = Vec::new();
    tokio::time::timeout(wait::LIMIT, stream.read_to_end(&mut sink)).await.context("never cut off")??;
    Ok(())
}

/// Too many and too large headers are refused.
pub async fn refuses_header_floods(address: &str) -> Result<()> {
    let quiet = Duration::from_secs(5);
    for flood in ["x: y\r\n".repeat(2000), format!("x: {}\r\n", "y".repeat(1_000_000))] {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{flood}\r\n");
        let answer = exchange(address, request.as_bytes(), quiet).await?;
        ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    Ok(())
}
