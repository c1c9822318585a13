//! The socket as hyper sees it: it tells the watch what moves, holds the connection's slot until the socket is
//! gone (also after an upgrade), and gives hyper's own refusals of broken requests the one error body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use shared::error_code::ErrorCode;
use tokio::io::AsyncWriteExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::addresses::Guest;
use super::connection::Shared;
use super::stream::Stream;
use super::watch::{Phase, Watch};
use crate::error::ApiError;
use crate::limits::{self, Limit};
use crate::tasks::Tasks;

/// How long a last answer may take to be handed to the system.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A place among the open connections; shutdown waits until it is given back.
pub(super) struct Slot {
    taken: Arc<AtomicUsize>,
    _hold: TaskTrackerToken,
    _guest: Option<Guest>,
}

impl Slot {
    /// Held together with what its address is counted by.
    pub(super) fn take(taken: &Arc<AtomicUsize>, most: usize, tasks: &Tasks, guest: Option<Guest>) -> Option<Self> {
        // Only the accept loop takes slots, so nothing comes between the two steps.
        if taken.load(Ordering::Relaxed) >= most {
            return None;
        }
        taken.fetch_add(1, Ordering::Relaxed);
        Some(Self { taken: Arc::clone(taken), _hold: tasks.hold(), _guest: guest })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) struct WatchedStream {
    stream: Stream,
    watch: Arc<Watch>,
    shared: Arc<Shared>,
    /// What goes out instead of a refusal by hyper.
    instead: Bytes,
    _slot: Slot,
}

impl WatchedStream {
    pub(super) fn new(stream: Stream, watch: Arc<Watch>, shared: Arc<Shared>, slot: Slot) -> Self {
        Self { stream, watch, shared, instead: Bytes::new(), _slot: slot }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        self.stream.tcp()
    }

    /// An answer after which nothing more comes. Nothing else is being sent, so the send buffer takes it whole.
    pub(super) async fn last_words(&mut self, answer: &[u8]) {
        let saying = async {
            self.stream.write_all(answer).await?;
            self.stream.flush().await
        };
        let _ = timeout(LAST_WORDS, saying).await;
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.instead.has_remaining() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.instead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Whether `head` was written by hyper alone: a bare 4xx while no handler had been called.
    fn refusal(&self, head: &[u8]) -> Option<ApiError> {
        if self.watch.phase() == Phase::Busy || !head.starts_with(b"HTTP/1.1 4") || !head.ends_with(b"\r\n\r\n") {
            return None;
        }
        let head = std::str::from_utf8(head).ok()?;
        if !head.contains("\r\ncontent-length: 0\r\n") || head.contains("\r\nx-request-id: ") {
            return None;
        }
        let (code, message) = match &head[9..12] {
            "400" => (ErrorCode::InvalidRequest, "this is not a well-formed HTTP/1.1 request"),
            "414" => (ErrorCode::PayloadTooLarge, "the URL is too long"),
            "431" => (ErrorCode::PayloadTooLarge, "the headers are too many or too large"),
            _ => return None,
        };
        if code == ErrorCode::PayloadTooLarge {
            limits::refused(Limit::Head);
        }
        Some(ApiError::new(code, message))
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.has_read();
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some(error) = self.refusal(buf) {
            self.instead = self.shared.app.refusal(&error);
            return Poll::Ready(Ok(buf.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        self.watch.has_written();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bufs {
            return self.poll_write(cx, only);
        }
        ready!(self.poll_instead(cx))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        self.watch.has_written();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
