//! `docs/configuration.md` holds a table of all settings, made from the same structures that read them.

use std::path::Path;

use clap::{Arg, CommandFactory as _};

use crate::cli::Cli;

const BEGIN: &str = "<!-- settings: written by UPDATE_DOCS=1 cargo test -p recap settings_page -->\n";
const END: &str = "<!-- end of settings -->";

/// What only the engines of the distributed mode read: not there in every build, and told in `docs/operations.md`.
fn is_everywhere(arg: &Arg) -> bool {
    arg.get_env().and_then(|name| name.to_str()).is_some_and(|name| !name.starts_with("NATS_"))
}

/// One row for each setting of the server, in the order of `recap --help`.
fn table() -> String {
    let mut table = String::from("| variable | flag | default | meaning |\n| --- | --- | --- | --- |\n");
    for arg in Cli::command().get_arguments().filter(|arg| !arg.is_hide_set() && is_everywhere(arg)) {
        if let Some(row) = row(arg) {
            table.push_str(&row);
        }
    }
    table
}

fn row(arg: &Arg) -> Option<String> {
    let variable = arg.get_env()?.to_str()?;
    let flag = arg.get_long()?;
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .filter(|value| !value.is_empty())
        .map(|value| format!("`{}`", value.display()))
        .collect();
    let default = if defaults.is_empty() { "none".to_owned() } else { defaults.join(", ") };
    let told = arg.get_help()?.to_string().replace('\n', " ").replace('|', "\\|");
    Some(format!("| `{variable}` | `--{flag}` | {default} | {told} |\n"))
}

#[test]
fn the_page_holds_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    assert!(table.lines().count() > 15, "{table}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "the settings have changed: UPDATE_DOCS=1 cargo test -p recap settings_page");
}
