//! A wire to a server on which certain bytes never arrive.

use std::sync::Arc;

use anyhow::Result;
use shared_testkit::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes everything on, until a client sends the marked bytes: these and what follows are held back for good.
pub struct Wiretap {
    port: u16,
    held: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Wiretap {
    /// In front of the server on `port`.
    pub async fn before(port: u16, mark: &'static [u8]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.port();
        let (holds, held) = watch::channel(false);
        let holds = Arc::new(holds);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let (mut from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_server, to_client));
                let holds = Arc::clone(&holds);
                tokio::spawn(async move {
                    let (mut to_server, mut seen, mut chunk) = (to_server, Vec::new(), [0; 4096]);
                    while let Ok(read @ 1..) = from_client.read(&mut chunk).await {
                        seen.extend_from_slice(&chunk[..read]);
                        if seen.windows(mark.len()).any(|window| window == mark) {
                            let _ = holds.send(true);
                        }
                        if *holds.borrow() {
                            continue;
                        }
                        // The mark may be cut in two by the reads.
                        seen.drain(..seen.len().saturating_sub(mark.len()));
                        if to_server.write_all(&chunk[..read]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Ok(Self { port: own, held, task })
    }

    /// Where clients connect.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until something was held back.
    pub async fn held(&self) -> Result<()> {
        wait::until("the marked bytes", || async { Ok((*self.held.borrow()).then_some(())) }).await
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut from: impl tokio::io::AsyncRead + Unpin, mut to: impl tokio::io::AsyncWrite + Unpin) {
    // Either side may go at any time.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}
