//! One listener's socket. Law: it holds no frame of its own, waits for its peer at most so long, and closes with a
//! code that says why.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use shared::domain::{ConversationKey, Timestamp};
use shared::error_code::ErrorCode;
use shared_service::limits::{self, Limit};
use shared_service::{ApiError, Listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::board::{Board, Next, Progress, SummaryFrame};
use super::callers::Seat;
use super::frames;
use super::hub::{Hub, Membership};
use super::pace::Pace;
use super::subscription::{Asked, FirstFrame};
use super::wire::{self, Close};
use crate::strict::Unreadable;

/// Clients send one small frame and pongs.
const READ_BUFFER: usize = 1024;
/// The largest message, and the largest frame, that a client may send.
const MAX_MESSAGE: usize = 64 * 1024;
/// Only pongs go through tungstenite's write buffer.
const MAX_WRITE_BUFFER: usize = 4 * 1024;
/// How long the peer may take to answer a close frame.
const LINGER: Duration = Duration::from_secs(2);
/// Pings in a row that may go unanswered.
const MISSED_PONGS: u32 = 2;

/// A connection after the upgrade.
pub type Stream = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Why a socket ends.
enum End {
    /// The peer has gone or does not answer: nothing can be told.
    Gone,
    /// Everything was said.
    Close(Close),
    /// The client did something wrong.
    Fault(Box<ApiError>),
}

impl End {
    fn fault(code: ErrorCode, error: impl Into<String>) -> Self {
        Self::Fault(Box::new(ApiError::new(code, error)))
    }
}

/// Takes a connection over. Small buffers: thousands of these are open and idle.
pub async fn accept(upgraded: hyper::upgrade::Upgraded) -> Stream {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await
}

/// Who came, and what for.
pub struct Arrival {
    /// Who asks, as far as that is known.
    pub listener: Listener,
    /// Its place among the sockets of its caller.
    pub seat: Seat,
    /// What the query said.
    pub asked: Asked,
}

/// Serves a listener until its conversation ends, it goes, or the process stops.
pub async fn serve(hub: Arc<Hub>, stream: Stream, arrival: Arrival) {
    let pace = Pace::new(hub.config.socket_frames, Instant::now());
    let mut socket = Socket { stream, write_timeout: hub.config.socket_write_timeout, pace };
    let end = match Box::pin(socket.subscribe(&hub, arrival)).await {
        Ok((membership, progress, _seat)) => Box::pin(socket.listen(&hub, &membership, progress)).await,
        Err(end) => end,
    };
    Box::pin(socket.end(end, hub.clock.now())).await;
}

struct Socket {
    stream: Stream,
    write_timeout: Duration,
    pace: Pace,
}

impl Socket {
    async fn subscribe(&mut self, hub: &Arc<Hub>, arrival: Arrival) -> Result<(Membership, Progress, Seat), End> {
        let Arrival { listener, mut seat, asked } = arrival;
        let (tenant, conversation, wishes) = match (&listener.caller, asked) {
            (Some(caller), Asked { conversation: Some(conversation), wishes }) => {
                (caller.tenant.clone(), conversation, wishes)
            }
            (caller, asked) => {
                let frame = Box::pin(self.named(hub, asked)).await?;
                let caller = match (frame.key, caller) {
                    (Some(key), _) => {
                        let caller = listener.with_key(&key).await.map_err(|refusal| End::Fault(Box::new(refusal)))?;
                        seat = hub.callers.enter(&caller.id).map_err(|refusal| End::Fault(Box::new(refusal)))?;
                        caller
                    }
                    (None, Some(caller)) => caller.clone(),
                    (None, None) => {
                        let told = "send an API key: in a header, as a subprotocol, or as `key` in the first frame";
                        return Err(End::fault(ErrorCode::Unauthenticated, told));
                    }
                };
                (caller.tenant, frame.conversation, frame.wishes)
            }
        };
        let key = ConversationKey::new(tenant, conversation);
        let Some(membership) = hub.join(&key, wishes.summary_type) else {
            limits::refused(Limit::SocketsPerConversation);
            return Err(End::fault(ErrorCode::Overloaded, "this conversation has as many listeners as it may"));
        };
        Ok((membership, Progress::new(wishes.summary_type, wishes.partial, wishes.since), seat))
    }

    /// What the first frame says, if it comes in time.
    async fn named(&mut self, hub: &Hub, asked: Asked) -> Result<FirstFrame, End> {
        tokio::select! {
            () = hub.stopping.cancelled() => Err(End::Close(Close::GoingAway)),
            named = timeout(hub.config.socket_first_frame, self.first_frame(asked)) => named.unwrap_or_else(|_| {
                limits::refused(Limit::FirstFrameTime);
                Err(End::fault(ErrorCode::Timeout, "no text frame named a conversation in time"))
            }),
        }
    }

    async fn first_frame(&mut self, asked: Asked) -> Result<FirstFrame, End> {
        loop {
            let message = self.stream.next().await;
            let Some(text) = self.incoming(message)? else { continue };
            return asked.first_frame(text.as_bytes()).map_err(|unreadable| match unreadable {
                Unreadable::NotJson(why) => {
                    End::fault(ErrorCode::InvalidJson, format!("the first frame is not valid JSON: {why}"))
                }
                Unreadable::Invalid(fields) => End::Fault(Box::new(ApiError::invalid(fields))),
            });
        }
    }

    /// A text, or nothing of interest, or a reason to end; and every frame is counted.
    fn incoming(&mut self, message: Option<Result<Message, Error>>) -> Result<Option<Utf8Bytes>, End> {
        let text = incoming(message)?;
        if self.pace.keeps(Instant::now()) {
            return Ok(text);
        }
        limits::refused(Limit::Frames);
        Err(End::fault(ErrorCode::RateLimited, "too many frames in a second; this socket is for listening"))
    }

    /// Sends what is new until there is a reason to end.
    async fn listen(&mut self, hub: &Hub, membership: &Membership, mut progress: Progress) -> End {
        let mut board = membership.room.board.subscribe();
        let opened = hub.clock.now();
        let ping_every = hub.config.socket_ping_every;
        let mut ping_at = Instant::now() + ping_every;
        let mut unanswered = 0;
        loop {
            let insights_at = match self.send_new(hub, &mut board, &mut progress, opened).await {
                Ok(at) => at,
                Err(end) => return end,
            };
            tokio::select! {
                () = hub.stopping.cancelled() => return End::Close(Close::GoingAway),
                message = self.stream.next() => {
                    unanswered = 0;
                    match self.incoming(message) {
                        Ok(None) => {}
                        Ok(Some(_)) => return End::fault(
                            ErrorCode::InvalidRequest,
                            "this socket listens already; open another one for another conversation",
                        ),
                        Err(end) => return end,
                    }
                }
                // The room outlives its members, so this never fails.
                _ = board.changed() => {}
                () = sleep_until(insights_at.map_or(ping_at, |at| at.min(ping_at))) => {
                    if Instant::now() < ping_at {
                        continue;
                    }
                    if unanswered == MISSED_PONGS {
                        return End::Gone;
                    }
                    unanswered += 1;
                    ping_at = Instant::now() + ping_every;
                    if let Err(end) = self.write(wire::PING, Bytes::new()).await {
                        return end;
                    }
                }
            }
        }
    }

    /// Sends all that is new now. Answers when there will be more that waits for its time.
    async fn send_new(
        &mut self,
        hub: &Hub,
        board: &mut watch::Receiver<Board>,
        progress: &mut Progress,
        opened: Timestamp,
    ) -> Result<Option<Instant>, End> {
        let mut generated = None;
        // Frames that are new together leave in one write, two at a time.
        let mut held = Bytes::new();
        let ended = loop {
            let next = progress.next(&board.borrow_and_update(), Instant::now());
            let frame = match next {
                Next::Summary(SummaryFrame { generated_at, bytes, .. }) => {
                    generated = Some(generated_at);
                    bytes
                }
                Next::Frame(bytes) => bytes,
                Next::Last(bytes) => {
                    self.write(held, bytes).await?;
                    break Err(End::Close(Close::Ended));
                }
                Next::Nothing(at) => {
                    if !held.is_empty() {
                        self.write(held, Bytes::new()).await?;
                    }
                    break Ok(at);
                }
            };
            let before = std::mem::replace(&mut held, frame);
            if !before.is_empty() {
                let second = std::mem::take(&mut held);
                self.write(before, second).await?;
            }
        };
        if let Some(generated_at) = generated.filter(|at| *at >= opened) {
            let delay = hub.clock.now().since(generated_at).as_secs_f64();
            metrics::histogram!("recap_push_delay_seconds").record(delay);
        }
        ended
    }

    /// Writes shared bytes, of one frame or two, straight to the connection: no copy stays behind with the socket.
    fn write(&mut self, first: Bytes, second: Bytes) -> impl Future<Output = Result<(), End>> + Send + '_ {
        let limit = self.write_timeout;
        let stream = &mut self.stream;
        async move {
            let written = timeout(limit, async {
                // A pong that tungstenite has begun to write must be whole before another frame.
                stream.flush().await.map_err(|_| End::Gone)?;
                let io = stream.get_mut();
                io.write_all_buf(&mut first.chain(second)).await.map_err(|_| End::Gone)?;
                io.flush().await.map_err(|_| End::Gone)
            });
            written.await.unwrap_or(Err(End::Gone))
        }
    }

    /// Says why, and lets the peer read it before the connection is dropped (RFC 6455 §7.1.1).
    async fn end(mut self, end: End, now: Timestamp) {
        let close = match end {
            End::Gone => {
                // If the peer closed, its close frame is answered.
                let _ = timeout(LINGER, self.stream.flush()).await;
                return;
            }
            End::Close(close) => close,
            End::Fault(fault) => {
                if self.write(frames::error(&fault, now), Bytes::new()).await.is_err() {
                    return;
                }
                match fault.code() {
                    ErrorCode::Overloaded | ErrorCode::Unavailable | ErrorCode::RateLimited => Close::TryAgainLater,
                    _ => Close::Policy,
                }
            }
        };
        if self.write(close.frame(), Bytes::new()).await.is_err() {
            return;
        }
        let io = self.stream.get_mut();
        let _ = timeout(LINGER, async {
            io.shutdown().await?;
            // Unread bytes at close would reset the connection, and the peer might never see the frames above.
            let mut rest = [0; 512];
            while io.read(&mut rest).await? > 0 {}
            Ok::<(), std::io::Error>(())
        })
        .await;
    }
}

/// A text, or nothing of interest, or a reason to end.
fn incoming(message: Option<Result<Message, Error>>) -> Result<Option<Utf8Bytes>, End> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => {
            Err(End::fault(ErrorCode::InvalidRequest, "binary frames are not taken here; send JSON text"))
        }
        None | Some(Ok(Message::Close(_))) => Err(End::Gone),
        Some(Err(error)) => Err(broken(&error)),
    }
}

fn broken(error: &Error) -> End {
    match error {
        Error::Capacity(_) => {
            limits::refused(Limit::FrameBytes);
            End::fault(ErrorCode::PayloadTooLarge, format!("a message may have at most {MAX_MESSAGE} bytes"))
        }
        Error::Utf8(_) => End::fault(ErrorCode::InvalidJson, "a text frame must be valid UTF-8"),
        Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            End::Gone
        }
        Error::Protocol(why) => End::fault(ErrorCode::InvalidRequest, format!("not a WebSocket frame: {why}")),
        _ => End::Gone,
    }
}
