//! `recap`: all of Recap in one process over an embedded store, and the commands around it.
//!
//! Its one law: exit code 0 after a clean end, 2 for bad usage or configuration, 1 else.

mod check;
mod cli;
mod keys;
mod local_key;
mod serve;

use std::process::ExitCode;

use cli::{Cli, Command};
use shared_service::command_line;

fn main() -> ExitCode {
    command_line::main(|command| command, run)
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => serve::run(cli.serve).await,
        Some(Command::Serve(config)) => serve::run(*config).await,
        Some(Command::Keys { command, store }) => keys::run(command, &store).await,
        Some(Command::Check(config)) => check::run(config).await,
    }
}
