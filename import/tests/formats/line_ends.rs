//! A mark at the beginning and other line ends, as editors and mail programs leave them, change nothing in any format.

use crate::{discord, json, mattermost, slack, telegram, text, whatsapp};

fn sources() -> [(&'static str, &'static str); 6] {
    [
        ("chat.txt", whatsapp::ANDROID),
        ("general.json", discord::CHANNEL),
        ("result.json", telegram::CHAT),
        ("export.jsonl", mattermost::EXPORT),
        ("2024-01-31.json", slack::FIRST),
        ("all.jsonl", json::SIMPLE),
    ]
}

#[test]
fn marks_and_line_ends_change_nothing() {
    for (name, source) in sources() {
        let as_it_is = text(name, source);
        assert!(as_it_is.messages.len() >= 4, "{name}: {as_it_is:?}");
        let mut mixed = String::new();
        for (at, line) in source.split_inclusive('\n').enumerate() {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            mixed.push_str(line);
            mixed.push_str(if at % 2 == 0 && !end.is_empty() { "\r\n" } else { end });
        }
        let windows = source.replace('\n', "\r\n");
        for other in [format!("\u{feff}{source}"), windows.clone(), mixed, format!("\u{feff}{windows}")] {
            let given = text(name, &other);
            assert_eq!(given.format, as_it_is.format, "{name}");
            assert_eq!(given.said(), as_it_is.said(), "{name}");
            assert_eq!(given.times(), as_it_is.times(), "{name}");
            assert_eq!(given.ids(), as_it_is.ids(), "{name}");
            assert_eq!(given.reasons(), as_it_is.reasons(), "{name}");
        }
    }
}
