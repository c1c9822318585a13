use import_formats::{DateOrder, Format, Options, Reason};

use crate::{Given, text};
use import_formats::Reason::{Deleted, MediaOmitted, System};

pub(crate) const ANDROID: &str = "\
12/24/20, 9:05 AM - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.
12/24/20, 9:05 AM - Anna created group \"Ski: trip\"
12/24/20, 9:06 AM - Anna: Who brings the skis?
And who drives?

Nobody?
12/24/20, 9:06 AM - +49 171 2345678: I do
12/24/20, 9:06 AM - +49 171 2345678: I do
12/24/20, 12:00 PM - Ben: <Media omitted>
12/24/20, 12:01 PM - Ben: IMG-20201224-WA0003.jpg (file attached)
our hut: looks fine
12/24/20, 12:02 PM - Ben: This message was deleted
12/24/20, 12:03 PM - Anna: 12/25 is fine: come at 8:00 - or so <This message was edited>
12/31/20, 11:59 PM - Ben: Happy new year!
";

#[test]
fn android_with_twelve_hours() {
    let given = text("WhatsApp Chat with Ski.txt", ANDROID);
    assert_eq!(given.format, Some(Format::WhatsApp));
    assert_eq!(
        given.said(),
        [
            ("Anna", "Who brings the skis?\nAnd who drives?\n\nNobody?"),
            ("+49 171 2345678", "I do"),
            ("+49 171 2345678", "I do"),
            ("Ben", "our hut: looks fine"),
            ("Anna", "12/25 is fine: come at 8:00 - or so"),
            ("Ben", "Happy new year!"),
        ]
    );
    assert_eq!(given.times()[0], "2020-12-24T09:06:00Z");
    assert_eq!(given.times()[5], "2020-12-31T23:59:00Z");
    assert_eq!(given.reasons(), [(System, 1), (System, 2), (MediaOmitted, 9), (Deleted, 12)]);
    assert!(given.messages.iter().all(|message| message.conversation == "Ski"));
    assert_eq!(given.metadata(3)["attachments"][0], "IMG-20201224-WA0003.jpg");
    assert_eq!(given.metadata(4)["edited"], true);
    let mut ids = given.ids();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "equal messages of a minute must differ");
    assert!(given.notes.is_empty(), "{:?}", given.notes);
}

const IOS: &str = "\u{feff}[24.12.20, 09:05:01] Ski: \u{200e}Messages and calls are end-to-end encrypted.\r
[24.12.20, 09:05:02] ~\u{a0}Anna: Wer f\u{e4}hrt?\r
Und wann?\r
\u{200e}[24.12.20, 09:05:03] Ben: \u{200e}image omitted\r
\u{200e}[24.12.20, 09:05:04] Ben: \u{200e}<attached: 00000004-PHOTO-2020-12-24-09-05-04.jpg>\r
[24.12.20, 09:05:05] \u{202a}+49 171 2345678\u{202c}: \u{5e9}\u{5dc}\u{5d5}\u{5dd}\r
[24.12.20, 09:05:06] Ben: \u{200e}You deleted this message.\r
";

#[test]
fn ios_with_marks_and_seconds() {
    let given = text("_chat.txt", IOS);
    assert_eq!(given.format, Some(Format::WhatsApp));
    assert_eq!(
        given.said(),
        [
            ("Anna", "Wer f\u{e4}hrt?\nUnd wann?"),
            ("Ben", "[attachment: 00000004-PHOTO-2020-12-24-09-05-04.jpg]"),
            ("+49 171 2345678", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}"),
        ]
    );
    assert_eq!(given.times()[0], "2020-12-24T09:05:02Z");
    assert_eq!(given.reasons(), [(System, 1), (MediaOmitted, 4), (Deleted, 7)]);
}

#[test]
fn a_later_export_of_the_same_chat_has_the_same_ids() {
    let first = text("a.txt", ANDROID);
    let later = text("b.txt", &format!("{ANDROID}1/1/21, 0:10 AM - Anna: You too\n"));
    assert_eq!(first.ids(), &later.ids()[..6]);
    assert_eq!(later.messages.len(), 7);
}

#[test]
fn the_order_of_dates_is_said_found_or_guessed() {
    let lines = "1/2/21, 10:00 - A: x\n";
    let guessed = text("a.txt", lines);
    assert_eq!(guessed.times(), ["2021-02-01T10:00:00Z"]);
    assert!(guessed.notes[0].contains("--date-order"), "{:?}", guessed.notes);
    let said = Options { date_order: Some(DateOrder::MonthDayYear), ..Options::default() };
    let said = Given::stream("a.txt", lines.as_bytes(), &said);
    assert_eq!((said.times(), said.notes.len()), (vec!["2021-01-02T10:00:00Z".to_owned()], 0));
    let wrong = text("a.txt", "13/1/21, 10:00 - A: x\n1/14/21, 10:00 - A: y\n");
    assert_eq!((wrong.messages.len(), wrong.reasons()), (1, vec![(Reason::BadDate, 2)]));
}

#[test]
fn local_times_are_told_by_the_zone() {
    let zone = Options { zone: "+02:00".parse().unwrap(), ..Options::default() };
    let given = Given::stream("a.txt", "31.12.20, 23:59 - A: x\n".as_bytes(), &zone);
    assert_eq!(given.times(), ["2020-12-31T21:59:00Z"]);
    if let Ok(zone) = "Europe/Berlin".parse() {
        let berlin = Options { zone, ..Options::default() };
        let given = Given::stream("a.txt", "30.06.20, 23:59 - A: x\n31.12.20, 23:59 - A: y\n".as_bytes(), &berlin);
        assert_eq!(given.times(), ["2020-06-30T21:59:00Z", "2020-12-31T22:59:00Z"]);
    }
}

#[test]
fn names_with_colons_are_learned() {
    let given = text(
        "a.txt",
        "31.12.20, 10:00 - Dr: Anna: one\n31.12.20, 10:01 - Dr: Anna: two\n31.12.20, 10:02 - Dr: Anna: three: four\n\
         31.12.20, 10:03 - Re:Ben: hi\n",
    );
    assert_eq!(given.said(), [("Dr: Anna", "one"), ("Dr: Anna", "two"), ("Dr: Anna", "three: four"), ("Re:Ben", "hi")]);
}

#[test]
fn a_message_that_is_too_long_is_told() {
    let long = "x".repeat(40_000);
    let given = text("a.txt", &format!("31.12.20, 10:00 - A: {long}\n31.12.20, 10:01 - B: y\n"));
    assert_eq!((given.said(), given.reasons()), (vec![("B", "y")], vec![(Reason::TooLong, 1)]));
    let lines = "yes\n".repeat(20_000);
    let given = text("a.txt", &format!("31.12.20, 10:00 - A: {lines}31.12.20, 10:01 - B: y\n"));
    assert_eq!((given.said(), given.reasons()), (vec![("B", "y")], vec![(Reason::TooLong, 1)]));
}
