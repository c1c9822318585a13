//! Batches over the wire. Law: a message that the server will not have is named and left out; the others go on.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::bail;
use reqwest::StatusCode;
use serde::Deserialize;
use shared::export_line::SEQ_ID;

use crate::client::{CallError, Client, Refusal, encode};
use crate::export::history::{HistoryMessage, HistoryPage};
use crate::import::batch::{Batch, Encoded};
use crate::import::report::Report;
use crate::terminal;

/// After so many messages that stand there differently, and none that fits, something is wrong with all of them.
const CONFLICTS: u64 = 50;

#[derive(Deserialize)]
struct PostResponse {
    inserted_count: u64,
    #[serde(default)]
    duplicate_count: u64,
}

#[derive(Deserialize)]
struct EndResponse {}

/// Posts, and remembers what that needs.
pub(crate) struct Poster {
    client: Client,
    /// Of conversations with messages that were exported without an id of their own: up to which seq the
    /// server itself is where they came from.
    origins: HashMap<String, u64>,
    /// The last message posted to each conversation that may be ended.
    last: HashMap<String, String>,
}

impl Poster {
    pub(crate) fn new(mut client: Client) -> Self {
        let mut told = false;
        client.on_wait(move |why, wait| {
            let mut note = format!("waiting {} s: {why}", wait.as_secs().max(1));
            if !told && why.contains("rate limit") {
                note.push_str(" (a key without one: `recap keys create --tenant public --scopes write,read --rate 0`)");
            }
            if !told || wait > Duration::from_secs(5) {
                terminal::note(&note);
            }
            told = true;
        });
        Self { client, origins: HashMap::new(), last: HashMap::new() }
    }

