//! An OpenAI-compatible endpoint on a free port. Law: each call plays the next fault of the script, if one is left,
//! and is answered well otherwise; what it answers it bills.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shared::domain::Usage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::brain::{Brain, Question};

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection is closed before any answer,
    CloseAtOnce,
    /// within the headers,
    CloseInHeaders,
    /// or within the body.
    CloseInBody,
    /// Nothing comes.
    Hang,
    /// A byte now and then.
    Drip,
    /// A body of status 200, of a type.
    Body(&'static str, Vec<u8>),
    /// The good answer, changed: the whole reply.
    Reply(fn(Value) -> Value),
    /// The good answer, its text changed.
    Text(fn(String) -> String),
    /// A stream that stops in its middle.
    CutStream,
    /// The good answer, after so long.
    Late(Duration),
}

/// A running endpoint.
pub struct ModelServer {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    brain: Brain,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Fault>,
    /// Fields of questions that are refused with 400, as old endpoints do.
    unknown: Vec<&'static str>,
    calls: Vec<Question>,
    bodies: Vec<Value>,
    answered: u64,
    billed: Usage,
    /// How long good answers take between their pieces.
    pace: Duration,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModelServer {
    /// Starts one.
    pub async fn start(obeys: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { brain: Brain::new(obeys), state: Mutex::default() });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // A client that goes away is its own affair.
                    let _ = serve(stream, &shared).await;
                });
            }
        });
        Ok(Self { address, shared, accepting })
    }

    /// The address for `OPENAI_BASE_URL`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next calls go wrong like this, one each.
    pub fn play(&self, script: impl IntoIterator<Item = Fault>) {
        self.shared.state().script.extend(script);
    }

    /// Refuses questions with these fields.
    pub fn refuse(&self, fields: &[&'static str]) {
        self.shared.state().unknown = fields.to_vec();
    }

    /// Good streams take so long between two pieces.
    pub fn pace(&self, pace: Duration) {
        self.shared.state().pace = pace;
    }

    /// Faults not yet played.
    #[must_use]
    pub fn left(&self) -> usize {
        self.shared.state().script.len()
    }

    /// All questions so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Question> {
        self.shared.state().calls.clone()
    }

    /// All bodies so far.
    #[must_use]
    pub fn bodies(&self) -> Vec<Value> {
        self.shared.state().bodies.clone()
    }

    /// How many questions were answered well.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.state().answered
    }

    /// Tokens as the model counts them.
    #[must_use]
    pub fn tokens(&self, text: &str) -> u64 {
        self.shared.brain.tokens(text)
    }

    /// What all answers cost.
    #[must_use]
    pub fn billed(&self) -> Usage {
        self.shared.state().billed
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    let body: Value = serde_json::from_slice(&request(&mut stream).await?)?;
    let question = question(&body);
    let (fault, unknown, pace) = {
        let mut state = shared.state();
        state.bodies.push(body.clone());
        state.calls.push(question.clone());
        let unknown = state.unknown.iter().find(|field| body.pointer(field).is_some()).copied();
        let fault = if unknown.is_some() { None } else { state.script.pop_front() };
        (fault, unknown, state.pace)
    };
    if let Some(field) = unknown {
        let name = field.trim_start_matches('/').split('/').next().unwrap_or_default();
        let error = json!({"error": {"message": format!("Unsupported parameter: '{name}'"), "type": "invalid_request_error", "param": name, "code": "unsupported_parameter"}});
        return status(&mut stream, 400, &[], &error.to_string()).await;
    }
    let text = shared.brain.answer(&question);
    let usage = Usage { tokens_in: shared.brain.asked(&question), tokens_out: shared.brain.tokens(&text) };
    let streamed = body["stream"] == true;
    let good = Good { text, usage, streamed, pace };
    match fault {
        None => good.send(&mut stream, shared).await,
        Some(Fault::Late(after)) => {
            tokio::time::sleep(after).await;
            good.send(&mut stream, shared).await
        }
        Some(fault) => play(fault, good, &mut stream).await,
    }
}

async fn request(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut read = Vec::new();
    let head = loop {
        if let Some(at) = read.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        anyhow::ensure!(stream.read_buf(&mut read).await? > 0, "the client went away");
    };
    let headers = String::from_utf8_lossy(&read[..head]).to_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length:")).context("no length")?;
    let end = head + length.trim().parse::<usize>()?;
    while read.len() < end {
        anyhow::ensure!(stream.read_buf(&mut read).await? > 0, "the client went away");
    }
    Ok(read[head..end].to_vec())
}

