//! `recap completions`: what a shell needs to complete commands, settings and values.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;

/// Settings of the completions.
#[derive(Debug, Args)]
pub(crate) struct CompletionsConfig {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints them.
pub(crate) fn run(config: &CompletionsConfig) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(config.shell, &mut Cli::command(), "recap", &mut script);
    match crate::terminal::unless_closed(std::io::Write::write_all(&mut std::io::stdout().lock(), &script)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
