//! A proxy in front of a server that speaks MongoDB's protocol. Laws: it does what it was told, once, in the order in
//! which it was told; what it was not told of passes as it is.
//!
//! It also lends the substitute for MongoDB what that lacks: there, updates of one document by several clients do not
//! exclude each other, and an update command ends at its first error and forgets the rest. Behind this proxy they go
//! one statement at a time.

mod door;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bson::{Bson, Document, doc};
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use door::MongoDoor;
use wire::{Frame, Message};

/// What happens to one command.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection is cut, and the server never hears of it.
    CutBefore,
    /// The server does it, and the connection is cut before its reply.
    CutAfter,
    /// The server is asked that much later.
    Delay(Duration),
    /// The server is asked when [`MongoProxy::release`] is called.
    Hold,
    /// The server gets it twice, and its second reply is passed on.
    Twice,
    /// The server gets documents at these places only, and the connection is cut before its reply: as if the client or
    /// the server had died in the middle of an insert.
    Part(Vec<usize>),
    /// These fields are set in the reply.
    Reply(Document),
    /// The server is not asked: this is the reply.
    Instead(Document),
}

struct Told {
    command: String,
    collection: String,
    fault: Fault,
}

#[derive(Default)]
struct State {
    told: Mutex<VecDeque<Told>>,
    counts: Mutex<BTreeMap<(String, String), u64>>,
    released: Notify,
    /// By how many milliseconds the server's clock is shown to be ahead.
    ahead: AtomicI64,
    /// Held while an update of a collection runs, where the server does not keep updates apart.
    updates: Option<Mutex<BTreeMap<String, Turn>>>,
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// One command, on a connection of its own; fails where the server says that it did.
pub(crate) async fn one_command(port: u16, command: Document) -> Result<Document> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    Message::command(command).frame()?.write(&mut server).await?;
    let reply = Frame::read(&mut server).await?.context("no reply")?;
    let reply = reply.message()?.context("a reply of another kind")?.body;
    anyhow::ensure!(reply.get_f64("ok").unwrap_or_default() > 0.0, "{reply}");
    Ok(reply)
}