fn question(body: &Value) -> Question {
    let content = |at: usize| body["messages"][at]["content"].as_str().unwrap_or_default().to_owned();
    let schema = &body["response_format"]["json_schema"];
    let role = content(0);
    // Endpoints without schemas are told the form in the text.
    let form = schema["name"].as_str().map_or_else(|| form_in(&role).to_owned(), str::to_owned);
    let schema = if schema.is_null() { String::new() } else { schema["schema"].to_string() };
    Question { role, text: content(1), form, schema }
}

fn form_in(role: &str) -> &'static str {
    let has = |name: &str| role.contains(&format!("\"{name}\":"));
    if has("texts") {
        "texts"
    } else if has("brief") {
        "summary"
    } else {
        "notes"
    }
}

async fn status(stream: &mut TcpStream, status: u16, headers: &[(&'static str, String)], body: &str) -> Result<()> {
    let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        head.push_str("content-type: application/json\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

/// A good answer.
struct Good {
    text: String,
    usage: Usage,
    streamed: bool,
    pace: Duration,
}

impl Good {
    fn usage(&self) -> Value {
        let Usage { tokens_in, tokens_out } = self.usage;
        json!({"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out})
    }

    fn reply(&self) -> Value {
        json!({
            "id": "x", "object": "chat.completion", "model": "mock-0125",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": self.text}, "finish_reason": "stop"}],
            "usage": self.usage(),
        })
    }

    fn chunks(&self) -> Vec<Value> {
        let mut chunks = vec![json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})];
        let characters: Vec<char> = self.text.chars().collect();
        for piece in characters.chunks(24) {
            let piece: String = piece.iter().collect();
            chunks.push(json!({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": null}]}));
        }
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
        chunks.push(json!({"choices": [], "usage": self.usage()}));
        chunks
    }

    async fn send(self, stream: &mut TcpStream, shared: &Shared) -> Result<()> {
        {
            // Billed when it begins to answer, whether or not anybody still listens.
            let mut state = shared.state();
            state.answered += 1;
            state.billed.tokens_in += self.usage.tokens_in;
            state.billed.tokens_out += self.usage.tokens_out;
        }
        if !self.streamed {
            return status(stream, 200, &[], &self.reply().to_string()).await;
        }
        stream.write_all(STREAM_HEAD).await?;
        for chunk in self.chunks() {
            stream.write_all(format!("data: {chunk}\n\n").as_bytes()).await?;
            if !self.pace.is_zero() {
                tokio::time::sleep(self.pace).await;
            }
        }
        stream.write_all(b"data: [DONE]\n\n").await?;
        stream.shutdown().await?;
        Ok(())
    }
}

const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

async fn play(fault: Fault, good: Good, stream: &mut TcpStream) -> Result<()> {
    match fault {
        Fault::Status(code, headers, body) => status(stream, code, &headers, &body).await,
        Fault::CloseAtOnce | Fault::Late(_) => Ok(()),
        Fault::CloseInHeaders => Ok(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-ty").await?),
        Fault::CloseInBody => {
            let reply = good.reply().to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", reply.len());
            stream.write_all(head.as_bytes()).await?;
            Ok(stream.write_all(&reply.as_bytes()[..reply.len() / 2]).await?)
        }
        Fault::Hang => std::future::pending().await,
        Fault::Drip => {
            stream.write_all(STREAM_HEAD).await?;
            for byte in good.chunks()[1].to_string().bytes() {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(())
        }
        Fault::Body(kind, body) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            Ok(stream.shutdown().await?)
        }
        Fault::Reply(change) => status(stream, 200, &[], &change(good.reply()).to_string()).await,
        Fault::Text(change) => {
            let changed = Good { text: change(good.text.clone()), ..good };
            status(stream, 200, &[], &changed.reply().to_string()).await
        }
        Fault::CutStream => {
            stream.write_all(STREAM_HEAD).await?;
            let chunks = good.chunks();
            for chunk in &chunks[..chunks.len() / 2] {
                stream.write_all(format!("data: {chunk}\n\n").as_bytes()).await?;
            }
            Ok(())
        }
    }
}
