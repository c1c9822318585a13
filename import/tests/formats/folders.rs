//! Folders and zips, whole and damaged.

use std::io::Write as _;

use import_formats::{Format, Options, Reason, Source};
use zip::write::SimpleFileOptions;

use crate::{Given, slack};

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn file(name: &str, bytes: &[u8]) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Given::of(Source::Path(path), &Options::default())
}

pub(crate) fn zipped(name: &str, files: &[(&str, &str)]) -> Given {
    file(name, &zip_of(files))
}

pub(crate) fn directory(name: &str, files: &[(&str, &str)]) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(name);
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Given::of(Source::Path(root), &Options::default())
}

#[test]
fn a_chat_in_a_zip_is_called_as_the_zip() {
    let given = zipped("WhatsApp Chat - Ski.zip", &[("_chat.txt", "[31.12.20, 10:00:00] A: x\n"), ("1.jpg", "\0\0")]);
    assert_eq!(given.format, Some(Format::WhatsApp), "{given:?}");
    assert_eq!(given.messages[0].conversation, "Ski");
    assert_eq!(given.reasons(), [(Reason::NotChat, 0)]);
}

#[test]
fn a_zip_of_mattermost_and_a_folder_of_many_files() {
    let line = "{\"type\":\"version\",\"version\":1}\n{\"type\":\"post\",\"post\":{\"team\":\"t\",\"channel\":\"c\",\
                \"user\":\"u\",\"message\":\"m\",\"create_at\":1706702400000}}\n";
    let given = zipped("export.zip", &[("import.jsonl", line), ("data/x.png", "\0")]);
    assert_eq!((given.format, given.said()), (Some(Format::Mattermost), vec![("u", "m")]));
    let given = directory("all", &[("a.jsonl", "{\"text\":\"1\",\"user\":\"x\"}"), ("b/b.txt", "Anna: hi")]);
    let conversations: Vec<&str> = given.messages.iter().map(|message| message.conversation.as_str()).collect();
    assert_eq!(conversations, ["a", "b"]);
}

#[test]
fn a_zip_that_is_cut_off_or_damaged_says_so() {
    let whole = zip_of(&slack::workspace());
    for length in [4, 30, whole.len() / 2, whole.len() - 5] {
        let given = file("a.zip", &whole[..length]);
        let error = given.error.unwrap_or_default();
        assert!(error.contains("zip is damaged or incomplete"), "{length}: {error}");
    }
    let mut broken = zip_of(&[("users.json", "[]"), ("general/2024-01-31.json", &"[1,".repeat(2000))]);
    let middle = broken.len() / 2;
    broken[middle] ^= 0xff;
    let given = file("a.zip", &broken);
    assert!(given.error.is_some(), "{given:?}");
}

#[test]
fn what_is_missing_or_empty_says_so() {
    let missing = Given::of(Source::Path("/nowhere/at/all.json".into()), &Options::default());
    assert!(missing.error.is_some_and(|error| error.contains("cannot be read")));
    assert!(directory("empty", &[("x.png", "\0")]).error.is_some_and(|error| error.contains("--format")));
    let stream = Given::stream("-", std::io::Cursor::new(zip_of(&[("a", "b")])), &Options::default());
    assert!(stream.error.is_some_and(|error| error.contains("name the file")));
}
