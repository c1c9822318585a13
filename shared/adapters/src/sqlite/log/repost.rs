//! Messages that were posted before, by their `message_id`. Law: the same name stands for the same content.

use rusqlite::{Connection, OptionalExtension as _};
use shared::domain::{Metadata, Timestamp};
use shared::ports::{Draft, Entry};
use std::collections::HashMap;

use super::heads::Place;
use super::insert::effective;

/// What the message ids of a batch say.
pub(super) enum Repost {
    /// All are new.
    None,
    /// The message at this index has the name of another one.
    Taken { index: usize },
    /// The messages at these indexes, ascending, are there already.
    Duplicates(Vec<usize>),
}

/// Looks the message ids of a batch up, in the conversation and in the batch itself.
pub(super) fn find(
    connection: &Connection,
    place: Option<Place>,
    entries: &[Entry],
    received_at: Timestamp,
) -> rusqlite::Result<Repost> {
    let mut earlier: HashMap<&str, &Draft> = HashMap::new();
    let mut duplicates = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Entry::Posted(draft) = entry else { continue };
        let Some(id) = &draft.message_id else { continue };
        let known = match place {
            Some(place) => stored(connection, place.conversation, id.as_str(), draft)?,
            None => Known::No,
        };
        let known = match (known, earlier.get(id.as_str())) {
            (Known::No, Some(first)) => same_draft(first, draft, received_at),
            (known, _) => known,
        };
        match known {
            Known::Other => return Ok(Repost::Taken { index }),
            Known::Same => duplicates.push(index),
            Known::No => {
                earlier.insert(id.as_str(), draft);
            }
        }
    }
    Ok(if duplicates.is_empty() { Repost::None } else { Repost::Duplicates(duplicates) })
}

enum Known {
    No,
    Same,
    Other,
}

impl Known {
    fn when(same: bool) -> Self {
        if same { Self::Same } else { Self::Other }
    }
}

fn same_draft(first: &Draft, again: &Draft, received_at: Timestamp) -> Known {
    let at = effective(first, received_at.as_millis());
    Known::when(
        first.user == again.user
            && first.content == again.content
            && first.metadata == again.metadata
            && again.timestamp.is_none_or(|time| time.as_millis() == at),
    )
}

fn stored(connection: &Connection, conversation: i64, id: &str, draft: &Draft) -> rusqlite::Result<Known> {
    let sql = "SELECT user, content, metadata, coalesce(late_at, newest), change FROM records INDEXED BY message_ids
               WHERE conversation = ?1 AND message_id = ?2";
    let found = connection
        .prepare_cached(sql)?
        .query_row((conversation, id), |row| {
            // What was posted under a name that was edited or erased since is not known any more.
            if row.get_ref(4)?.as_blob_or_null()?.is_some() {
                return Ok(true);
            }
            let (user, content) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            let metadata = row.get_ref(2)?.as_str_or_null()?;
            let at: i64 = row.get(3)?;
            Ok(user == draft.user.as_str()
                && content == &*draft.content
                && metadata == draft.metadata.as_ref().map(Metadata::as_json)
                && draft.timestamp.is_none_or(|time| time.as_millis() == at))
        })
        .optional()?;
    Ok(found.map_or(Known::No, Known::when))
}
