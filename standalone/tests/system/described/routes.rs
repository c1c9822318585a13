//! Paths and methods: those described are those answered.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use shared_testkit::client::Client;

use super::documents::Documents;
use crate::repository;

/// Where routes are made.
const SOURCES: [&str; 6] =
    ["ingest-api/src", "query-api/src", "shared/service/src/ops.rs", "dashboard/src", "api-docs/src", "standalone/src"];

/// Every path given to a router is described, and every path described was given to one.
pub(crate) fn are_those_of_the_source(documents: &Documents) -> Result<()> {
    let mut made = BTreeSet::new();
    for source in SOURCES {
        collect(&repository().join(source), &mut made)?;
    }
    // Single files of pages are described by their pattern.
    made.retain(|path| !path.starts_with("/assets/") || path.contains('{'));
    let described: BTreeSet<String> = documents.paths()?.into_iter().map(str::to_owned).collect();
    ensure!(made == described, "in the source: {made:?}\ndescribed: {described:?}");
    Ok(())
}

fn collect(place: &Path, made: &mut BTreeSet<String>) -> Result<()> {
    if place.is_dir() {
        for entry in std::fs::read_dir(place)? {
            collect(&entry?.path(), made)?;
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(place).with_context(|| place.display().to_string())?;
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for call in code.split(".route(").skip(1) {
        let path = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        made.insert(path.with_context(|| format!("{}: a route without a plain path", place.display()))?.to_owned());
    }
    Ok(())
}

/// A described method is answered, any other is 405 with those described in `Allow`.
pub(crate) async fn take_described_methods_only(documents: &Documents, client: &Client) -> Result<()> {
    let operations = documents.operations();
    for path in documents.paths()? {
        let address = path
            .replace("{conversation_id}", "none")
            .replace("{user_id}", "none")
            .replace("{name}", "docs.js")
            .replace("{seq}", "1");
        let described = operations.iter().filter(|operation| operation.path == path);
        let mut taken: BTreeSet<&str> = described.map(|operation| operation.method.as_str()).collect();
        if taken.contains("GET") {
            taken.insert("HEAD");
        }
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ] {
            let answer = client.send(client.request(method.clone(), &address)).await?;
            let told = format!("{method} {path}: {} {:.300}", answer.status, answer.text);
            if taken.contains(method.as_str()) {
                ensure!(answer.status != 405, "{told}");
                let unknown = answer.status == 404 && method != Method::HEAD && answer.code()? == "not_found";
                ensure!(!unknown, "{told}");
                continue;
            }
            ensure!(answer.status == 405, "{told}");
            let allow: BTreeSet<&str> = answer.header("allow").split(',').map(str::trim).collect();
            ensure!(allow == taken, "{told}: Allow is {allow:?}, described are {taken:?}");
            if method != Method::HEAD {
                documents.check_shared("MethodNotAllowed", &answer).with_context(|| told)?;
            }
        }
    }
    let unknown = client.get("/nowhere").await?;
    documents.check_shared("NotFound", &unknown)
}
