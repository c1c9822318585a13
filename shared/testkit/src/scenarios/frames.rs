//! Frames that a good client never sends, and odd ones that it may send. Law: what RFC 6455 allows is understood; what
//! it forbids ends that connection, with a word why, and nothing else.

use std::fmt;

use anyhow::{Context, Result, ensure};

use crate::client::Client;
use crate::raw_socket::{RawFrame, RawSocket, frame};

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const CLOSE: u8 = 0x88;
/// A first fragment of a text,
const FIRST: u8 = 0x01;
/// one in the middle,
const MIDDLE: u8 = 0x00;
/// and the last.
const LAST: u8 = 0x80;

/// How the server may end a connection whose client broke the rules: as the contract says, or as RFC 6455 does.
const BROKEN: [u16; 4] = [1002, 1007, 1008, 1009];

/// What came of the tables.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Allowed cases that were understood.
    pub understood: usize,
    /// Forbidden cases that ended with an `error` frame and a close code,
    pub told: usize,
    /// and with a close code alone.
    pub closed: usize,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { understood, told, closed } = self;
        write!(f, "{understood} odd cases understood; {told} forbidden ones told why and closed, {closed} closed")
    }
}

fn split(text: &[u8], places: &[usize]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut from = 0;
    for (at, to) in places.iter().chain([&text.len()]).enumerate() {
        let first = match at {
            0 => FIRST,
            _ if *to == text.len() => LAST,
            _ => MIDDLE,
        };
        frames.push(frame(first, &text[from..*to]));
        from = *to;
    }
    frames
}

/// First frames that name the conversation `frames-é` in every way that is allowed.
fn allowed(name: &str) -> Vec<(&'static str, Vec<u8>)> {
    let ask = format!(r#"{{"conversation_id":"{name}"}}"#).into_bytes();
    let in_character = ask.iter().position(|byte| *byte == 0xc3).unwrap_or_default() + 1;
    let bytes: Vec<usize> = (1..ask.len()).collect();
    let between = |control: Vec<u8>| {
        let [first, second]: [Vec<u8>; 2] = [frame(FIRST, &ask[..5]), frame(LAST, &ask[5..])];
        [first, control, second].concat()
    };
    let spaces = [ask.clone(), vec![b' '; 60_000]].concat();
    vec![
        ("in one frame", frame(TEXT, &ask)),
        ("in two fragments", split(&ask, &[9]).concat()),
        ("a character over two fragments", split(&ask, &[in_character]).concat()),
        ("a fragment for each byte", split(&ask, &bytes).concat()),
        ("empty fragments before and behind", {
            let empty = [frame(FIRST, b""), frame(MIDDLE, b""), frame(MIDDLE, &ask), frame(LAST, b"")];
            empty.concat()
        }),
        ("a ping between fragments", between(frame(PING, b"in between"))),
        ("a pong between fragments", between(frame(PONG, b"nobody asked"))),
        ("a ping of nothing between fragments", between(frame(PING, b""))),
        ("pings before", [frame(PING, &[0xff; 125]), frame(PING, b""), frame(TEXT, &ask)].concat()),
        ("with 60,000 blanks", frame(TEXT, &spaces)),
        ("a length in its longest form", {
            let short = frame(TEXT, &ask);
            let long = [&[TEXT, 0x80 | 127][..], &(ask.len() as u64).to_be_bytes()[..], &short[2..]];
            long.concat()
        }),
    ]
}

/// Frames that end a connection.
fn forbidden() -> Vec<(String, Vec<u8>)> {
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| cases.push((name.to_owned(), bytes));
    add("a ping of 126 bytes", frame(PING, &[b'x'; 126]));
    add("a pong of 126 bytes", frame(PONG, &[b'x'; 126]));
    add("a close of 126 bytes", frame(CLOSE, &[&[0x03, 0xe8][..], &[b'x'; 124]].concat()));
    add("a ping in fragments", [frame(0x09, b"a"), frame(LAST, b"b")].concat());
    add("a pong in fragments", [frame(0x0a, b"a"), frame(LAST, b"b")].concat());
    add("a close in fragments", [frame(0x08, &[0x03]), frame(LAST, &[0xe8])].concat());
    for bits in [0x40, 0x20, 0x10, 0x70] {
        add(&format!("reserved bits {bits:#x} of a text"), frame(TEXT | bits, b"{}"));
        add(&format!("reserved bits {bits:#x} of a ping"), frame(PING | bits, b""));
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        add(&format!("opcode {opcode}"), frame(0x80 | opcode, b"x"));
    }
    add("more of nothing", frame(LAST, b"{}"));
    add("more of nothing, and yet more", frame(MIDDLE, b"{}"));
    add("a text within a text", [frame(FIRST, b"{"), frame(TEXT, b"{}")].concat());
    add("a text begun within a text", [frame(FIRST, b"{"), frame(FIRST, b"{}")].concat());
    add("without a mask", vec![TEXT, 2, b'{', b'}']);
    add("binary", frame(0x82, b"{}"));
    for (name, bytes) in [
        ("a lone middle byte", &b"\x80"[..]),
        ("a character cut short", b"\xce\xba\xe1\xbd"),
        ("a character in too many bytes", b"\xc0\xaf"),
        ("half a pair", b"\xed\xa0\x80"),
        ("beyond all characters", b"\xf4\x90\x80\x80"),
        ("no byte of text at all", b"\xff\xfe"),
    ] {
        add(&format!("bad UTF-8: {name}"), frame(TEXT, bytes));
        let (first, second) = bytes.split_at(bytes.len() / 2);
        add(&format!("bad UTF-8 over two fragments: {name}"), [frame(FIRST, first), frame(LAST, second)].concat());
    }
    add("a message of 64 KiB and one byte", frame(TEXT, &vec![b' '; 65_537]));
    add("a message too large in fragments", {
        let parts: Vec<Vec<u8>> = (0..9).map(|n| frame(if n == 0 { FIRST } else { MIDDLE }, &[b' '; 8_192])).collect();
        parts.concat()
    });
    add("a length of 2 to the 62", [&[TEXT, 0xff][..], &(1_u64 << 62).to_be_bytes()[..], &[0; 4]].concat());
    add("a length with its first bit set", [&[TEXT, 0xff][..], &u64::MAX.to_be_bytes()[..], &[0; 4]].concat());
    cases
}

/// Close frames: what is sent, and which codes may come back.
fn closes() -> Vec<(String, Vec<u8>, Vec<u16>)> {
    let coded = |code: u16, reason: &[u8]| frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat());
    let mut cases = vec![("no code".to_owned(), frame(CLOSE, b""), vec![1000, 1005])];
    for code in [1000, 1001, 1003, 1007, 1008, 1011, 3000, 3999, 4000, 4999] {
        cases.push((format!("{code}"), coded(code, b"bye"), vec![code, 1000]));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        cases.push((format!("{code}, which may not be sent"), coded(code, b""), vec![1002]));
    }
    cases.push(("half a code".to_owned(), frame(CLOSE, &[3]), vec![1002, 1008]));
    cases.push(("a reason that is no text".to_owned(), coded(1000, b"\xff\xfe"), vec![1002, 1007, 1008]));
    cases
}

