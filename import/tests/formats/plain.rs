use import_formats::{Format, Options, Reason};

use crate::{Given, text};

#[test]
fn lines_with_names() {
    let given = text(
        "notes/standup.txt",
        "\u{feff}Standup of Monday\r\n\rAnna: Hello: all\n  I am late.\r\n\r\nSorry!\rBen Miller: ok\n<carla> hi\n[2024-01-31 12:00] Dan: x\n\
         https://a.b: no name\nBen Miller: ok\n",
    );
    assert_eq!(given.format, Some(Format::Plain));
    assert_eq!(
        given.said(),
        [
            ("Anna", "Hello: all\n  I am late.\n\nSorry!"),
            ("Ben Miller", "ok"),
            ("carla", "hi"),
            ("Dan", "x\nhttps://a.b: no name"),
            ("Ben Miller", "ok"),
        ]
    );
    assert_eq!(given.times(), ["none", "none", "none", "2024-01-31T12:00:00Z", "none"]);
    assert_eq!(given.reasons(), [(Reason::NoAuthor, 1)]);
    assert!(given.messages.iter().all(|message| message.conversation == "standup"));
    assert_eq!(given.messages[0].place.line, 3);
    let ids = given.ids();
    assert_ne!(ids[1], ids[4]);
    assert_eq!(ids, text("notes/standup.txt", "x\nAnna: Hello: all\n  I am late.\n\nSorry!\nBen Miller: ok\ncarla: hi\n[2024-01-31 12:00] Dan: x\nhttps://a.b: no name\nBen Miller: ok").ids());
}

#[test]
fn what_is_no_chat_is_not_taken_for_one() {
    for (name, bytes) in [("a.bin", &b"\0\x01\x02"[..]), ("a.txt", b"just some words\nwithout names"), ("a.txt", b"")] {
        let given = Given::stream(name, bytes, &Options::default());
        assert!(given.error.as_deref().is_some_and(|error| error.contains("--format")), "{given:?}");
    }
    let given = Given::stream("a.txt", &b"\xff\xfeA\0:\0 \0x\0"[..], &Options::default());
    assert!(given.error.as_deref().is_some_and(|error| error.contains("UTF-8")), "{given:?}");
}

#[test]
fn lines_without_text_or_beyond_the_limit_are_told() {
    let long = "x".repeat(33_000);
    let given = text("a.txt", &format!("Anna:\nBen: {long}\nCarla: y\nDan: z\n"));
    assert_eq!(given.said(), [("Carla", "y"), ("Dan", "z")]);
    assert_eq!(given.reasons(), [(Reason::NoText, 1), (Reason::TooLong, 2)]);
}
