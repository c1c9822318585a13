//! (h) What posts, bodies and pages cost with ten times the data.
//!
//! Law: the same server, the same requests, before and after, to conversations that are no longer young at either time:
//! what a conversation's own first messages save is not told as a price of the store's size.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::pages::{self, Pages};
use super::{Findings, messages_per_second, micros_each};
use crate::load::{End, Traffic, median};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Row, Unit};

/// How long loading or catching up may take.
const LIMIT: Duration = Duration::from_mins(30);
const CONVERSATIONS: usize = 1000;
/// Messages in each of the conversations that single posts go to, before anything is measured.
const YOUTH: u64 = 600;
/// What a cost may grow to.
const MOST: f64 = 1.3;

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut recap = bench.recap(&[]).await?;
    let messages = bench.options.or_quick(1_000_000, 10_000);
    pages::fill(bench, &mut recap, messages).await?;
    let traffic = Arc::new(Traffic::posts("posts", CONVERSATIONS, 100, 1));
    let youth = bench.options.or_quick(YOUTH * CONVERSATIONS as u64, 10_000);
    recap.run(&bench.load(recap.address(), &traffic, End::Messages { messages: youth, within: LIMIT })).await?;
    recap.catch_up(LIMIT).await?;
    pages::rest(&recap).await?;
    let begin = recap.posted;
    let mut small = Costs::measure(bench, &mut recap, messages).await?;
    let from = recap.posted;

    let traffic = Arc::new(Traffic::posts("grown", CONVERSATIONS, 100, 1));
    let more = (messages * 10).saturating_sub(from);
    let load = bench.load(recap.address(), &traffic, End::Messages { messages: more, within: LIMIT });
    recap.run(&load).await?;
    recap.catch_up(LIMIT).await?;
    pages::rest(&recap).await?;
    let to = recap.posted;
    let mut large = Costs::measure(bench, &mut recap, messages).await?;

    findings.note(format!("(h) measured from {begin} messages on, and again from {to} on"));
    let mut row = |what: &str, ratio: f64| {
        findings.row(Row::at_most(
            'h',
            format!("cost of {what} with ten times the data"),
            Figure(ratio, Unit::Ratio),
            MOST,
        ));
    };
    row("a post", small.posts.rate / large.posts.rate);
    row("a message in bodies of 100", small.bodies.rate / large.bodies.rate);
    let (before, after) = (small.pages.medians(), large.pages.medians());
    for (kind, what) in ["a first page", "a deep page", "a page by cursor"].into_iter().enumerate() {
        row(what, after[kind] / before[kind]);
    }
    findings.note(format!("(h) posts/s {:.0} then {:.0}", small.posts.rate, large.posts.rate));
    findings.note(format!("(h) messages/s in bodies of 100 {:.0} then {:.0}", small.bodies.rate, large.bodies.rate));
    for (what, before, after) in
        [("a post", &small.posts, &large.posts), ("a message in bodies of 100", &small.bodies, &large.bodies)]
    {
        let (before, after) = (before.cpu, after.cpu);
        findings.note(format!(
            "(h) processor time of {what}, all that goes on meanwhile included: {before:.2} µs then {after:.2} µs"
        ));
    }
    findings.note(format!("(h) pages (first, deep, cursor) p50 in ms {before:.3?} then {after:.3?}"));
    findings.peak("ten million messages", &recap)?;
    recap.stop().await?;
    Ok(())
}

struct Costs {
    posts: Cost,
    bodies: Cost,
    pages: Pages,
}

/// Of a message.
struct Cost {
    /// Messages a second.
    rate: f64,
    /// Microseconds of processor time, with all that goes on meanwhile; zero where it is not known.
    cpu: f64,
}

impl Costs {
    /// Pages first, while nothing is left to do from the posts.
    async fn measure(bench: &Bench, recap: &mut Recap, messages: u64) -> Result<Self> {
        let pages = pages::measure(bench, recap, messages).await?;
        let posts = cost(bench, recap, &Arc::new(Traffic::posts("posts", CONVERSATIONS, 1, 4))).await?;
        let bodies = cost(bench, recap, &Arc::new(Traffic::posts("bodies", CONVERSATIONS, 100, 1))).await?;
        Ok(Self { posts, bodies, pages })
    }
}

/// The median of some rounds, each begun caught up.
async fn cost(bench: &Bench, recap: &mut Recap, traffic: &Arc<Traffic>) -> Result<Cost> {
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds() {
        let load = bench.load(recap.address(), traffic, bench.round());
        let before = recap.cpu()?;
        let outcome = recap.run(&load).await?;
        cpu.extend(micros_each(before, recap.cpu()?, outcome.answered * traffic.messages));
        rates.push(messages_per_second(&outcome, traffic.messages));
        recap.catch_up(LIMIT).await?;
    }
    Ok(Cost { rate: median(&rates), cpu: if cpu.is_empty() { 0.0 } else { median(&cpu) } })
}
