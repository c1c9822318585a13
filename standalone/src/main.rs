//! `recap`: all of Recap in one process over an embedded store, and the commands around it.
//!
//! Its one law: exit code 0 after a clean end, 2 for bad usage or configuration, 3 where something was left out, 1 else.

mod audit;
mod check;
mod cli;
mod client;
mod completions;
mod dead_letters;
mod exit;
mod export;
mod health;
mod import;
mod keys;
mod local_key;
mod migrate;
mod serve;
#[cfg(test)]
mod settings_page;
mod summarize;
mod terminal;
mod watch;

use std::process::ExitCode;

use cli::{Cli, Command};
use shared_service::command_line;

fn main() -> ExitCode {
    command_line::main(|command| command, run)
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => Box::pin(serve::run(cli.serve)).await,
        Some(Command::Serve(config)) => Box::pin(serve::run(*config)).await,
        Some(Command::Keys { command, store }) => keys::run(command, &store).await,
        Some(Command::Audit(config)) => audit::run(config).await,
        Some(Command::Check(config)) => check::run(config).await,
        Some(Command::Import(config)) => import::run(*config).await,
        Some(Command::Export(config)) => export::run(config).await,
        Some(Command::Summarize(config)) => summarize::run(config).await,
        Some(Command::Watch(config)) => watch::run(config).await,
        Some(Command::Migrate(config)) => migrate::run(config).await,
        Some(Command::DeadLetters { command }) => dead_letters::run(command).await,
        Some(Command::Health(config)) => health::run(&config),
        Some(Command::Bench) => Ok(bench()),
        Some(Command::Completions(config)) => Ok(completions::run(&config)),
    }
}

/// The load generator is a program of its own, which needs the sources.
fn bench() -> ExitCode {
    print!("{}", cli::texts::BENCH);
    ExitCode::SUCCESS
}
