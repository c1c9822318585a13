//! What the bare driver stores: the documents of a log copied again and again with `insert_many`, so many lanes at
//! once, so many documents in each call, confirmed by the majority and its journal. Prints documents a second, which is
//! what `recap-bench --store mongodb` holds Recap against.
//!
//! The copies have the log's bytes but for the seq in their `_id`, so they fall into the collection in the same order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use futures_util::TryStreamExt as _;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::options::{Acknowledgment, ClientOptions, InsertManyOptions, WriteConcern};
use mongodb::{Client, Collection};

/// Documents that are copied.
const PATTERNS: i64 = 5_000;
/// Where the seq stands in a document: behind its length, `_id` with its type, length and subtype, and 16 bytes of hash.
const SEQ: std::ops::Range<usize> = 30..38;
/// What a document begins with, behind its length.
const HEAD: &[u8] = b"\x05_id\0\x18\0\0\0\0";

#[derive(Debug, Parser)]
struct Cli {
    /// Database whose log is copied
    #[arg(long)]
    like: String,
    /// Database that is written
    #[arg(long)]
    into: String,
    /// Calls at once
    #[arg(long)]
    lanes: u64,
    /// Documents in a call
    #[arg(long)]
    group: usize,
    /// Seconds before those that count
    #[arg(long)]
    warm_up: f64,
    /// Seconds that count
    #[arg(long)]
    seconds: f64,
    /// Keep the log's indexes too
    #[arg(long)]
    indexed: bool,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let patterns = patterns(&messages(&cli.like).await?).await?;
    let target = messages(&cli.into).await?;
    if cli.indexed {
        for name in ["mid", "late"] {
            let options =
                mongodb::options::IndexOptions::builder().sparse(true).unique((name == "mid").then_some(true)).build();
            target.create_index(mongodb::IndexModel::builder().keys(doc! { name: 1 }).options(options).build()).await?;
        }
    }
    let begin = Instant::now() + Duration::from_secs_f64(cli.warm_up);
    let (end, counted) = (begin + Duration::from_secs_f64(cli.seconds), Arc::new(AtomicU64::new(0)));
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..cli.lanes {
        let (target, patterns, counted) = (target.clone(), Arc::clone(&patterns), Arc::clone(&counted));
        lanes.spawn(async move {
            let mut next = 0;
            while Instant::now() < end {
                let documents: Result<Vec<_>> =
                    (0..cli.group as u64).map(|place| copy(&patterns, lane, next + place)).collect();
                next += cli.group as u64;
                target.insert_many(documents?).with_options(durable()).await?;
                if (begin..end).contains(&Instant::now()) {
                    counted.fetch_add(cli.group as u64, Ordering::Relaxed);
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    println!("{}", counted.load(Ordering::Relaxed) as f64 / cli.seconds);
    Ok(())
}

async fn messages(url: &str) -> Result<Collection<RawDocumentBuf>> {
    let options = ClientOptions::parse(url).await?;
    let name = options.default_database.clone().context("the URL names no database")?;
    Ok(Client::with_options(options)?.database(&name).collection("messages"))
}

async fn patterns(log: &Collection<RawDocumentBuf>) -> Result<Arc<Vec<Vec<u8>>>> {
    let found: Vec<RawDocumentBuf> = log.find(doc! {}).limit(PATTERNS).await?.try_collect().await?;
    ensure!(!found.is_empty(), "there is no log to copy");
    let bytes: Vec<Vec<u8>> = found.into_iter().map(RawDocumentBuf::into_bytes).collect();
    ensure!(bytes.iter().all(|bytes| bytes[4..].starts_with(HEAD)), "the documents are no records of a log");
    Ok(Arc::new(bytes))
}

/// One of the patterns under a seq that no other copy has.
fn copy(patterns: &[Vec<u8>], lane: u64, number: u64) -> Result<RawDocumentBuf> {
    let which = usize::try_from(number)? % patterns.len();
    let mut bytes = patterns[which].clone();
    bytes[SEQ].copy_from_slice(&((lane << 48) + number).to_be_bytes());
    Ok(RawDocumentBuf::from_bytes(bytes)?)
}

/// As the log writes.
fn durable() -> InsertManyOptions {
    let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(Duration::from_secs(5));
    InsertManyOptions::builder().ordered(false).write_concern(concern.build()).build()
}
