//! Configuration is read whole before anything starts, and all that is wrong with it is said at once.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser};

/// More wrong settings than this are not listed.
const MOST: usize = 20;

/// Reads arguments and environment. On failure everything has been printed, and the exit code is given.
pub(crate) fn parse<P: Parser + CommandFactory + FromArgMatches>(
    args: impl Iterator<Item = OsString>,
) -> Result<P, ExitCode> {
    let args: Vec<OsString> = args.collect();
    let mut command = P::command();
    let mut wrong = 0;
    while wrong < MOST {
        match command.clone().try_get_matches_from(&args) {
            Ok(_) if wrong > 0 => return Err(ExitCode::from(2)),
            Ok(matches) => return P::from_arg_matches(&matches).map_err(|error| exit(&error)),
            Err(error) => {
                let Some(relaxed) = relax(&command, &error) else {
                    return Err(exit(&error));
                };
                // Only the complaint itself: the hint at --help would be repeated for each.
                let text = error.render().to_string();
                eprintln!("{}", text.split("\n\n").next().unwrap_or(&text).trim_end());
                command = relaxed;
                wrong += 1;
            }
        }
    }
    Err(ExitCode::from(2))
}

fn exit(error: &clap::Error) -> ExitCode {
    // Nowhere is left to complain to if this fails.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// The same command taking any text for the argument that `error` is about, so that the next fault can be found.
fn relax(command: &clap::Command, error: &clap::Error) -> Option<clap::Command> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let value = error.get(ContextKind::InvalidValue)?;
    if matches!(value, ContextValue::String(text) if text.is_empty()) {
        return None;
    }
    let long = shown.strip_prefix("--")?.split([' ', '=']).next()?;
    let path = subcommand_with(command, long)?;
    Some(relax_at(command.clone(), &path, long))
}

fn subcommand_with(command: &clap::Command, long: &str) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut at = command;
    for name in std::env::args().skip(1) {
        if let Some(next) = at.find_subcommand(&name) {
            path.push(name);
            at = next;
        }
    }
    at.get_arguments().any(|arg| arg.get_long() == Some(long)).then_some(path)
}

fn relax_at(command: clap::Command, path: &[String], long: &str) -> clap::Command {
    if let Some((first, rest)) = path.split_first() {
        return command.mut_subcommand(first, |inner| relax_at(inner, rest, long));
    }
    command.mut_args(
        |arg| {
            if arg.get_long() == Some(long) { arg.value_parser(clap::value_parser!(OsString)) } else { arg }
        },
    )
}
