//! Chat exports of other programs.

use std::io::Cursor;

use import_formats::{Format, Item, Options, Source, read};
use shared::domain::UserId;

/// Bytes as every format, and as whatever they look like: what is given may be posted. The first byte says which.
pub(crate) fn import(bytes: &[u8]) {
    let (choice, bytes) = bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
    // Letters and blanks stand at the beginning of seeds, so that they stay readable.
    let format = match choice {
        0x20 => None,
        choice => Format::ALL.get(choice % (Format::ALL.len() + 1)).copied(),
    };
    let options = Options { format, ..Options::default() };
    let source = Source::Stream("chat.txt".to_owned(), Box::new(Cursor::new(bytes.to_vec())));
    let _ = read(source, &options, &mut |item| {
        if let Item::Message(message) = item {
            assert!((1..=32 * 1024).contains(&message.content.len()));
            for id in [&message.user, &message.conversation, &message.message_id] {
                assert!(UserId::parse(id).is_ok(), "{id:?}");
            }
        }
        Ok(())
    });
}
