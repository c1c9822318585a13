//! Requests whose end two readers may see in different places. Law: each is read one way or refused, and what was
//! hidden behind it is never carried out.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::wire::exchange;
use crate::client::Client;

/// How long a server may be silent before a test takes that for its last word.
const QUIET: Duration = Duration::from_millis(1_500);

/// A way to write a request down, and what may become of it.
struct Shape {
    name: &'static str,
    /// What comes before the hidden request.
    before: Before,
    /// Whether it may be answered well, as it can be read in one way only.
    sound: bool,
}

/// The bytes before the hidden request, which some have to count.
enum Before {
    /// Head and all.
    Bytes(String),
    /// A head with the length of the hidden request in place of `{}`: then that is its body.
    Counting(&'static str),
}

const POST: &str = "POST /chats HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

fn headers(name: &'static str, headers: &str, body: &str) -> Shape {
    Shape { name, before: Before::Bytes(format!("{POST}{headers}\r\n\r\n{body}")), sound: false }
}

fn chunks(name: &'static str, chunks: &str) -> Shape {
    headers(name, "transfer-encoding: chunked", chunks)
}

fn lengths() -> Vec<Shape> {
    vec![
        headers("length and chunks", "content-length: 4\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
        headers("chunks and length", "transfer-encoding: chunked\r\ncontent-length: 4", "0\r\n\r\n"),
        headers("chunks and a length of nothing", "transfer-encoding: chunked\r\ncontent-length: 0", "0\r\n\r\n"),
        headers("two lengths", "content-length: 0\r\ncontent-length: 5", ""),
        headers("two lengths, the shorter last", "content-length: 5\r\ncontent-length: 0", ""),
        headers("a list of lengths", "content-length: 0, 5", ""),
        headers("a signed length", "content-length: +0", ""),
        headers("a negative length", "content-length: -1", ""),
        headers("a length in base 16", "content-length: 0x0", ""),
        headers("a length with a tail", "content-length: 0;a", ""),
        headers("a length in two words", "content-length: 0 5", ""),
        headers("a length that overflows", "content-length: 18446744073709551616", ""),
        headers("a length beyond all", "content-length: 99999999999999999999999999999999", ""),
        headers("no digits", "content-length: ", ""),
        headers("blank before the colon", "content-length : 0", ""),
        headers("tab before the colon", "transfer-encoding\t: chunked", "0\r\n\r\n"),
        headers("folded length", "content-length:\r\n 0", ""),
        headers("folded coding", "transfer-encoding:\r\n chunked", "0\r\n\r\n"),
        headers("folded on", "x-a: b\r\n content-length: 0", ""),
        headers("name in two words", "content length: 0", ""),
        headers("nothing before the colon", ": 0\r\ncontent-length: 0", ""),
        headers("a line without a colon", "content-length\r\ncontent-length: 0", ""),
        headers("a bare return in a value", "x-a: b\rcontent-length: 0", ""),
        headers("a zero byte in a value", "x-a: \0b\r\ncontent-length: 0", ""),
        headers("a zero byte in a name", "x-\0a: b\r\ncontent-length: 0", ""),
    ]
}

fn codings() -> Vec<Shape> {
    vec![
        headers("an unknown coding", "transfer-encoding: xchunked", "0\r\n\r\n"),
        headers("chunked not last", "transfer-encoding: chunked, identity", "0\r\n\r\n"),
        headers("identity", "transfer-encoding: identity", "0\r\n\r\n"),
        headers("two codings on two lines", "transfer-encoding: chunked\r\ntransfer-encoding: identity", "0\r\n\r\n"),
        headers("chunked twice", "transfer-encoding: chunked, chunked", "0\r\n\r\n"),
        headers("chunked in quotes", "transfer-encoding: \"chunked\"", "0\r\n\r\n"),
        headers("a coding behind a control character", "transfer-encoding: \u{b}chunked", "0\r\n\r\n"),
        headers("a coding with a parameter", "transfer-encoding: chunked;a=b", "0\r\n\r\n"),
        Shape {
            name: "chunks in HTTP/1.0",
            before: Before::Bytes(format!("{}transfer-encoding: chunked\r\n\r\n0\r\n\r\n", POST.replace("1.1", "1.0"))),
            sound: false,
        },
        chunks("a chunk with a sign", "+0\r\n\r\n"),
        chunks("a chunk in base 16 twice over", "0x0\r\n\r\n"),
        chunks("a negative chunk", "-1\r\n\r\n"),
        chunks("an empty chunk size", "\r\n\r\n"),
        chunks("a chunk that overflows", "ffffffffffffffffff\r\n\r\n"),
        chunks("a chunk that wraps to nothing", "10000000000000000\r\n\r\n"),
        chunks("a chunk longer than said", "1\r\nab\r\n0\r\n\r\n"),
        chunks("a chunk without its end", "2\r\nab0\r\n\r\n"),
        chunks("a chunk size ended by a bare return", "0\r\r\n\r\n"),
        chunks("a letter that is no digit", "g\r\n\r\n"),
    ]
}

fn heads() -> Vec<Shape> {
    let whole = |name, text: &str| Shape { name, before: Before::Bytes(text.to_owned()), sound: false };
    vec![
        whole("no host", "GET /healthz HTTP/1.1\r\n\r\n"),
        whole("two hosts", "GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n"),
        whole("no version", "GET /healthz\r\nhost: x\r\n\r\n"),
        whole("a version that is none", "GET /healthz HTTP/1.2x\r\nhost: x\r\n\r\n"),
        whole("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        whole("a target with a blank", "GET /healthz /x HTTP/1.1\r\nhost: x\r\n\r\n"),
        whole("a method with a control character", "GE\u{1}T /healthz HTTP/1.1\r\nhost: x\r\n\r\n"),
        whole("a head that begins with a blank", "GET /healthz HTTP/1.1\r\n x: y\r\nhost: x\r\n\r\n"),
        // One whole request each, with the hidden one as its body: refused before the body is read, or without
        // looking at it. The body must not become the next request.
        Shape {
            name: "a body of GET",
            before: Before::Counting("GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n"),
            sound: true,
        },
        Shape {
            name: "a body of an unknown route",
            before: Before::Counting("POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n"),
            sound: false,
        },
        Shape {
            name: "a body of another type",
            before: Before::Counting(
                "POST /chats HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
            ),
            sound: false,
        },
        Shape {
            name: "a body behind a wrong key",
            before: Before::Counting(
                "POST /chats HTTP/1.1\r\nhost: x\r\nx-api-key: none\r\ncontent-length: {}\r\n\r\n",
            ),
            sound: false,
        },
        Shape {
            name: "a body that waits to be asked for",
            before: Before::Counting(
                "POST /nowhere HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            ),
            sound: false,
        },
        Shape {
            name: "a body of an upgrade that is none",
            before: Before::Counting(
                "GET /ws/summarize HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: {}\r\n\r\n",
            ),
            sound: false,
        },
    ]
}

/// A request that would make a conversation, if anybody carried it out.
fn hidden(conversation: &str) -> String {
    let body = format!(r#"{{"conversation_id":"{conversation}","user_id":"u","messages":[{{"content":"smuggled"}}]}}"#);
    format!("{POST}content-length: {}\r\n\r\n{body}", body.len())
}

impl Shape {
    fn bytes(&self, hidden: &str) -> String {
        match &self.before {
            Before::Bytes(bytes) => format!("{bytes}{hidden}"),
            Before::Counting(head) => head.replace("{}", &hidden.len().to_string()) + hidden,
        }
    }
}

/// What came of the table.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Shapes sent.
    pub shapes: usize,
    /// Answered with a 4xx, or 501.
    pub refused: usize,
    /// Not answered at all.
    pub unanswered: usize,
    /// Read in the only way they can be read.
    pub read: usize,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shapes, refused, unanswered, read } = self;
        write!(f, "{shapes} shapes: {refused} refused, {unanswered} not answered, {read} read in the one way there is")
    }
}

/// Statuses in the order in which they came. A body cannot hold one, as all bodies here are JSON of one line.
fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.split("HTTP/1.").skip(1);
    lines.filter_map(|line| line.get(2..5)?.parse().ok()).filter(|status| *status != 100).collect()
}

/// Every shape, with a request hidden behind it, on connections of their own and at once.
pub async fn nothing_is_smuggled(client: &Client, address: &str) -> Result<Told> {
    let shapes: Vec<Shape> = lengths().into_iter().chain(codings()).chain(heads()).collect();
    let sent = shapes.iter().enumerate().map(|(row, shape)| async move {
        let text = shape.bytes(&hidden(&format!("smuggled-{row}")));
        let answer = exchange(address, text.as_bytes(), QUIET).await?;
        anyhow::Ok((row, shape, answer))
    });
    let mut told = Told { shapes: shapes.len(), ..Told::default() };
    let mut faults = Vec::new();
    for (row, shape, answer) in futures_util::future::try_join_all(sent).await? {
        let statuses = statuses(&answer);
        let what = || format!("{}: {statuses:?} {answer}", shape.name);
        match statuses[..] {
            [] => told.unanswered += 1,
            [400..=499 | 501 | 505] => told.refused += 1,
            [200..=299] if shape.sound => told.read += 1,
            _ => faults.push(what()),
        }
        if client.get(&format!("/chats/smuggled-{row}")).await?.status != 404 {
            faults.push(format!("carried out behind {}", what()));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!(client.get("/healthz").await?.status == 200, "the server suffered");
    Ok(told)
}

/// The other side: an honest pipeline is answered in full, so that the law above can fail.
pub async fn honest_pipelines_are_answered(client: &Client, address: &str) -> Result<()> {
    let two = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n{}", hidden("pipelined"));
    let answer = exchange(address, two.as_bytes(), QUIET).await?;
    ensure!(statuses(&answer) == [200, 200], "{answer}");
    ensure!(client.get("/chats/pipelined").await?.status == 200, "{answer}");
    let chunked = format!("{POST}transfer-encoding: chunked\r\n\r\n");
    let body = r#"{"conversation_id":"chunked","user_id":"u","messages":[{"content":"said"}]}"#;
    let (first, second) = body.split_at(20);
    let chunks = format!("{:x};a=b\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\nx-trailer: y\r\n\r\n", 20, second.len());
    let answer = exchange(address, (chunked + &chunks).as_bytes(), QUIET).await?;
    ensure!(statuses(&answer) == [200], "{answer}");
    ensure!(client.history("chunked").await?.len() == 1, "{answer}");
    Ok(())
}
