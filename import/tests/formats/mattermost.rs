use import_formats::Format;

use crate::text;
use import_formats::Reason::{BadDate, Deleted, Malformed, System};

pub(crate) const EXPORT: &str = r#"{"type":"version","version":1}
{"type":"team","team":{"name":"acme","display_name":"Acme","type":"O"}}
{"type":"channel","channel":{"team":"acme","name":"town-square","display_name":"Town","type":"O"}}
{"type":"channel","channel":{"team":"other","name":"town-square","display_name":"Town","type":"O"}}
{"type":"user","user":{"username":"anna","email":"a@b.c"}}
{"type":"post","post":{"team":"acme","channel":"town-square","user":"anna","type":"","message":"Who is in?","props":{},"create_at":1706702400000,"edit_at":1706702460000,"reactions":null,"replies":[{"user":"ben","message":"me","create_at":1706702410000,"attachments":[{"path":"data/20240131/plan.pdf"}]},{"user":"carla","message":"","create_at":1706702420000,"attachments":[{"path":"data/cat.png"}]}],"attachments":null,"is_pinned":false}}
{"type":"post","post":{"team":"acme","channel":"dev","user":"anna","type":"system_join_channel","message":"anna joined","create_at":1706702400000}}
{"type":"post","post":{"team":"acme","channel":"dev","user":"bot","message":"","props":{"override_username":"ci","attachments":[{"fallback":"build green"}]},"create_at":1706702400001,"replies":[]}}
{"type":"post","post":{"team":"acme","channel":"dev","user":"anna","message":"gone","create_at":1706702400002,"delete_at":1706702500000}}
{"type":"direct_channel","direct_channel":{"members":["ben","anna"]}}
{"type":"direct_post","direct_post":{"channel_members":["ben","anna"],"user":"ben","message":"psst","create_at":1706702400000,"replies":[]}}
{"type":"post","post":{"team":"acme","channel":"dev","user":"anna","message":"x","create_at":0}}
{"type":"post","post":{"team":"acme"
"#;

#[test]
fn posts_replies_and_direct_posts() {
    let given = text("export.jsonl", EXPORT);
    assert_eq!(given.format, Some(Format::Mattermost));
    assert_eq!(
        given.said(),
        [
            ("anna", "Who is in?"),
            ("ben", "me"),
            ("carla", "[attachment: cat.png]"),
            ("ci", "build green"),
            ("ben", "psst")
        ]
    );
    let conversations: Vec<&str> = given.messages.iter().map(|message| message.conversation.as_str()).collect();
    assert_eq!(conversations, ["acme/town-square", "acme/town-square", "acme/town-square", "dev", "anna, ben"]);
    assert_eq!(given.times()[0], "2024-01-31T12:00:00Z");
    assert_eq!(given.metadata(0)["edited_at"], "2024-01-31T12:01:00Z");
    assert_eq!(given.metadata(1)["reply_to"], given.ids()[0]);
    assert_eq!(given.metadata(1)["attachments"][0], "plan.pdf");
    assert_eq!(given.reasons(), [(System, 7), (Deleted, 9), (BadDate, 12), (Malformed, 13)]);
    assert_eq!(given.ids(), text("again.jsonl", EXPORT).ids());
}
