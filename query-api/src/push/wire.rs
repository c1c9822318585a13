//! Bytes of the frames that the server sends (RFC 6455 §5.2): unmasked, so that all listeners share them.

use bytes::Bytes;
use serde::Serialize;

/// A ping without a payload.
pub const PING: Bytes = Bytes::from_static(&[0x89, 0]);

/// Room for the longest header: opcode, length marker, 8 bytes of length.
const HEADER: usize = 10;
/// The most bytes of a close reason: 125 less the code.
const MAX_REASON: usize = 123;

/// A text frame that holds `value` as JSON, written into one buffer.
pub fn json(value: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let mut buffer = Vec::with_capacity(1024);
    buffer.resize(HEADER, 0);
    serde_json::to_writer(&mut buffer, value)?;
    Ok(with_header(buffer))
}

/// A text frame of a payload that is UTF-8.
#[must_use]
pub fn text(payload: &[u8]) -> Bytes {
    let mut buffer = vec![0; HEADER];
    buffer.extend_from_slice(payload);
    with_header(buffer)
}

/// Fills the header into the bytes left free before the payload.
fn with_header(mut buffer: Vec<u8>) -> Bytes {
    let (header, length) = header(buffer.len() - HEADER);
    let start = HEADER - length;
    buffer[start..HEADER].copy_from_slice(&header[..length]);
    buffer.shrink_to_fit();
    Bytes::from(buffer).slice(start..)
}

fn header(payload: usize) -> ([u8; HEADER], usize) {
    let mut header = [0; HEADER];
    header[0] = 0x81;
    if let (Ok(short), true) = (u8::try_from(payload), payload < 126) {
        header[1] = short;
        (header, 2)
    } else if let Ok(medium) = u16::try_from(payload) {
        header[1] = 126;
        header[2..4].copy_from_slice(&medium.to_be_bytes());
        (header, 4)
    } else {
        header[1] = 127;
        header[2..].copy_from_slice(&(payload as u64).to_be_bytes());
        (header, HEADER)
    }
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The conversation ended or was erased.
    Ended,
    /// The process stops; connect again.
    GoingAway,
    /// The client broke a rule.
    Policy,
    /// Not now; connect again later.
    TryAgainLater,
}

impl Close {
    /// The status code (RFC 6455 §7.4, and the IANA registry for 1013).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Ended => 1000,
            Self::GoingAway => 1001,
            Self::Policy => 1008,
            Self::TryAgainLater => 1013,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Ended => "conversation ended",
            Self::GoingAway => "server is stopping",
            Self::Policy => "see the error frame",
            Self::TryAgainLater => "try again later",
        }
    }

    /// The close frame.
    #[must_use]
    pub fn frame(self) -> Bytes {
        let reason = self.reason().as_bytes();
        let reason = &reason[..reason.len().min(MAX_REASON)];
        let mut frame = Vec::with_capacity(4 + reason.len());
        frame.push(0x88);
        // Proven to fit: the reason has at most 123 bytes.
        frame.push(u8::try_from(2 + reason.len()).unwrap_or(2));
        frame.extend_from_slice(&self.code().to_be_bytes());
        frame.extend_from_slice(reason);
        Bytes::from(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_the_length_that_the_payload_needs() {
        for (payload, header) in [
            (2, vec![0x81, 2]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xff, 0xff]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            // A JSON string is two quotes longer than its text.
            let text = "x".repeat(payload - 2);
            let frame = json(&text).unwrap();
            assert_eq!(&frame[..header.len()], header, "{payload}");
            assert_eq!(frame.len(), header.len() + payload);
            assert_eq!(frame[header.len()], b'"');
        }
    }

    #[test]
    fn a_close_frame_holds_code_and_reason() {
        let frame = Close::Ended.frame();
        assert_eq!(&frame[..4], [0x88, 20, 0x03, 0xe8]);
        assert_eq!(&frame[4..], b"conversation ended");
    }
}