/// All that is allowed is understood: the stored summary comes.
pub async fn odd_frames_are_understood(client: &Client, address: &str) -> Result<Told> {
    let name = "frames-é";
    client.say(name, &[("u", "We ship on Friday.")]).await?;
    client.settled_summary(name).await?;
    let mut told = Told::default();
    for (case, bytes) in allowed(name) {
        let mut socket = RawSocket::open(address, "", "").await?;
        socket.send(&bytes).await?;
        let text = socket.until(TEXT).await.with_context(|| case)?;
        let text = String::from_utf8(text)?;
        ensure!(text.contains(r#""type":"summary""#) || text.contains(r#""type":"insights""#), "{case}: {text}");
        told.understood += 1;
    }
    told.understood += pings_are_answered(address).await?;
    Ok(told)
}

async fn pings_are_answered(address: &str) -> Result<usize> {
    let mut socket = RawSocket::open(address, "conversation_id=frames-pings", "").await?;
    let payloads: [&[u8]; 4] = [b"", b"x", b"\x00\xff binary", &[0xfe; 125]];
    for payload in payloads {
        socket.send(&frame(PING, payload)).await?;
        ensure!(socket.until(PONG).await? == payload, "the pong is not the ping's");
    }
    // Byte by byte, as a slow line would.
    for byte in frame(PING, b"slow") {
        socket.send(&[byte]).await?;
    }
    ensure!(socket.until(PONG).await? == b"slow");
    Ok(payloads.len() + 1)
}

/// All that is forbidden ends the connection, before and after it listens.
pub async fn broken_frames_end_their_connection(client: &Client, address: &str) -> Result<Told> {
    let mut told = Told::default();
    for query in ["", "conversation_id=frames-broken"] {
        let cases = forbidden();
        let ends = cases.iter().map(|(case, bytes)| async move {
            let mut socket = RawSocket::open(address, query, "").await?;
            socket.send(bytes).await?;
            anyhow::Ok((case, socket.end().await.with_context(|| case.clone())?))
        });
        for (case, (code, texts)) in futures_util::future::try_join_all(ends).await? {
            let code = code.with_context(|| format!("{case}: the connection ended without a close frame"))?;
            ensure!(BROKEN.contains(&code), "{case}: closed with {code}");
            if texts.iter().any(|text| text.contains(r#""type":"error""#)) {
                told.told += 1;
            } else {
                told.closed += 1;
            }
        }
    }
    ensure!(client.get("/healthz").await?.status == 200, "the server suffered");
    Ok(told)
}

/// A close is answered with a close, whatever its code.
pub async fn closes_are_answered(address: &str) -> Result<usize> {
    let cases = closes();
    let ends = cases.iter().flat_map(|case| [("", case), ("conversation_id=frames-closing", case)]);
    let ends = ends.map(|(query, (case, bytes, codes))| async move {
        let mut socket = RawSocket::open(address, query, "").await?;
        socket.send(bytes).await?;
        let (code, texts) = socket.end().await.with_context(|| case.clone())?;
        ensure!(code.is_some_and(|code| codes.contains(&code)), "{case}: answered with {code:?} {texts:?}");
        Ok(())
    });
    Ok(futures_util::future::try_join_all(ends).await?.len())
}

/// Compression is offered in vain: the answer names no extension, and what comes is plain text.
pub async fn compression_is_refused(client: &Client, address: &str) -> Result<()> {
    client.say("frames-plain", &[("u", "We ship on Friday.")]).await?;
    client.settled_summary("frames-plain").await?;
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits, permessage-bzip2",
        "x-webkit-deflate-frame",
        "nonsense;;;=",
    ] {
        let more = format!("sec-websocket-extensions: {offer}\r\n");
        let mut socket = RawSocket::open(address, "conversation_id=frames-plain", &more).await?;
        ensure!(!socket.head.to_lowercase().contains("sec-websocket-extensions"), "{}", socket.head);
        match socket.next().await? {
            RawFrame::Frame(TEXT, text) => ensure!(text.starts_with(b"{"), "{offer}: {text:?}"),
            other => anyhow::bail!("{offer}: {other:?}"),
        }
    }
    Ok(())
}
