use import_formats::Format;

use crate::text;
use import_formats::Reason::{BadDate, NoText, System};

pub(crate) const CHAT: &str = r#"{
 "name": "Team: Berlin",
 "type": "private_supergroup",
 "id": 1234567890,
 "messages": [
  {"id": 1, "type": "service", "date": "2024-01-31T11:00:00", "date_unixtime": "1706698800", "actor": "Anna", "actor_id": "user1", "action": "create_group", "title": "Team", "members": [], "text": "", "text_entities": []},
  {
   "id": 2,
   "type": "message",
   "date": "2024-01-31T13:00:00", "date_unixtime": "1706702400",
   "from": "Anna", "from_id": "user1",
   "text": ["see ", {"type": "link", "text": "https://a.b"}, {"type": "bold", "text": "!"}],
   "text_entities": []
  },
  {"id": 3, "type": "message", "date": "2024-01-31T13:01:00", "date_unixtime": "1706702460", "edited": "2024-01-31T13:02:00", "edited_unixtime": "1706702520", "from": "Anna", "from_id": "user2", "reply_to_message_id": 2, "text": "other Anna", "text_entities": []},
  {"id": 4, "type": "message", "date": "2024-01-31T13:03:00", "date_unixtime": "1706702580", "from": null, "from_id": "user3", "text": "from a deleted account"},
  {"id": 5, "type": "message", "date": "2024-01-31T13:04:00", "date_unixtime": "1706702640", "from": "Anna", "from_id": "user1", "photo": "(File not included. Change data exporting settings to download.)", "text": ""},
  {"id": 6, "type": "message", "date": "2024-01-31T13:05:00", "date_unixtime": "1706702700", "from": "Anna", "from_id": "user1", "file": "files/plan.pdf", "mime_type": "application/pdf", "text": "the plan", "forwarded_from": "News"},
  {"id": 7, "type": "message", "date": "2024-01-31T13:06:00", "from": "Anna", "from_id": 4295, "text": "of an old export"},
  {"id": 8, "type": "message", "date": "2024-01-31T13:07:00", "date_unixtime": "1706702820", "from": "Anna", "from_id": "user1", "poll": {"question": "Pizza?", "closed": false, "answers": []}, "text": ""},
  {"id": 9, "type": "message", "date": "2024-01-31T13:08:00", "date_unixtime": "1706702880", "from": "Anna", "from_id": "user1", "text": ""},
  {"id": 10, "type": "message", "date": "never", "from": "Anna", "from_id": "user1", "text": "x"}
 ]
}"#;

#[test]
fn one_chat() {
    let given = text("result.json", CHAT);
    assert_eq!(given.format, Some(Format::Telegram), "{given:?}");
    assert_eq!(
        given.said(),
        [
            ("Anna", "see https://a.b!"),
            ("Anna (user2)", "other Anna"),
            ("user3", "from a deleted account"),
            ("Anna", "[attachment: photo]"),
            ("Anna", "the plan"),
            ("Anna (4295)", "of an old export"),
            ("Anna", "[poll] Pizza?"),
        ]
    );
    assert_eq!(given.times()[0], "2024-01-31T12:00:00Z", "the exact time counts, not the local one");
    assert_eq!(given.times()[5], "2024-01-31T13:06:00Z");
    assert_eq!(given.messages[0].conversation, "Team: Berlin");
    assert_eq!(given.ids()[0], "telegram:1234567890:2");
    assert_eq!(given.metadata(1)["reply_to"], "telegram:1234567890:2");
    assert_eq!(given.metadata(1)["edited_at"], "2024-01-31T12:02:00Z");
    assert_eq!(given.metadata(4), serde_json::json!({"attachments": ["plan.pdf"], "forwarded_from": "News"}));
    assert_eq!(given.reasons(), [(System, 6), (NoText, 21), (BadDate, 22)]);
    assert_eq!(given.messages[0].place.line, 7);
}

#[test]
fn all_chats_of_an_account() {
    let all = format!(
        r#"{{"about": "x", "personal_information": {{"user_id": 1, "first_name": "A"}}, "contacts": {{"list": [{{"name": "n"}}]}},
        "chats": {{"about": "y", "list": [{CHAT}, {{"name": "Team: Berlin", "type": "personal_chat", "id": 5, "messages": [
        {{"id": 1, "type": "message", "date_unixtime": "1706702400", "date": "", "from": "B", "from_id": "user9", "text": "hi"}}]}},
        {{"type": "saved_messages", "id": 6, "messages": [{{"id": 1, "type": "message", "date_unixtime": "1706702400", "from": "B", "from_id": "user9", "text": "note"}}]}}]}},
        "left_chats": {{"list": [{{"name": "Gone", "id": 7, "messages": []}}]}}}}"#
    );
    let given = text("result.json", &all);
    assert_eq!(given.error, None);
    let of = |at: usize| (given.messages[at].conversation.as_str(), given.messages[at].content.as_str());
    assert_eq!(of(7), ("Team: Berlin (5)", "hi"));
    assert_eq!(of(8), ("telegram 6", "note"));
    assert_eq!(given.messages.len(), 9);
}
