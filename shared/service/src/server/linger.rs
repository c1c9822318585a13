//! Closing so that the client can read the last answer. A socket closed with unread bytes is reset, and a client
//! that is still sending (a body that is too large) would see the reset instead of the answer.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout};

use super::connection::Shared;
use super::io::WatchedStream;

/// The longest pause of the client while its bytes are thrown away.
const PAUSE: Duration = Duration::from_secs(1);
/// The same while the process stops.
const PAUSE_AT_STOP: Duration = Duration::from_millis(200);
const IN_ALL: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Ends the sending side, throws away what still comes, then closes.
pub(super) async fn close(mut io: WatchedStream, shared: &Shared) {
    if io.shutdown().await.is_err() {
        return;
    }
    // What still comes by TLS is thrown away as it is.
    let stream = io.tcp();
    let until = Instant::now() + IN_ALL;
    let mut seen = 0;
    // On the heap, so that it is not part of every connection's task.
    let mut buffer = Vec::new();
    while seen < MAX_BYTES && Instant::now() < until {
        buffer.resize(16 * 1024, 0);
        match stream.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                seen += read;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        let pause = if shared.is_draining() { PAUSE_AT_STOP } else { PAUSE };
        let readable = async {
            tokio::select! {
                () = shared.killed() => false,
                readable = stream.readable() => readable.is_ok(),
            }
        };
        if !timeout(pause, readable).await.unwrap_or(false) {
            return;
        }
    }
}
