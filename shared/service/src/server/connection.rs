//! One connection from its first byte to its last. Law: it ends when its client stalls, and when the process stops.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::extract::Request;
use http::Request as HttpRequest;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::{self, UpgradeableConnection};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use shared::error_code::ErrorCode;
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tower::Service as _;

use super::io::{Slot, WatchedStream};
use super::stream::Stream;
use super::tls::Acceptors;
use super::watch::{Phase, Watch};
use super::{framing, linger};
use crate::error::ApiError;
use crate::gate::{GatedRouter, Peer};
use crate::limits::{self, Limit};

/// Limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) max_header_bytes: usize,
    pub(super) header_timeout: Duration,
    pub(super) idle_timeout: Duration,
}

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) app: GatedRouter,
    settings: Settings,
    tls: Option<Acceptors>,
    builder: http1::Builder,
    /// Set before the tokens: reading a flag at each turn is cheaper than asking a token.
    draining: AtomicBool,
    drain: CancellationToken,
    kill: CancellationToken,
}

impl Shared {
    pub(super) fn new(app: GatedRouter, settings: Settings, tls: Option<Acceptors>) -> Self {
        let mut builder = http1::Builder::new();
        // The watch does it, without a timer for each request.
        builder.header_read_timeout(None).max_header_size(settings.max_header_bytes);
        Self {
            app,
            settings,
            tls,
            builder,
            draining: AtomicBool::new(false),
            drain: CancellationToken::new(),
            kill: CancellationToken::new(),
        }
    }

    /// Idle connections end now, the others after the answer that they wait for.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.drain.cancel();
    }

    /// All connections end now.
    pub(super) fn kill(&self) {
        self.kill.cancel();
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn killed(&self) -> WaitForCancellationFuture<'_> {
        self.kill.cancelled()
    }

    /// Whether what is said before a handshake would not be understood.
    pub(super) fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The connection with TLS on it, where that is spoken; none if the client does not speak it in time, or the
    /// process stops before.
    async fn secured(&self, stream: TcpStream) -> Option<Stream> {
        let Some(tls) = &self.tls else { return Some(Stream::Plain(stream)) };
        let shaking = timeout(self.settings.header_timeout, tls.now().accept(stream));
        let shaken = tokio::select! {
            () = self.drain.cancelled() => return None,
            shaken = shaking => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream))),
            // Scanners and clients that do not trust the certificate come by all the time.
            Ok(Err(error)) => {
                tracing::debug!(%error, "no handshake");
                None
            }
            Err(_) => {
                limits::refused(Limit::HeadTime);
                None
            }
        }
    }

    /// When to look at a connection next, or none if it is over its limit now. At least once in each of the two
    /// limits, so that a phase that begins after this look is seen before it is over.
    fn next_look(&self, watch: &Watch) -> Option<Instant> {
        let (header, idle) = (self.settings.header_timeout, self.settings.idle_timeout);
        let now = Instant::now();
        let regular = now + header.min(idle);
        match watch.deadline(header, idle) {
            Some(deadline) if deadline <= now => None,
            Some(deadline) => Some(deadline.min(regular)),
            None => Some(regular),
        }
    }
}

type Connection<S> = UpgradeableConnection<TokioIo<WatchedStream>, S>;

/// How a connection ended.
enum End {
    /// By hyper: closed, broken or upgraded.
    Done,
    /// The client stalled.
    Stalled,
    /// The time for stopping is over.
    Killed,
}

pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, slot: Slot, shared: Arc<Shared>) {
    // Without it small answers wait for acknowledgements; a socket that refuses it still works.
    let _ = stream.set_nodelay(true);
    let Some(stream) = shared.secured(stream).await else { return };
    let peer = Peer { addr: peer, secure: shared.speaks_tls() };
    let watch = Arc::new(Watch::new());
    let io = WatchedStream::new(stream, Arc::clone(&watch), Arc::clone(&shared), slot);
    let service = service_fn(|request: HttpRequest<Incoming>| {
        watch.is_called();
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        let answering = match framing::fault(&request) {
            None => Ok(shared.app.router().clone().call(request)),
            Some(fault) => Err(shared.app.turned_away(&fault)),
        };
        let watch = &watch;
        async move {
            let answer: Result<_, Infallible> = match answering {
                Ok(answering) => answering.await,
                Err(turned_away) => Ok(turned_away),
            };
            watch.has_answered();
            answer
        }
    });
    let connection = shared.builder.serve_connection(TokioIo::new(io), service).with_upgrades();
    let (end, connection) = drive(connection, &watch, &shared).await;
    let Some(parts) = connection.into_parts() else {
        return;
    };
    let mut io = parts.io.into_inner();
    match end {
        End::Killed => return,
        End::Stalled if watch.phase() == Phase::Head => {
            limits::refused(Limit::HeadTime);
            let error = ApiError::new(ErrorCode::Timeout, "the head of the request did not arrive in time");
            io.last_words(&shared.app.refusal(&error)).await;
        }
        End::Stalled | End::Done => {}
    }
    linger::close(io, &shared).await;
}

/// Polls the connection until it ends, the client stalls, or the process stops.
async fn drive<S, B>(mut connection: Connection<S>, watch: &Watch, shared: &Shared) -> (End, Connection<S>)
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    Connection<S>: Future + Unpin,
{
    let mut timer = pin!(sleep_until(shared.next_look(watch).unwrap_or_else(Instant::now).into()));
    let (mut drain, mut kill) = (pin!(shared.drain.cancelled()), pin!(shared.kill.cancelled()));
    let (mut waiting, mut draining) = (false, false);
    let end = poll_fn(|cx| {
        if !draining && shared.is_draining() {
            draining = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(End::Done);
        }
        // The waker of a task stays the same: what was asked once wakes it, and needs no asking at each turn.
        if !waiting && drain.as_mut().poll(cx).is_ready() && !draining {
            cx.waker().wake_by_ref();
        }
        if draining && kill.as_mut().poll(cx).is_ready() {
            return Poll::Ready(End::Killed);
        }
        if waiting && !timer.is_elapsed() {
            return Poll::Pending;
        }
        waiting = true;
        while timer.as_mut().poll(cx).is_ready() {
            let Some(next) = shared.next_look(watch) else {
                return Poll::Ready(End::Stalled);
            };
            timer.as_mut().reset(next.into());
        }
        Poll::Pending
    });
    (end.await, connection)
}
