//! A chat that WhatsApp exported as text.
//!
//! Format: none is published. Lines begin with a [`Head`], then `Author: text` or words of WhatsApp's own; further
//! lines of a message follow as they are.

mod head;
mod words;

use std::io::{Cursor, Read};

use shared::config::MessageLimits;

use self::words::{Said, understand};
use super::{Context, Extra, attach};
use crate::clock::DateOrder;
use crate::detect::HEAD;
use crate::ids;
use crate::item::{Item, Message, Reason, as_id};
use crate::lines::{Ends, Lines};
use crate::marks::{is_mark, trim};
use crate::names::Names;
use crate::nth::Nth;
use crate::source::{Emit, ReadError};

pub(crate) use head::Head;

/// The longest line; longer ones hold more than a message may.
const LINE: usize = 128 * 1024;

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut beginning = Vec::new();
    from.take(HEAD as u64).read_to_end(&mut beginning)?;
    let (order, names) = learn(context, &beginning, emit)?;
    let mut lines = Lines::new(Cursor::new(beginning).chain(from), Ends::Any, LINE);
    let mut chat = Chat { context, order, names, nth: Nth::default(), open: None };
    while let Some(line) = lines.next()? {
        match Head::read(&line.text) {
            Some(head) => {
                chat.close(emit)?;
                chat.begin(&head, line.number, line.cut);
            }
            None => chat.go_on(&line.text, line.number, line.cut, emit)?,
        }
    }
    Ok(chat.close(emit)?)
}

/// The order of dates, and names that hold colons.
fn learn(context: &Context<'_>, beginning: &[u8], emit: Emit<'_>) -> Result<(DateOrder, Names), ReadError> {
    let text = String::from_utf8_lossy(beginning);
    let heads: Vec<Head<'_>> = text.split(['\n', '\r']).filter_map(Head::read).collect();
    let mut names = Names::default();
    for head in &heads {
        names.learn(trim_start(head.rest));
    }
    let (order, guessed) = head::order(&heads);
    if guessed && context.options.date_order.is_none() && !heads.is_empty() {
        let shown = if order == DateOrder::MonthDayYear { "month first" } else { "day first" };
        let note =
            format!("{}: nothing tells day from month, taken as {shown}; --date-order says otherwise", context.name);
        emit(Item::Note(note))?;
    }
    Ok((context.options.date_order.unwrap_or(order), names))
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_mark)
}

struct Chat<'a> {
    context: &'a Context<'a>,
    order: DateOrder,
    names: Names,
    nth: Nth,
    open: Option<Open>,
}

/// A message whose further lines may come.
struct Open {
    at: Option<jiff::civil::DateTime>,
    text: String,
    line: u64,
    cut: bool,
}

impl Chat<'_> {
    fn begin(&mut self, head: &Head<'_>, line: u64, cut: bool) {
        self.open = Some(Open { at: head.at(self.order), text: head.rest.to_owned(), line, cut });
    }

    fn go_on(&mut self, text: &str, line: u64, cut: bool, emit: Emit<'_>) -> Result<(), ReadError> {
        match &mut self.open {
            Some(open) => {
                open.cut |= cut || open.text.len() > 2 * MessageLimits::default().max_content_bytes;
                if !open.cut {
                    open.text.push('\n');
                    open.text.push_str(text);
                }
                Ok(())
            }
            None if trim(text).is_empty() => Ok(()),
            None => Ok(self.context.skip(emit, Reason::Malformed, line, text)?),
        }
    }

    fn close(&mut self, emit: Emit<'_>) -> Result<(), crate::source::Stopped> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let skip = |reason, emit: Emit<'_>| self.context.skip(emit, reason, open.line, &open.text);
        // Names may be wrapped in marks; the first line alone tells who speaks.
        let body = trim_start(&open.text);
        let (first, rest) = body.split_once('\n').map_or((body, None), |(first, rest)| (first, Some(rest)));
        let Some((name, spoken)) = self.names.split(first).filter(|(name, _)| !name.contains(['"', '“', '„']))
        else {
            return skip(Reason::System, emit);
        };
        let Some((at, timestamp)) = open.at.and_then(|at| Some((at, self.context.options.zone.moment(at)?))) else {
            return skip(Reason::BadDate, emit);
        };
        if open.cut {
            return skip(Reason::TooLong, emit);
        }
        let marked = spoken.starts_with(is_mark);
        let mut text = trim_start(spoken).to_owned();
        if let Some(rest) = rest {
            text.push('\n');
            text.push_str(rest);
        }
        let (said, edited, attachment) = match understand(text.trim_end(), marked) {
            Said::Text { text, edited, attachment } => (text, edited, attachment),
            Said::Omitted => return skip(Reason::MediaOmitted, emit),
            Said::Deleted => return skip(Reason::Deleted, emit),
            Said::System => return skip(Reason::System, emit),
        };
        let mut extra = Extra::default();
        let mut content = said.to_owned();
        attach(&mut content, &mut extra, attachment.map(str::to_owned).into_iter().collect());
        if edited {
            extra.add("edited", true);
        }
        // People who are no contacts stand with a tilde before their name.
        let user = as_id(trim(trim(name).trim_start_matches('~')));
        let second = at.to_string();
        let nth = self.nth.count(timestamp.as_millis(), &user, &content).to_string();
        let message = Message {
            conversation: as_id(&self.context.stem),
            message_id: ids::made("whatsapp", &[&second, &user, &content, &nth]),
            user,
            content,
            timestamp: Some(timestamp),
            metadata: extra.finish(),
            place: self.context.place(open.line),
        };
        emit(message.checked())
    }
}
