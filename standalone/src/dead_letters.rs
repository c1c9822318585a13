//! `recap dead-letters`: conversations whose work keeps failing, and how to have it tried again.
//!
//! Law: a letter is forgotten only when its work was done, and no message is touched.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::{ConversationId, ConversationKey, TenantId, Timestamp};
use shared::ports::{DeadLetter, Ports};
use shared_adapters::{OpenError, StoreConfig, open_closing};
use summarizer_worker::{Replayed, dead_letters};

use crate::terminal::tame;

const CLOSE: Duration = Duration::from_secs(30);

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List conversations whose work failed, with the reason; no text of any chat is shown
    List {
        /// Print JSON, one line for each
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreConfig,
    },
    /// Forget the failures, so that the work is tried again at once
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Which conversation
    #[arg(required_unless_present = "all", value_parser = conversation)]
    conversation: Option<ConversationId>,
    /// Whose conversation
    #[arg(long, default_value = "public", value_parser = tenant)]
    tenant: TenantId,
    /// All of them
    #[arg(long, conflicts_with_all = ["conversation", "tenant"])]
    all: bool,
    /// Print JSON, one line for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreConfig,
}

fn conversation(text: &str) -> Result<ConversationId, String> {
    ConversationId::parse(text).map_err(|error| error.to_string())
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

/// Runs one of the commands.
pub(crate) async fn run(command: DeadLettersCommand) -> anyhow::Result<ExitCode> {
    let store = match &command {
        DeadLettersCommand::List { store, .. } => store,
        DeadLettersCommand::Replay(args) => &args.store,
    };
    if let Some(folder) = store.store_url.folder().filter(|folder| !folder.exists()) {
        anyhow::bail!("there is no data folder {}: set STORE_URL to the store that is meant", folder.display());
    }
    let opened = open_closing(store).await;
    if let Err(OpenError::Taken { folder }) = &opened {
        anyhow::bail!(
            "a server is running on {}, and an embedded store is for one process: stop the server, run this, and start \
             it again (it also tries again by itself, ever more seldom)",
            folder.display()
        );
    }
    let (ports, closing) = opened.context("cannot open the store")?;
    let done = match command {
        DeadLettersCommand::List { json, .. } => list(&ports, json).await,
        DeadLettersCommand::Replay(args) => replay(&ports, args).await,
    };
    drop(ports);
    closing.close(CLOSE).await;
    done
}

#[derive(Serialize)]
struct Line<'a> {
    tenant: &'a str,
    conversation_id: &'a str,
    hop: &'a str,
    reason: &'a str,
    attempts: u32,
    at: Timestamp,
}

async fn list(ports: &Ports, json: bool) -> anyhow::Result<ExitCode> {
    let letters = dead_letters(ports).await.context("cannot read the dead letters")?;
    for letter in &letters {
        let DeadLetter { key, hop, reason, at, attempts } = letter;
        let (tenant, conversation_id) = (key.tenant.as_str(), key.conversation.as_str());
        if json {
            let line = Line { tenant, conversation_id, hop, reason, attempts: *attempts, at: *at };
            println!("{}", serde_json::to_string(&line)?);
        } else {
            let (tenant, name) = (tame(tenant), tame(conversation_id));
            println!("{tenant}  {name}  {hop}  {attempts} attempts, last {at}  {}", tame(reason));
        }
    }
    if letters.is_empty() && !json {
        eprintln!("No work has failed.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(ports: &Ports, args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let letters = dead_letters(ports).await.context("cannot read the dead letters")?;
    let wanted = args.conversation.map(|conversation| ConversationKey::new(args.tenant, conversation));
    let chosen: Vec<ConversationKey> =
        letters.into_iter().map(|letter| letter.key).filter(|key| wanted.as_ref().is_none_or(|it| it == key)).collect();
    if let (Some(key), true) = (&wanted, chosen.is_empty()) {
        anyhow::bail!("no work of conversation {:?} of tenant {:?} has failed", key.conversation, key.tenant);
    }
    let replayed = summarizer_worker::replay(ports, &chosen).await.context("not all could be tried again")?;
    let failed = replayed.iter().any(|one| matches!(one, Replayed::Failed(_)));
    for (key, replayed) in chosen.iter().zip(&replayed) {
        println!("{}", if args.json { serde_json::to_string(&Became::of(key, replayed))? } else { row(key, replayed) });
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What became of a letter, for programs.
#[derive(Serialize)]
struct Became<'a> {
    tenant: &'a str,
    conversation_id: &'a str,
    /// `done`, `gone` or `failed`.
    outcome: &'static str,
    /// The record that the view has come to, where it is done.
    seq: Option<u64>,
    /// Why it fails still.
    reason: Option<&'a str>,
}

impl<'a> Became<'a> {
    fn of(key: &'a ConversationKey, replayed: &'a Replayed) -> Self {
        let (outcome, seq, reason) = match replayed {
            Replayed::Reached(seq) => ("done", Some(seq.0), None),
            Replayed::Gone => ("gone", None, None),
            Replayed::Failed(reason) => ("failed", None, Some(reason.as_str())),
        };
        Self { tenant: key.tenant.as_str(), conversation_id: key.conversation.as_str(), outcome, seq, reason }
    }
}

fn row(key: &ConversationKey, replayed: &Replayed) -> String {
    let (tenant, name) = (tame(key.tenant.as_str()), tame(key.conversation.as_str()));
    let became = match replayed {
        Replayed::Reached(seq) => format!("done, up to record {seq}; a server makes its summary"),
        Replayed::Gone => "there is no such conversation any more".to_owned(),
        Replayed::Failed(reason) => format!("fails still: {}", tame(reason)),
    };
    format!("{tenant}  {name}  {became}")
}
