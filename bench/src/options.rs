//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::null_server::NullConfig;

/// Starts Recap on a temporary folder, puts load on it, and prints what it reaches as a Markdown table. With
/// `--store mongodb`, the services over a database and a bus that it starts too.
#[derive(Debug, Parser)]
#[command(name = "recap-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What it can be besides the load generator.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve POST /chats with a fixed answer, after the same server, gate and parser as Recap's
    NullServer(Box<NullConfig>),
}

/// What is measured, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// What to measure; all but `growth` if none is named
    #[arg(value_enum)]
    pub(crate) scenarios: Vec<Scenario>,
    /// What keeps the messages: Recap's own files in one process, or a database between services
    #[arg(long, value_enum, default_value_t = Store::Embedded)]
    pub(crate) store: Store,
    /// Where the services' programs are, and `examples/mongo_bare` [default: this program's folder]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) services: Option<PathBuf>,
    /// Workers that project and summarize over the database while posts are compared with the bare driver
    #[arg(long, default_value_t = 0)]
    pub(crate) workers: usize,
    /// The server to start [default: `recap` beside this program]
    #[arg(long)]
    pub(crate) recap_binary: Option<PathBuf>,
    /// A folder on the disk to measure; data lie in a temporary folder in it [default: the system's]
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Seconds of each round of load that is counted
    #[arg(long, default_value_t = 5.0, value_parser = positive)]
    pub(crate) seconds: f64,
    /// Rounds of load, of which the median counts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Connections that post
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Threads that drive the connections
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: u16,
    /// A short run that shows that all works; its figures mean nothing
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure `growth` too, which takes minutes and gigabytes
    #[arg(long)]
    pub(crate) long: bool,
}

/// Where messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// In files of one process
    Embedded,
    /// In MongoDB (`$MONGOD_BIN`, or a substitute on which only ratios mean something), with notices by NATS
    Mongodb,
}

/// One figure, or some that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// (a) Durable posts of one message, against a null handler or the database's bare driver
    #[value(alias = "a")]
    Posts,
    /// (b) Durable posts of 100 messages
    #[value(alias = "b")]
    Bodies,
    /// (c) Pages of a conversation of a million messages
    #[value(alias = "c")]
    Pages,
    /// (d) From a post to its summary on a socket
    #[value(alias = "d")]
    Summary,
    /// (e) How far the views lag behind
    #[value(alias = "e")]
    Lag,
    /// (f) One update to thousands of sockets
    #[value(alias = "f")]
    Sockets,
    /// (g) Start, memory, and catching up
    #[value(alias = "g")]
    Start,
    /// (h) The same with ten times the data
    #[value(alias = "h")]
    Growth,
    /// (i) Commands sent to the database for a commit
    #[value(alias = "i")]
    Commands,
    /// (j) Two replicas on conversations of their own
    #[value(alias = "j")]
    Replicas,
    /// (k) Posts while NATS is away
    #[value(alias = "k")]
    Bus,
    /// (l) Five times more than it takes at once
    #[value(alias = "l")]
    Overload,
    /// (m) Normal requests beside a thousand slow clients
    #[value(alias = "m")]
    Slow,
}

impl Scenario {
    /// Whether it can be measured over this store.
    fn is_of(self, store: Store) -> bool {
        match self {
            Self::Posts | Self::Bodies => true,
            Self::Commands | Self::Replicas | Self::Bus => store == Store::Mongodb,
            _ => store == Store::Embedded,
        }
    }
}

impl Options {
    /// The scenarios to run, in their order.
    pub(crate) fn chosen(&self) -> Result<Vec<Scenario>> {
        if let Some(other) = self.scenarios.iter().find(|scenario| !scenario.is_of(self.store)) {
            bail!("{other:?} is not measured over the store {:?}: choose another --store", self.store);
        }
        let named = |scenario: &Scenario| self.scenarios.contains(scenario);
        let chosen = |scenario: &Scenario| match scenario {
            _ if named(scenario) => true,
            Scenario::Growth => self.long,
            _ => self.scenarios.is_empty(),
        };
        let of_store = Scenario::value_variants().iter().copied().filter(|scenario| scenario.is_of(self.store));
        Ok(of_store.filter(chosen).collect())
    }

    /// Of each round.
    pub(crate) fn counted(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 0.3 } else { self.seconds })
    }

    /// Before each round.
    pub(crate) fn warm_up(&self) -> Duration {
        self.counted() / 5
    }

    /// Rounds of load.
    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    /// This much, or as little as shows that it works.
    pub(crate) fn or_quick<N>(&self, full: N, quick: N) -> N {
        if self.quick { quick } else { full }
    }
}

fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.1..=3600.0).contains(&number) => Ok(number),
        _ => Err("must be a number from 0.1 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str]) -> Vec<Scenario> {
        Cli::try_parse_from([&["recap-bench"], arguments].concat()).unwrap().options.chosen().unwrap()
    }

    #[test]
    fn growth_only_if_asked_for() {
        assert_eq!(chosen(&[]).len(), 9);
        assert!(!chosen(&[]).contains(&Scenario::Growth));
        assert_eq!(chosen(&["--long"]).len(), 10);
        assert_eq!(chosen(&["h", "posts"]), [Scenario::Posts, Scenario::Growth]);
        assert_eq!(chosen(&["pages", "--long"]), [Scenario::Pages, Scenario::Growth]);
    }

    #[test]
    fn each_store_has_figures_of_its_own() {
        let over = |arguments: &[&str]| chosen(&[&["--store", "mongodb"], arguments].concat());
        assert_eq!(
            over(&[]),
            [Scenario::Posts, Scenario::Bodies, Scenario::Commands, Scenario::Replicas, Scenario::Bus]
        );
        assert_eq!(over(&["bus"]), [Scenario::Bus]);
        for wrong in [&["bus"][..], &["--store", "mongodb", "pages"]] {
            let options = Cli::try_parse_from([&["recap-bench"], wrong].concat()).unwrap().options;
            assert!(options.chosen().is_err(), "{wrong:?}");
        }
    }
}
