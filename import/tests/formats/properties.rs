//! What holds for all formats and all bytes.

use std::io::Read;

use import_formats::{Format, Options};
use proptest::prelude::*;

use crate::Given;

/// Gives its bytes in pieces.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    next: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()];
        self.next += 1;
        let count = size.min(into.len()).min(self.bytes.len() - self.at);
        into[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn whole(bytes: &[u8], format: Option<Format>) -> Given {
    let options = Options { format, ..Options::default() };
    Given::stream("x.txt", std::io::Cursor::new(bytes.to_vec()), &options)
}

fn in_pieces(bytes: &[u8], sizes: Vec<usize>, format: Option<Format>) -> Given {
    let options = Options { format, ..Options::default() };
    Given::stream("x.txt", Pieces { bytes: bytes.to_vec(), at: 0, sizes, next: 0 }, &options)
}

fn formats() -> impl Strategy<Value = Option<Format>> {
    prop_oneof![Just(None), proptest::sample::select(Format::ALL.to_vec()).prop_map(Some)]
}

/// Texts made of the words that the formats are made of, which come further than random bytes.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: [&str; 40] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\r\n",
        "\r",
        "\"",
        "\"messages\":[",
        "\"type\":\"message\"",
        "\"id\":1",
        "\"text\":\"a\"",
        "\"ts\":\"1706702400.1\"",
        "\"user\":\"U\"",
        "\"guild\":{\"id\":\"1\"}",
        "\"channel\":{}",
        "31/12/20, 10:00 - ",
        "[31.12.20, 10:00:00 PM] ",
        "Anna: ",
        "\u{200e}",
        "<attached: a.b>",
        "> ",
        "null",
        "-1",
        "<!-- recap {\"conversation_id\":\"c\",\"user_id\":\"u\",\"message_id\":\"1\"} -->",
        "\\u0000",
        "\\ud800",
        "\0",
        "{\"type\":\"post\",\"post\":{\"channel\":\"c\",\"user\":\"u\",\"message\":\"m\",\"create_at\":5}}",
        "é🦀",
        "2024-01-31",
        "\"conversation_id\":\"c\"",
        "\"content\":\"x\"",
        "\"metadata\":{\"a\":1}",
        "\"timestamp\":\"2024-01-31T00:00:00Z\"",
        "\u{feff}",
        "9999999999999",
        "\"from_id\":\"user1\"",
    ];
    proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..60)
        .prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), format in formats()) {
        whole(&bytes, format);
    }

    #[test]
    fn any_split_gives_the_same(
        bytes in likely(),
        sizes in proptest::collection::vec(1_usize..40, 1..8),
        format in formats(),
    ) {
        prop_assert_eq!(whole(&bytes, format), in_pieces(&bytes, sizes, format));
    }

    #[test]
    fn what_is_given_may_be_posted(bytes in likely(), format in formats()) {
        for message in whole(&bytes, format).messages {
            prop_assert!(!message.content.is_empty() && message.content.len() <= 32 * 1024);
            for id in [&message.user, &message.conversation, &message.message_id] {
                prop_assert!(shared::domain::UserId::parse(id).is_ok(), "{:?}", id);
            }
            if let Some(metadata) = message.metadata {
                prop_assert!(shared::domain::Metadata::parse(&metadata).is_ok(), "{}", metadata);
            }
        }
    }
}
