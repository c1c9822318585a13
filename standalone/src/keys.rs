//! `recap keys`: the text of a key is printed once, alone on standard output, and never kept.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use serde::Serialize;
use shared::config::duration;
use shared::domain::{ActId, Actor, ApiKey, AuditEntry, Deed, Digest, Outcome, Scope, Scopes, TenantId, Timestamp};
use shared::ports::{AuditLog, Clock, IdSource, StoreError};
use shared_adapters::{StoreConfig, SystemClock, SystemIds, open_audit, open_keys};

/// How many characters of a key are kept to find it again: `rk_` and 32 of its 160 random bits.
const PREFIX: usize = 11;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it alone on standard output; it cannot be shown again
    Create(CreateKey),
    /// List all keys by their first characters
    List {
        /// Print JSON, one line for each
        #[arg(long)]
        json: bool,
    },
    /// Refuse a key from now on
    Revoke {
        /// The first characters of the key, as listed
        prefix: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateKey {
    /// Whose data the key opens
    #[arg(long, value_parser = tenant)]
    pub(crate) tenant: TenantId,
    /// What it may do: write, read, admin
    #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
    pub(crate) scopes: Vec<Scope>,
    /// Requests a minute, where it differs from the default; 0 = no limit
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    /// Refuse it after this long, such as 90d
    #[arg(long, value_parser = duration)]
    pub(crate) expires: Option<Duration>,
    /// Print the key and what is kept of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "write" => Ok(Scope::Write),
        "read" => Ok(Scope::Read),
        "admin" => Ok(Scope::Admin),
        _ => Err("a scope is write, read or admin".to_owned()),
    }
}

/// A fresh key: its text, and what is kept of it.
pub(crate) fn mint(create: &CreateKey, ids: &dyn IdSource, now: Timestamp) -> (String, ApiKey) {
    let (left, right) = (u128::from_be_bytes(ids.random()), u128::from_be_bytes(ids.random()));
    let text = format!("rk_{left:032x}{:08x}", right & 0xffff_ffff);
    let key = ApiKey {
        hash: Digest::of(text.as_bytes()),
        prefix: text[..PREFIX].to_owned(),
        tenant: create.tenant.clone(),
        scopes: Scopes::from(create.scopes.clone()),
        rate: create.rate,
        created_at: now,
        expires_at: create.expires.map(|length| now.plus(length)),
        revoked_at: None,
        last_used_at: None,
    };
    (text, key)
}

/// Runs one of the commands.
pub(crate) async fn run(command: KeysCommand, store: &StoreConfig) -> anyhow::Result<ExitCode> {
    let keys = open_keys(store).await.context("cannot open the store")?;
    let now = SystemClock.now();
    let recorded = Recorded { audit: open_audit(store).await.context("cannot open the audit record")?, now };
    match command {
        KeysCommand::Create(create) => {
            let (text, key) = mint(&create, &SystemIds, now);
            let deed = Deed::CreateKey { prefix: key.prefix.clone() };
            let created = recorded.act(&key.tenant, deed, keys.create(&key), |()| Outcome::Done).await;
            created.context("cannot store the key")?;
            eprintln!("A key of tenant {}. It is shown this once:", key.tenant);
            let json = create.json.then(|| serde_json::to_string(&Made { key: &text, kept: Listed::of(&key, now) }));
            println!("{}", json.transpose()?.unwrap_or(text));
        }
        KeysCommand::List { json } => {
            for key in keys.list().await? {
                println!("{}", if json { serde_json::to_string(&Listed::of(&key, now))? } else { row(&key, now) });
            }
        }
        KeysCommand::Revoke { prefix } => {
            let Some(key) = keys.list().await?.into_iter().find(|key| key.prefix == prefix) else {
                eprintln!("error: no key begins with {prefix}: `recap keys list` shows them");
                return Ok(ExitCode::FAILURE);
            };
            let deed = Deed::RevokeKey { prefix: prefix.clone() };
            let outcome = |revoked| if revoked { Outcome::Done } else { Outcome::Nothing };
            recorded.act(&key.tenant, deed, keys.revoke(&prefix, now), outcome).await?;
            eprintln!("Key {prefix} is refused from now on.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps both entries of an act.
pub(crate) struct Recorded {
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) now: Timestamp,
}

impl Recorded {
    pub(crate) async fn act<T: Copy>(
        &self,
        tenant: &TenantId,
        deed: Deed,
        work: impl Future<Output = Result<T, StoreError>>,
        outcome: impl FnOnce(T) -> Outcome,
    ) -> anyhow::Result<()> {
        let entry = AuditEntry {
            act: ActId::from_random(SystemIds.random()),
            at: self.now,
            tenant: tenant.clone(),
            actor: Actor::Operator,
            deed,
            outcome: Outcome::Asked,
        };
        self.audit.record(&entry).await.context("cannot write the audit record, so nothing was done")?;
        let result = work.await;
        let ended = result.as_ref().map_or(Outcome::Failed, |done| outcome(*done));
        self.audit.record(&entry.then(SystemClock.now(), ended)).await.context("cannot write the audit record")?;
        result?;
        Ok(())
    }
}

/// What a new key is told with, once.
#[derive(Serialize)]
struct Made<'a> {
    key: &'a str,
    #[serde(flatten)]
    kept: Listed,
}

/// What is told of a key: nothing that opens anything.
#[derive(Serialize)]
struct Listed {
    prefix: String,
    tenant: String,
    scopes: Vec<&'static str>,
    /// Requests a minute; absent where it is the default, 0 for no limit.
    rate: Option<u32>,
    state: &'static str,
    created_at: String,
    expires_at: Option<String>,
    /// The hour of the last use.
    last_used_at: Option<String>,
}

impl Listed {
    fn of(key: &ApiKey, now: Timestamp) -> Self {
        let scopes = Vec::from(key.scopes).into_iter().map(|scope| match scope {
            Scope::Write => "write",
            Scope::Read => "read",
            Scope::Admin => "admin",
        });
        let state = if key.revoked_at.is_some() {
            "revoked"
        } else if key.expires_at.is_some_and(|at| at <= now) {
            "expired"
        } else {
            "active"
        };
        Self {
            prefix: key.prefix.clone(),
            tenant: key.tenant.to_string(),
            scopes: scopes.collect(),
            rate: key.rate,
            state,
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

fn row(key: &ApiKey, now: Timestamp) -> String {
    let Listed { prefix, tenant, scopes, rate, state, created_at, last_used_at, .. } = Listed::of(key, now);
    let rate = match rate {
        None => "default".to_owned(),
        Some(0) => "no limit".to_owned(),
        Some(rate) => format!("{rate}/min"),
    };
    let used = last_used_at.map_or_else(|| "never used".to_owned(), |hour| format!("used {hour}"));
    format!("{prefix}…  {tenant}  {}  {rate}  {state}  {created_at}  {used}", scopes.join(","))
}
