//! `recap watch`: the summary of a conversation, live in the terminal.
//!
//! Law: a connection that breaks is made again, and what was shown is not asked for twice.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::{ServerConfig, encode, secure, untrusted, untrusted_words};
use crate::import::conversation;
use crate::terminal::{self, Style, counted, grouped, people, tame};

const CONNECT: Duration = Duration::from_secs(10);
/// A server pings every 20 s.
const SILENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Settings of a listener.
#[derive(Debug, Args)]
pub(crate) struct WatchConfig {
    /// Which conversation; it need not exist yet
    #[arg(value_parser = conversation)]
    conversation: String,
    /// How long the summary is
    #[arg(long, value_enum, default_value_t = Length::Brief)]
    summary_type: Length,
    /// Leave out summaries up to this version
    #[arg(long, value_name = "VERSION")]
    since_version: Option<u64>,
    /// Stop after the first summary
    #[arg(long)]
    once: bool,
    /// Print each frame as a line of JSON, as the server sends it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Length {
    Brief,
    Detailed,
}

/// Why a connection is over.
enum Over {
    /// There is nothing more to come.
    Done,
    /// It broke, or the server stops: connect again.
    Broken(String),
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Listens until the conversation ends or Ctrl-C.
pub(crate) async fn run(config: WatchConfig) -> anyhow::Result<ExitCode> {
    secure();
    let mut watch = Watch { since: config.since_version, config, style: Style::stdout(), met: false };
    tokio::select! {
        done = watch.listen() => done.map(|()| ExitCode::SUCCESS),
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
    }
}

struct Watch {
    config: WatchConfig,
    /// The newest version that was shown.
    since: Option<u64>,
    style: Style,
    /// Whether a server answered once, so that it is worth waiting for.
    met: bool,
}

impl Watch {
    async fn listen(&mut self) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match timeout(CONNECT, connect_async(self.request()?)).await {
                Ok(Ok((socket, _))) => {
                    self.met = true;
                    pause = FIRST_PAUSE;
                    match self.follow(socket).await? {
                        Over::Done => return Ok(()),
                        Over::Broken(why) => why,
                    }
                }
                Ok(Err(tungstenite::Error::Http(response))) => self.refused(&response)?,
                Ok(Err(error)) if let Some(why) = untrusted(&error) => {
                    bail!("{}", untrusted_words(&self.config.server.origin(), &why));
                }
                Ok(Err(error)) if self.met => error.to_string(),
                Err(_) if self.met => "no answer".to_owned(),
                failed => {
                    let why = failed.map_or_else(
                        |_| "no answer".to_owned(),
                        |result| match result {
                            Ok(_) => String::new(),
                            Err(error) => error.to_string(),
                        },
                    );
                    bail!(
                        "no server answers at {} ({why}): start one with `recap serve`, or name another with --url",
                        self.config.server.origin()
                    );
                }
            };
            terminal::note(&format!("{why}; connecting again in {:.1} s", pause.as_secs_f32()));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn request(&self) -> anyhow::Result<tungstenite::handshake::client::Request> {
        let kind = match self.config.summary_type {
            Length::Brief => "brief",
            Length::Detailed => "detailed",
        };
        let since = self.since.map_or_else(String::new, |version| format!("&since_version={version}"));
        let (origin, name) = (self.config.server.origin().socket(), encode(&self.config.conversation));
        let url = format!("{origin}/ws/summarize?conversation_id={name}&summary_type={kind}&partial=0{since}");
        let mut request = url.into_client_request().context("--url is no address of a server")?;
        if let Some(key) = &self.config.server.key {
            let value = HeaderValue::from_str(&key.header()).context("--key is no key")?;
            request.headers_mut().insert("authorization", value);
        }
        Ok(request)
    }

    /// A refusal that passes is waited out, another one is the end.
    fn refused(&self, response: &tungstenite::http::Response<Option<Vec<u8>>>) -> anyhow::Result<String> {
        let body = response.body().as_deref().unwrap_or_default();
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = said["detail"]["error"].as_str().map_or_else(|| "no Recap answers there".to_owned(), tame);
        let status = response.status().as_u16();
        if self.met && matches!(status, 429 | 503 | 504) || status == 429 {
            return Ok(error);
        }
        bail!("the server refuses to be listened to ({status}): {error}");
    }

    async fn follow(&mut self, mut socket: Socket) -> anyhow::Result<Over> {
        loop {
            let next = match timeout(SILENCE, socket.next()).await {
                Err(_) => return Ok(Over::Broken("the server has gone silent".to_owned())),
                Ok(None) => return Ok(Over::Broken("the connection broke".to_owned())),
                Ok(Some(Err(error))) => return Ok(Over::Broken(error.to_string())),
                Ok(Some(Ok(message))) => message,
            };
            match next {
                Message::Text(text) => {
                    if self.frame(&text)? {
                        // Whether the server hears of it makes no difference.
                        let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(None))).await;
                        return Ok(Over::Done);
                    }
                }
                Message::Close(close) => {
                    let (code, reason) = close.map_or((1005, String::new()), |c| (c.code.into(), c.reason.to_string()));
                    return match code {
                        1000 => Ok(Over::Done),
                        1008 => bail!("the server closed the connection: {}", tame(&reason)),
                        _ => {
                            Ok(Over::Broken(if reason.is_empty() { format!("closed ({code})") } else { tame(&reason) }))
                        }
                    };
                }
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Shows a frame. Answers whether there is nothing more to wait for.
    fn frame(&mut self, text: &str) -> anyhow::Result<bool> {
        let frame: Value = serde_json::from_str(text).context("the server sent what is no JSON")?;
        let kind = frame["type"].as_str().unwrap_or_default();
        if kind == "summary" {
            self.since = frame["version"].as_u64().or(self.since);
        }
        let shown = if self.config.json { Some(format!("{text}\n")) } else { self.shown(kind, &frame) };
        if let Some(shown) = shown {
            use std::io::Write as _;
            let mut out = std::io::stdout().lock();
            if let Err(error) = out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
                terminal::unless_closed(Err(error))?;
                return Ok(true);
            }
        }
        Ok(kind == "ended" || (self.config.once && kind == "summary"))
    }

    fn shown(&self, kind: &str, frame: &Value) -> Option<String> {
        let text = |value: &Value| tame(value.as_str().unwrap_or_default());
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        match kind {
            "summary" => {
                let (version, time) = (&frame["version"], text(&frame["generated_at"]));
                let (messages, engine) = (number(&frame["covers"]["messages"]), text(&frame["engine"]));
                let head = format!("version {version} · {} · {engine} · {time}", counted(messages, "message"));
                let mut block = format!("{}\n{}\n", self.style.bold(&head), text(&frame["summary"]));
                for item in frame["insights"]["action_items"].as_array().into_iter().flatten() {
                    block.extend(["- ", &*text(item), "\n"]);
                }
                block.push('\n');
                Some(block)
            }
            "insights" => {
                let (messages, by) = (number(&frame["message_count"]), number(&frame["participant_count"]));
                let (mood, stale) = (text(&frame["sentiment"]), number(&frame["stale_messages"]));
                let mut line = format!("{} by {}, {mood}", counted(messages, "message"), people(by));
                if stale > 0 {
                    line.extend([", ", &*grouped(stale), " not summarized yet"]);
                }
                Some(format!("{}\n", self.style.dim(&line)))
            }
            "ended" => Some(format!("{}\n", self.style.bold(&format!("ended ({})", text(&frame["reason"]))))),
            "error" => Some(format!("error: {}\n", text(&frame["detail"]["error"]))),
            _ => None,
        }
    }
}