/// A running proxy. It ends when this is dropped.
pub struct MongoProxy {
    port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl MongoProxy {
    /// In front of a server on this machine.
    pub async fn start(server: u16) -> Result<Self> {
        Self::with(server, 0, State::default()).await
    }

    /// In front of the substitute, on a port of one's own.
    pub(crate) async fn mending(server: u16, port: u16) -> Result<Self> {
        let state = State { updates: Some(Mutex::default()), ..State::default() };
        Self::with(server, port, state).await
    }

    async fn with(server: u16, port: u16, state: State) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(state);
        let theirs = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(client, server, Arc::clone(&theirs)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, state, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Tells what happens to the next command of that name on that collection (one after the other, if told again).
    pub fn tell(&self, command: &str, collection: &str, fault: Fault) {
        let told = Told { command: command.to_owned(), collection: collection.to_owned(), fault };
        lock(&self.state.told).push_back(told);
    }

    /// Tells the same of so many commands.
    pub fn tell_all(&self, times: usize, command: &str, collection: &str, fault: &Fault) {
        for _ in 0..times {
            self.tell(command, collection, fault.clone());
        }
    }

    /// From now on the server's clock is shown to be that much ahead to those who ask what time it is there.
    pub fn put_forward(&self, by: Duration) {
        self.state.ahead.store(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Whether all that was told has happened.
    #[must_use]
    pub fn is_done(&self) -> bool {
        lock(&self.state.told).is_empty()
    }

    /// Lets held commands go on.
    pub fn release(&self) {
        self.state.released.notify_waiters();
    }

    /// How many commands of that name on that collection there were.
    #[must_use]
    pub fn count(&self, command: &str, collection: &str) -> u64 {
        lock(&self.state.counts).get(&(command.to_owned(), collection.to_owned())).copied().unwrap_or(0)
    }

    /// How many commands on any collection there were, by name and collection.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        lock(&self.state.counts).clone()
    }
}

impl Drop for MongoProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut client: TcpStream, server: u16, state: Arc<State>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    // Either side may be killed at any time; then the connection is over.
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    while let Ok(true) = exchange(&mut client, &mut server, &state).await {}
}

/// One command and its reply. False: the connection is over.
async fn exchange(client: &mut TcpStream, server: &mut TcpStream, state: &State) -> Result<bool> {
    let Some(frame) = Frame::read(client).await? else { return Ok(false) };
    let Some(message) = frame.message()? else { return pass(&frame, client, server).await };
    let fault = state.meet(&message);
    match fault {
        None if state.tells_another_time(&message) => {
            state.at_another_time(ask(&message, server).await?)?.frame()?.write(client).await?;
            Ok(true)
        }
        None => {
            if state.updates.is_some() && matches!(message.name(), "update" | "findAndModify" | "delete") {
                state.ask(&message, server).await?.frame()?.write(client).await?;
                return Ok(true);
            }
            pass(&frame, client, server).await
        }
        Some(Fault::CutBefore) => Ok(false),
        Some(Fault::CutAfter) => {
            state.ask(&message, server).await?;
            Ok(false)
        }
        Some(Fault::Part(places)) => {
            let all = message.list("documents");
            let part = places.iter().filter_map(|place| all.get(*place)).cloned().collect();
            state.ask(&message.with_list("documents", part), server).await?;
            Ok(false)
        }
        Some(Fault::Instead(reply)) => {
            message.reply(reply).frame()?.write(client).await?;
            Ok(true)
        }
        Some(fault) => {
            match &fault {
                Fault::Delay(time) => tokio::time::sleep(*time).await,
                Fault::Hold => state.released.notified().await,
                Fault::Twice => drop(state.ask(&message, server).await?),
                _ => {}
            }
            let mut reply = state.ask(&message, server).await?;
            if let Fault::Reply(fields) = fault {
                reply.body.extend(fields);
            }
            reply.frame()?.write(client).await?;
            Ok(true)
        }
    }
}

/// A message and its replies, as they are.
async fn pass(frame: &Frame, client: &mut (impl AsyncWrite + Unpin), server: &mut TcpStream) -> Result<bool> {
    frame.write(server).await?;
    loop {
        let Some(reply) = Frame::read(server).await? else { return Ok(false) };
        reply.write(client).await?;
        if !reply.more_to_come() {
            return Ok(true);
        }
    }
}

impl State {
    /// Counts a command, and finds out what was told of it.
    fn meet(&self, message: &Message) -> Option<Fault> {
        let (name, collection) = (message.name(), message.collection());
        *lock(&self.counts).entry((name.to_owned(), collection.to_owned())).or_default() += 1;
        let mut told = lock(&self.told);
        let place = told.iter().position(|told| told.command == name && told.collection == collection)?;
        told.remove(place).map(|told| told.fault)
    }

    /// Whether a client asks for the time, and is to be told another one.
    fn tells_another_time(&self, message: &Message) -> bool {
        self.ahead.load(Ordering::SeqCst) != 0 && message.name() == "hello" && !message.is_stream()
    }

    fn at_another_time(&self, mut reply: Message) -> Result<Message> {
        let time = reply.body.get_datetime("localTime").context("a reply without a time")?.timestamp_millis();
        let time = time.saturating_add(self.ahead.load(Ordering::SeqCst));
        reply.body.insert("localTime", bson::DateTime::from_millis(time));
        Ok(reply)
    }

    /// Has the server do a command.
    async fn ask(&self, message: &Message, server: &mut TcpStream) -> Result<Message> {
        let Some(updates) = &self.updates else { return ask(message, server).await };
        if !matches!(message.name(), "update" | "findAndModify" | "delete") {
            return ask(message, server).await;
        }
        let place = format!("{}.{}", message.body.get_str("$db").unwrap_or_default(), message.collection());
        let turn = Arc::clone(lock(updates).entry(place).or_default());
        let _alone = turn.lock().await;
        if message.name() == "update" { one_by_one(message, server).await } else { ask(message, server).await }
    }
}

async fn ask(message: &Message, server: &mut TcpStream) -> Result<Message> {
    message.frame()?.write(server).await?;
    let reply = Frame::read(server).await?.context("the server is gone")?;
    let mut reply = reply.message()?.context("a reply of another kind")?;
    reply.response_to = message.request_id;
    Ok(reply)
}

/// An update command, one statement at a time; the outcomes as one reply.
async fn one_by_one(message: &Message, server: &mut TcpStream) -> Result<Message> {
    let ordered = message.body.get_bool("ordered").unwrap_or(true);
    let (mut matched, mut modified) = (0_i64, 0_i64);
    let (mut upserted, mut errors) = (Vec::new(), Vec::new());
    let mut concern = None;
    for (index, statement) in message.list("updates").into_iter().enumerate() {
        let reply = ask(&message.clone().with_list("updates", vec![statement]), server).await?;
        let int = |name: &str| match reply.body.get(name) {
            Some(Bson::Int32(number)) => i64::from(*number),
            Some(Bson::Int64(number)) => *number,
            Some(Bson::Double(number)) if *number > 0.0 => 1,
            _ => 0,
        };
        if int("ok") != 1 {
            return Ok(reply);
        }
        matched += int("n");
        modified += int("nModified");
        let index = i32::try_from(index)?;
        upserted.extend(indexed(&reply, "upserted", index));
        errors.extend(indexed(&reply, "writeErrors", index));
        concern = concern.or_else(|| reply.body.get("writeConcernError").cloned());
        if ordered && !errors.is_empty() {
            break;
        }
    }
    let mut body = doc! { "n": i32::try_from(matched)?, "nModified": i32::try_from(modified)?, "ok": 1.0 };
    for (name, list) in [("upserted", upserted), ("writeErrors", errors)] {
        if !list.is_empty() {
            body.insert(name, list);
        }
    }
    if let Some(concern) = concern {
        body.insert("writeConcernError", concern);
    }
    Ok(message.reply(body))
}

fn indexed(reply: &Message, name: &str, index: i32) -> Vec<Bson> {
    let documents = reply.list(name).into_iter().map(|mut document| {
        document.insert("index", index);
        Bson::Document(document)
    });
    documents.collect()
}
