//! The accept loop. Law: every connection, wait and queue is bounded, and no client can make the loop stop.

mod addresses;
mod connection;
mod files;
mod framing;
mod io;
mod linger;
mod stream;
mod tls;
mod watch;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use shared::error_code::ErrorCode;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::task::TaskTracker;

use crate::config::{HttpConfig, ListenAddr};
use crate::error::ApiError;
use crate::gate::GatedRouter;
use crate::limits::{self, Limit};
use crate::tasks::Tasks;
use addresses::{Addresses, TooMany};
use connection::{Settings, Shared};
use io::{Slot, WatchedStream};
use stream::Stream;
use tls::Tls;
pub use tls::TlsError;
use watch::Watch;

/// Connections that wait to be accepted, as far as the system allows.
const BACKLOG: u32 = 4096;
/// Connections over the limit that are told so at the same time; more are closed at once.
const MAX_REFUSALS: usize = 64;
const FIRST_BACK_OFF: Duration = Duration::from_millis(10);
const LAST_BACK_OFF: Duration = Duration::from_secs(1);

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {addr}")]
    Bind {
        /// Where.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The files of TLS cannot be used.
    #[error("TLS cannot be spoken with TLS_CERT and TLS_KEY")]
    Tls(#[from] TlsError),
}

/// A bound server.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    max_connections: usize,
    addresses: Arc<Addresses>,
    tls: Option<Tls>,
    settings: Settings,
    drain: Duration,
}

impl Server {
    /// Listens on `listen_addr`; connections wait until [`Self::run`].
    pub async fn bind(config: &HttpConfig) -> Result<Self, ServeError> {
        let tls = Tls::read(&config.tls)?;
        Self::bind_to(config.listen_addr, config, tls).await
    }

    /// Listens on `admin_addr`, if that is set; without TLS, since operators are on the same network.
    pub async fn bind_admin(config: &HttpConfig) -> Result<Option<Self>, ServeError> {
        match config.admin_addr {
            Some(addr) => Self::bind_to(addr, config, None).await.map(Some),
            None => Ok(None),
        }
    }

    #[expect(clippy::unused_async, reason = "binding needs a runtime, and this makes callers be in one")]
    async fn bind_to(addr: ListenAddr, config: &HttpConfig, tls: Option<Tls>) -> Result<Self, ServeError> {
        let listen = || {
            let socket = if addr.0.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            socket.bind(addr.0)?;
            let listener = socket.listen(BACKLOG)?;
            let local_addr = listener.local_addr()?;
            Ok((listener, local_addr))
        };
        let (listener, local_addr) = listen().map_err(|source| ServeError::Bind { addr: addr.0, source })?;
        Ok(Self {
            listener,
            local_addr,
            max_connections: config.max_connections.min(files::room_for_connections()),
            addresses: Arc::new(Addresses::new(config)),
            tls,
            settings: Settings {
                max_header_bytes: config.max_header_bytes,
                header_timeout: config.header_timeout,
                idle_timeout: config.idle_timeout,
            },
            // What is left after draining is for the tasks behind the requests.
            drain: config.shutdown_timeout.mul_f64(0.6),
        })
    }

    /// Where it listens, with the port that it got.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// `http`, or `https` where it speaks TLS.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Its origin, such as `https://127.0.0.1:8000`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.local_addr)
    }

    /// Serves until [`Tasks::stop`], then lets requests in flight end for at most 0.6 of `shutdown_timeout`.
    /// Upgraded connections go on; [`Tasks::shutdown`] waits for them.
    pub async fn run(mut self, app: GatedRouter, tasks: &Tasks) {
        let shared = Arc::new(Shared::new(app, self.settings, self.tls.as_ref().map(Tls::acceptors)));
        if let Some(tls) = self.tls.take() {
            let stopping = tasks.stopping();
            tasks.spawn("tls files", async move {
                tls.keep_up(stopping).await;
                Ok(())
            });
        }
        let connections = TaskTracker::new();
        let (open, refusing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stop = tasks.draining();
        let mut back_off = FIRST_BACK_OFF;
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    // Out of descriptors or memory: connections in work must end first.
                    tracing::warn!(%error, ?back_off, "cannot accept connections");
                    let _ = tokio::time::timeout(back_off, stop.cancelled()).await;
                    back_off = (back_off * 2).min(LAST_BACK_OFF);
                    continue;
                }
            };
            back_off = FIRST_BACK_OFF;
            let refused = match self.addresses.enter(peer.ip()) {
                Err(TooMany) => Limit::ConnectionsPerAddress,
                Ok(guest) => match Slot::take(&open, self.max_connections, tasks, guest) {
                    Some(slot) => {
                        connections.spawn(connection::serve(stream, peer, slot, Arc::clone(&shared)));
                        continue;
                    }
                    None => Limit::Connections,
                },
            };
            limits::refused(refused);
            if let Some(slot) = Slot::take(&refusing, MAX_REFUSALS, tasks, None) {
                connections.spawn(refuse(stream, slot, Arc::clone(&shared), refused));
            }
        }
        drop(self.listener);
        shared.drain();
        connections.close();
        if tokio::time::timeout(self.drain, connections.wait()).await.is_err() {
            tracing::warn!(left = connections.len(), "closing connections whose requests did not end in time");
            shared.kill();
            connections.wait().await;
        }
    }
}

/// Whether accepting failed for this one connection only.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

async fn refuse(stream: TcpStream, slot: Slot, shared: Arc<Shared>, limit: Limit) {
    if shared.speaks_tls() {
        // To be told why, a client would have to be given a handshake, which is what there is no room for.
        return;
    }
    let error = match limit {
        Limit::ConnectionsPerAddress => {
            ApiError::new(ErrorCode::RateLimited, "too many connections from this address; close some, or reuse them")
        }
        _ => ApiError::new(ErrorCode::Overloaded, "too many connections; try again"),
    };
    let mut io = WatchedStream::new(Stream::Plain(stream), Arc::new(Watch::new()), Arc::clone(&shared), slot);
    io.last_words(&shared.app.refusal(&error)).await;
    linger::close(io, &shared).await;
}
