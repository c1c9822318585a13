//! The routes of the query hop over HTTP.

mod exports;
mod lists;
mod pages;
#[path = "../stage/mod.rs"]
mod stage;
mod summaries;

use anyhow::{Result, ensure};
use serde_json::Value;
use shared_testkit::client::Answer;

fn contents(page: &Value) -> Vec<String> {
    let list = page["messages"].as_array().cloned().unwrap_or_default();
    list.iter().map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
}

fn refused(answer: &Answer, status: u16, code: &str) -> Result<()> {
    ensure!(answer.status == status && answer.code()? == code, "not {status} {code} but {answer:?}");
    Ok(())
}
