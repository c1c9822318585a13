//! Configuration is read whole before anything starts, and all that is wrong with it is said at once.
//!
//! Law: exit code 0 after a clean end, 2 for bad usage or configuration, 1 else.

use std::ffi::OsString;
use std::fmt::Display;
use std::future::Future;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory, FromArgMatches, Parser};

/// More wrong settings than this are not listed.
const MOST: usize = 20;

/// The whole `main` of a process: reads `.env`, environment and arguments, then runs `run` on a runtime of its own.
///
/// `adapt` changes what the command line says of itself, such as the defaults of settings that differ by process.
pub fn main<P, F, E>(adapt: impl FnOnce(Command) -> Command, run: impl FnOnce(P) -> F) -> ExitCode
where
    P: Parser,
    F: Future<Output = Result<ExitCode, E>>,
    E: Display,
{
    // A missing file is the normal case; what it sets is checked with everything else.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        eprintln!("error: .env cannot be read: {error}");
        return ExitCode::from(2);
    }
    let args: Vec<OsString> = std::env::args_os().collect();
    let config = match parse::<P>(adapt(P::command()), &args) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(config)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The same command with other defaults for these arguments.
#[must_use]
pub fn defaults(command: Command, defaults: &[(&'static str, &'static str)]) -> Command {
    defaults.iter().fold(command, |command, (id, value)| command.mut_arg(id, |arg| arg.default_value(*value)))
}

/// On failure everything has been printed, and the exit code is given.
fn parse<P: CommandFactory + FromArgMatches>(mut command: Command, args: &[OsString]) -> Result<P, ExitCode> {
    let mut wrong = 0;
    while wrong < MOST {
        match command.clone().try_get_matches_from(args) {
            Ok(_) if wrong > 0 => return Err(ExitCode::from(2)),
            Ok(matches) => return P::from_arg_matches(&matches).map_err(|error| exit(&command, &error)),
            Err(error) => {
                let Some(relaxed) = relax(&command, &error) else {
                    return Err(exit(&command, &error));
                };
                // Only the complaint itself: the hint at --help would be repeated for each.
                let text = without_secrets(&command, &error);
                eprintln!("{}", text.split("\n\n").next().unwrap_or(&text).trim_end());
                command = relaxed;
                wrong += 1;
            }
        }
    }
    Err(ExitCode::from(2))
}

fn exit(command: &Command, error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nowhere is left to complain to if this fails.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    eprint!("{}", without_secrets(command, error));
    ExitCode::from(2)
}

/// A complaint, without the value of a setting whose values are never shown.
fn without_secrets(command: &Command, error: &clap::Error) -> String {
    let text = without_passwords(&error.render().to_string());
    let (Some(ContextValue::String(shown)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    else {
        return text;
    };
    let long = shown.trim_start_matches("--").split([' ', '=']).next().unwrap_or_default();
    if value.is_empty() || !hides(command, long) {
        return text;
    }
    // As it was given, and as it stands there now.
    text.replace(value.as_str(), "***").replace(&without_passwords(value), "***")
}

/// Whether an argument of this name keeps its values to itself.
fn hides(command: &Command, long: &str) -> bool {
    let of_this = command.get_arguments().any(|arg| arg.get_long() == Some(long) && arg.is_hide_env_values_set());
    of_this || command.get_subcommands().any(|sub| hides(sub, long))
}

/// A complaint shows what was set; of a URL, it leaves out what stands before its host.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || c == '\'' || c == '"').unwrap_or(part.len());
        let (url, rest) = part.split_at(end);
        shown.push_str("://");
        shown.push_str(url.rsplit_once('@').map_or(url, |(_, host)| host));
        shown.push_str(rest);
    }
    shown
}

/// The same command taking any text for the argument that `error` is about, so that the next fault can be found.
fn relax(command: &Command, error: &clap::Error) -> Option<Command> {
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

fn subcommand_with(command: &Command, long: &str) -> Option<Vec<String>> {
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

fn relax_at(command: Command, path: &[String], long: &str) -> Command {
    if let Some((first, rest)) = path.split_first() {
        return command.mut_subcommand(first, |inner| relax_at(inner, rest, long));
    }
    command.mut_args(
        |arg| {
            if arg.get_long() == Some(long) { arg.value_parser(clap::value_parser!(OsString)) } else { arg }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_show_no_passwords() {
        for (text, shown) in [
            ("invalid value 'mongodb://u:p@h/d' for", "invalid value 'mongodb://h/d' for"),
            ("'nats://u:p@q@a:1,nats://t@b' and http://x", "'nats://a:1,nats://b' and http://x"),
            ("no URL, me@example.org", "no URL, me@example.org"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }

    #[derive(Debug, Parser)]
    struct Settings {
        #[arg(long, default_value = "1")]
        number: u32,
    }

    #[test]
    fn defaults_differ_by_process() {
        let parsed = |args: &[&str]| {
            let command = defaults(Settings::command(), &[("number", "2")]);
            parse::<Settings>(command, &args.iter().map(OsString::from).collect::<Vec<_>>()).unwrap().number
        };
        assert_eq!(parsed(&["x"]), 2);
        assert_eq!(parsed(&["x", "--number", "3"]), 3);
    }
}