    /// Posts a batch, without what the server refuses.
    pub(crate) async fn post(&mut self, batch: Batch, report: &mut Report) -> anyhow::Result<()> {
        let Batch { conversation, mut messages, .. } = batch;
        self.leave_out_originals(&conversation, &mut messages, report).await?;
        // Parts still to post, the next one last.
        let mut parts = vec![messages];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.client.post::<PostResponse>("/chats", Batch::body(&conversation, &part).into()).await {
                Ok(posted) => {
                    report.stored(&conversation, posted.inserted_count, posted.duplicate_count);
                    if let Some(last) = part.pop() {
                        self.last.insert(conversation.clone(), last.id);
                    }
                }
                Err(CallError::Refused(refusal)) => {
                    let wrong = wrong_messages(&refusal);
                    if !wrong.is_empty() {
                        part = without(part, &wrong, refusal.status, report);
                        if report.nothing_fits(CONFLICTS) {
                            bail!(
                                "the first {CONFLICTS} messages stand in {conversation:?} already, but differently: were they \
                                 imported with another --timezone or --date-order? Nothing was changed"
                            );
                        }
                        parts.push(part);
                    } else if part.len() > 1 && is_too_much(&refusal) {
                        let second = part.split_off(part.len() / 2);
                        parts.push(second);
                        parts.push(part);
                    } else if part.len() == 1 && is_too_much(&refusal) {
                        report.refused(&refusal.error, &part[0].place);
                    } else {
                        return Err(CallError::Refused(refusal).into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Messages that were posted without an id are exported with one made of their seq. Where they come home to the
    /// conversation that they were exported from, they are there already, and the server cannot know.
    async fn leave_out_originals(
        &mut self,
        conversation: &str,
        messages: &mut Vec<Encoded>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let Some(first) = messages.iter().find_map(|message| seq_of(&message.id)) else { return Ok(()) };
        if !self.origins.contains_key(conversation) {
            let known = self.origin(conversation, first).await?;
            self.origins.insert(conversation.to_owned(), known);
        }
        let known = self.origins.get(conversation).copied().unwrap_or(0);
        let before = messages.len();
        messages.retain(|message| seq_of(&message.id).is_none_or(|seq| seq > known));
        report.stored(conversation, 0, (before - messages.len()) as u64);
        Ok(())
    }

    /// Up to which seq the server's conversation holds what was exported; 0 where it is another one.
    async fn origin(&mut self, conversation: &str, seq: u64) -> anyhow::Result<u64> {
        let path = format!("/chats/{}?limit=500", encode(conversation));
        let oldest = match self.client.get::<HistoryPage>(&path).await {
            Ok(page) => page,
            Err(CallError::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let nameless = |message: &HistoryMessage| message.seq == seq && message.message_id.is_none();
        if !oldest.messages.iter().any(nameless) {
            return Ok(0);
        }
        let newest: HistoryPage = self.client.get(&format!("{path}&order=desc")).await?;
        Ok(newest.messages.iter().map(|message| message.seq).max().unwrap_or(0))
    }

    /// Ends a conversation that was ended where it came from, unless it has gone on here.
    pub(crate) async fn end(&mut self, conversation: &str, report: &mut Report) -> anyhow::Result<()> {
        let Some(last) = self.last.get(conversation) else { return Ok(()) };
        let path = format!("/chats/{}", encode(conversation));
        let page: HistoryPage = self.client.get(&format!("{path}?order=desc&limit=1")).await?;
        if page.messages.first().and_then(|message| message.message_id.as_ref()) == Some(last) {
            let _: EndResponse = self.client.post(&format!("{path}/end"), bytes::Bytes::new()).await?;
            report.ended();
        }
        Ok(())
    }
}

fn seq_of(id: &str) -> Option<u64> {
    id.strip_prefix(SEQ_ID)?.parse().ok()
}

/// Which messages of a body are at fault, with what is wrong.
fn wrong_messages(refusal: &Refusal) -> BTreeMap<usize, String> {
    if !matches!(refusal.status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) {
        return BTreeMap::new();
    }
    let index = |path: &str| path.strip_prefix("messages[")?.split_once(']')?.0.parse::<usize>().ok();
    let fault = |(path, error): &(String, String)| {
        let field = path.split_once("].").map_or("", |(_, field)| field);
        Some((index(path)?, format!("{field} {error}")))
    };
    refusal.fields.iter().filter_map(fault).collect()
}

fn is_too_much(refusal: &Refusal) -> bool {
    refusal.status == StatusCode::PAYLOAD_TOO_LARGE || refusal.fields.iter().any(|(path, _)| path == "messages")
}

fn without(
    part: Vec<Encoded>,
    wrong: &BTreeMap<usize, String>,
    status: StatusCode,
    report: &mut Report,
) -> Vec<Encoded> {
    let mut good = Vec::with_capacity(part.len());
    for (at, message) in part.into_iter().enumerate() {
        match wrong.get(&at) {
            None => good.push(message),
            Some(_) if status == StatusCode::CONFLICT => report.conflict(&message.place),
            Some(fault) => report.refused(fault, &message.place),
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_by_message() {
        let refusal = |status, fields: &[(&str, &str)]| Refusal {
            status,
            code: String::new(),
            error: String::new(),
            fields: fields.iter().map(|(path, error)| ((*path).to_owned(), (*error).to_owned())).collect(),
        };
        let bad = StatusCode::BAD_REQUEST;
        let wrong =
            wrong_messages(&refusal(bad, &[("messages[3].content", "must not be empty"), ("messages[12]", "x")]));
        assert_eq!(wrong.into_iter().collect::<Vec<_>>(), [(3, "content must not be empty".into()), (12, " x".into())]);
        for odd in ["messages", "messages[", "messages[x]", "messages[1", "user_id"] {
            assert!(wrong_messages(&refusal(bad, &[(odd, "")])).is_empty());
        }
        assert!(wrong_messages(&refusal(StatusCode::FORBIDDEN, &[("messages[1]", "")])).is_empty());
        assert!(is_too_much(&refusal(bad, &[("messages", "at most 10")])));
    }
}
