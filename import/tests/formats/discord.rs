use import_formats::Format;

use crate::text;
use import_formats::Reason::{BadDate, Malformed, NoText, System};

pub(crate) const CHANNEL: &str = r##"{
  "guild": {"id": "81384788765712384", "name": "Rustaceans", "iconUrl": "https://cdn/x.png"},
  "channel": {"id": "443150878111694848", "type": "GuildTextChat", "categoryId": "1", "category": "Text", "name": "general", "topic": null},
  "dateRange": {"after": null, "before": null},
  "exportedAt": "2024-02-01T00:00:00+00:00",
  "messages": [
    {
      "id": "1", "type": "Default", "timestamp": "2024-01-31T12:00:00.123+00:00", "timestampEdited": null,
      "callEndedTimestamp": null, "isPinned": false, "content": "hello :wave:",
      "author": {"id": "7", "name": "anna", "discriminator": "0000", "nickname": "Anna ✨", "color": "#FFF", "isBot": false, "roles": [], "avatarUrl": ""},
      "attachments": [], "embeds": [], "stickers": [], "reactions": [{"emoji": {"id": "", "name": "👍"}, "count": 2}], "mentions": []
    },
    {"id": "2", "type": "Reply", "timestamp": "2024-01-31T13:00:00+01:00", "timestampEdited": "2024-01-31T12:05:00+00:00", "content": "hi",
     "author": {"id": "8", "name": "ben", "discriminator": "1234", "nickname": null, "isBot": false},
     "attachments": [], "embeds": [], "reference": {"messageId": "1", "channelId": "443150878111694848", "guildId": "81384788765712384"}},
    {"id": "3", "type": "Default", "timestamp": "2024-01-31T12:02:00+00:00", "content": "",
     "author": {"id": "8", "name": "ben", "discriminator": "1234", "isBot": false},
     "attachments": [{"id": "9", "url": "files/cat.png", "fileName": "cat.png", "fileSizeBytes": 12}], "embeds": []},
    {"id": "4", "type": "GuildMemberJoin", "timestamp": "2024-01-31T12:03:00+00:00", "content": "Joined the server.", "author": {"id": "9", "name": "carla"}},
    {"id": "5", "type": "Default", "timestamp": "2024-01-31T12:04:00+00:00", "content": "", "author": {"id": "9", "name": "carla"}, "attachments": []},
    {"id": "6", "type": "Default", "timestamp": "later", "content": "x", "author": {"id": "9", "name": "carla"}},
    {"id": 7},
    {"id": "8", "type": "Default", "timestamp": "2024-01-31T12:06:00+00:00", "content": "", "author": {"id": "1", "name": "bot", "isBot": true},
     "embeds": [{"title": "Build", "description": "green"}]}
  ],
  "messageCount": 8
}"##;

#[test]
fn a_channel() {
    let given = text("Rustaceans - general.json", CHANNEL);
    assert_eq!(given.format, Some(Format::Discord), "{given:?}");
    let said =
        [("anna", "hello :wave:"), ("ben#1234", "hi"), ("ben#1234", "[attachment: cat.png]"), ("bot", "Build\ngreen")];
    assert_eq!(given.said(), said);
    assert_eq!(given.times()[..2], ["2024-01-31T12:00:00.123Z", "2024-01-31T12:00:00Z"]);
    assert!(given.messages.iter().all(|message| message.conversation == "Rustaceans/general"));
    assert_eq!(given.ids()[0], "discord:443150878111694848:1");
    assert_eq!(given.metadata(1)["reply_to"], "discord:443150878111694848:1");
    assert_eq!(given.metadata(1)["edited_at"], "2024-01-31T12:05:00+00:00");
    assert_eq!(given.metadata(3)["bot"], true);
    assert_eq!(given.reasons(), [(System, 19), (NoText, 20), (BadDate, 21), (Malformed, 22)]);
    assert_eq!(given.messages[0].place.line, 7);
}

#[test]
fn direct_messages_have_no_guild() {
    let direct = CHANNEL.replace("81384788765712384\", \"name\": \"Rustaceans\"", "0\", \"name\": \"Direct Messages\"");
    assert_eq!(text("x.json", &direct).messages[0].conversation, "general");
}

#[test]
fn a_file_that_is_cut_off() {
    let given = text("x.json", &CHANNEL[..CHANNEL.find("\"id\": \"3\"").unwrap()]);
    assert_eq!(given.messages.len(), 2);
    assert!(given.error.as_deref().is_some_and(|error| error.contains("cut off")), "{given:?}");
}
