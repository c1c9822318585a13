//! Over MongoDB: (i) the commands of a commit, and (j) what two replicas on conversations of their own cost each other.
//!
//! Law: commands are counted where they pass, on their way to the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use shared_testkit::mongo_proxy::MongoProxy;

use super::Findings;
use super::bare::{conversations, opened};
use crate::cluster::{Cluster, Ingest};
use crate::load::Traffic;
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

/// What drivers say to servers by themselves, to know how they are.
const GREETINGS: [&str; 4] = ["hello", "isMaster", "ismaster", "ping"];

type Counts = BTreeMap<(String, String), u64>;

pub(super) async fn one(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let cluster = Cluster::start(&bench.options).await?;
    let (database, proxy) = (cluster.database(), cluster.counter().await?);
    let ingest = opened(bench, &cluster, &database.behind(&proxy), "commands").await?;
    let counted = Counted::run(bench, &proxy, &[(&ingest, "commands")]).await?;
    let each = |commands: u64| Figure(commands as f64 / counted.commits, Unit::Count);
    let conversations = Figure(counted.messages / counted.commits, Unit::Count);
    findings.row(Row::plain('i', "conversations in a commit of posts of one message", conversations));
    findings.row(Row::at_most('i', "commands that insert its messages", each(counted.inserts), 1.0));
    findings.row(Row::at_most('i', "commands of the outbox, for each commit", each(counted.outbox), 1.0));
    findings.row(Row::at_most('i', "other commands, for each commit", each(counted.others), 0.0));
    ingest.stop().await
}

pub(super) async fn two(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let cluster = Cluster::start(&bench.options).await?;
    let (database, proxy) = (cluster.database(), cluster.counter().await?);
    let store = database.behind(&proxy);
    let names = ["left", "right"];
    let one = opened(bench, &cluster, &store, names[0]).await?;
    let other = opened(bench, &cluster, &store, names[1]).await?;
    let counted = Counted::run(bench, &proxy, &[(&one, names[0]), (&other, names[1])]).await?;
    let conflicts =
        one.metric("recap_append_conflicts_total").await? + other.metric("recap_append_conflicts_total").await?;
    let again = counted.inserts as f64 - counted.commits;
    let what = format!("conflicts of two ingest-apis on conversations of their own, in {:.0} commits", counted.commits);
    findings.row(Row::at_most('j', what, Figure(conflicts, Unit::Count), 0.0));
    findings.row(Row::at_most('j', "commands that insert again", Figure(again, Unit::Count), 0.0));
    one.stop().await?;
    other.stop().await
}

/// What passed during a round of posts of one message.
struct Counted {
    commits: f64,
    messages: f64,
    inserts: u64,
    outbox: u64,
    others: u64,
}

impl Counted {
    async fn run(bench: &Bench, proxy: &MongoProxy, under: &[(&Ingest, &str)]) -> Result<Self> {
        let before = (proxy.counts(), commits(under).await?);
        let rounds = under.iter().map(|(ingest, name)| {
            let traffic = Arc::new(Traffic::posts(name, conversations(bench), 1, 4));
            let load = bench.load(ingest.address(), &traffic, bench.round());
            async move { ingest.run(&load).await }
        });
        futures_util::future::try_join_all(rounds).await?;
        let after = (proxy.counts(), commits(under).await?);
        let (commits, messages) = (after.1.0 - before.1.0, after.1.1 - before.1.1);
        ensure!(commits >= 1.0, "nothing was committed");
        let passed = passed(&before.0, &after.0);
        let of = |collection: &str| passed.get(&("insert".to_owned(), collection.to_owned())).copied().unwrap_or(0);
        let (inserts, outbox) = (of("messages"), of("commits"));
        let others = passed.values().sum::<u64>() - inserts - outbox;
        Ok(Self { commits, messages, inserts, outbox, others })
    }
}

async fn commits(under: &[(&Ingest, &str)]) -> Result<(f64, f64)> {
    let (mut commits, mut messages) = (0.0, 0.0);
    for (ingest, _) in under {
        let (some, of_some) = ingest.commits().await?;
        (commits, messages) = (commits + some, messages + of_some);
    }
    Ok((commits, messages))
}

fn passed(before: &Counts, after: &Counts) -> Counts {
    let of_commits = after.iter().filter(|((name, _), _)| !GREETINGS.contains(&name.as_str()));
    of_commits.map(|(command, count)| (command.clone(), count - before.get(command).unwrap_or(&0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_the_difference_without_greetings() {
        let counts = |list: &[(&str, &str, u64)]| -> Counts {
            list.iter().map(|(name, of, count)| (((*name).to_owned(), (*of).to_owned()), *count)).collect()
        };
        let before = counts(&[("insert", "messages", 3), ("hello", "", 2)]);
        let after = counts(&[("insert", "messages", 5), ("hello", "", 9), ("find", "messages", 1)]);
        assert_eq!(passed(&before, &after), counts(&[("insert", "messages", 2), ("find", "messages", 1)]));
    }
}
