//! `recap audit`: who erased, changed, exported, made and revoked what; also while a server runs on the store.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use shared::domain::{Actor, AuditEntry, Deed, Outcome, TenantId, UserDigest, UserId};
use shared::ports::AuditMark;
use shared_adapters::{StoreConfig, open_audit};

use crate::terminal::{tame, unless_closed};

/// Entries in one call.
const PAGE: usize = 1_000;

/// Settings of the list.
#[derive(Debug, Args)]
pub(crate) struct AuditConfig {
    /// Print JSON, one line for each entry
    #[arg(long)]
    json: bool,
    /// Only what concerns this tenant's data
    #[arg(long, value_parser = tenant)]
    tenant: Option<TenantId>,
    /// Only exports and erasures of this user, whose name is not in the record: say whose user with --tenant
    #[arg(long, requires = "tenant", value_parser = user)]
    user: Option<UserId>,
    #[command(flatten)]
    store: StoreConfig,
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

fn user(text: &str) -> Result<UserId, String> {
    UserId::parse(text).map_err(|error| error.to_string())
}

/// Prints entries, oldest first.
pub(crate) async fn run(config: AuditConfig) -> anyhow::Result<ExitCode> {
    let audit = open_audit(&config.store).await.context("cannot open the store")?;
    let mut output = BufWriter::new(io::stdout());
    let mut mark = AuditMark::default();
    loop {
        let page = audit.entries(&mark, PAGE).await.context("cannot read the audit record")?;
        for entry in page.entries.iter().filter(|entry| config.wants(entry)) {
            let line = if config.json { serde_json::to_string(entry)? } else { row(entry) };
            if let Err(error) = writeln!(output, "{line}") {
                unless_closed(Err(error))?;
                return Ok(ExitCode::SUCCESS);
            }
        }
        if !page.more {
            unless_closed(output.flush())?;
            return Ok(ExitCode::SUCCESS);
        }
        mark = page.mark;
    }
}

impl AuditConfig {
    fn wants(&self, entry: &AuditEntry) -> bool {
        let of_user = |tenant, user| entry.deed.user() == Some(UserDigest::of(tenant, user));
        self.tenant
            .as_ref()
            .is_none_or(|tenant| entry.tenant == *tenant && self.user.as_ref().is_none_or(|user| of_user(tenant, user)))
    }
}

fn row(entry: &AuditEntry) -> String {
    let actor = match &entry.actor {
        Actor::Key { key } => format!("{key}…"),
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::Operator => "operator".to_owned(),
    };
    let deed = match &entry.deed {
        Deed::EraseConversation { conversation_id } => format!("erase conversation {conversation_id}"),
        Deed::EditMessage { conversation_id, seq } => format!("edit message {seq} of {conversation_id}"),
        Deed::EraseMessage { conversation_id, seq } => format!("erase message {seq} of {conversation_id}"),
        Deed::EraseUser { user } => format!("erase user {user}"),
        Deed::ExportUser { user } => format!("export user {user}"),
        Deed::CreateKey { prefix } => format!("create key {prefix}…"),
        Deed::RevokeKey { prefix } => format!("revoke key {prefix}…"),
    };
    let outcome = match entry.outcome {
        Outcome::Asked => "asked",
        Outcome::Done => "done",
        Outcome::Nothing => "nothing to do",
        Outcome::Failed => "failed",
    };
    let (at, act, tenant) = (entry.at, entry.act.to_string(), tame(entry.tenant.as_str()));
    format!("{at}  {}  {tenant}  {actor}  {}  {outcome}", &act[..8], tame(&deed))
}
