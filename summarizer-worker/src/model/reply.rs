//! An answer read. Law: whatever a model writes becomes either a value of ours or nothing; extra fields, fences of
//! Markdown, numbers as text and doubled keys are put up with.

use serde_json::Value;

/// An item as the model gave it, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) text: String,
    pub(crate) who: String,
    pub(crate) due: String,
    pub(crate) at: Vec<u64>,
}

/// What a model says about lines of a chat, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) about: String,
    /// In thousandths.
    pub(crate) mood: i64,
    pub(crate) keywords: Vec<String>,
    pub(crate) todo: Vec<Item>,
    pub(crate) decided: Vec<Item>,
    pub(crate) asked: Vec<Item>,
}

/// An answer to any question, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) brief: String,
    /// The detailed text; or, where a segment ends within the lines, what it says about those up to there.
    pub(crate) detailed: String,
    pub(crate) closed: Vec<String>,
    pub(crate) notes: Notes,
    pub(crate) texts: Vec<String>,
}

impl Answer {
    /// Every text of it, changed.
    pub(crate) fn each(&mut self, change: impl Fn(&str) -> String) {
        let Self { brief, detailed, closed: _, notes, texts } = self;
        let Notes { about, mood: _, keywords, todo, decided, asked } = notes;
        let items = [todo, decided, asked].into_iter().flatten();
        let of_items = items.flat_map(|item| [&mut item.text, &mut item.who, &mut item.due]);
        for text in [brief, detailed, about].into_iter().chain(keywords).chain(texts).chain(of_items) {
            *text = change(text);
        }
    }
}

/// Reads an answer; `None` where there is no object with the text that was asked for.
pub(crate) fn read(text: &str, wanted: &str) -> Option<Answer> {
    let object = object(text)?;
    match object.get(wanted)? {
        Value::String(text) if !text.trim().is_empty() => {}
        Value::Array(_) => {}
        _ => return None,
    }
    let mut notes = Notes {
        about: string(object.get("about")),
        mood: mood(object.get("mood")),
        keywords: strings(object.get("keywords")),
        ..Notes::default()
    };
    let mut closed = strings(object.get("closed"));
    if let Some(Value::Array(items)) = object.get("items") {
        for item in items {
            match item {
                Value::String(line) => take_line(line, &mut notes, &mut closed),
                item => take_object(item, &mut notes),
            }
        }
    }
    Some(Answer {
        brief: string(object.get("brief")),
        detailed: string(object.get("detailed").or_else(|| object.get("before"))),
        closed,
        texts: strings(object.get("texts")),
        notes,
    })
}

/// An item as it is asked for: `todo|1,2|who|due|what`, `decided|3|what`, `mood|-20`.
fn take_line(line: &str, notes: &mut Notes, closed: &mut Vec<String>) {
    let Some((kind, rest)) = line.split_once('|') else { return };
    let text_of = |text: &str| text.trim().to_owned();
    match kind.trim().trim_start_matches(['-', '*']).trim().to_ascii_lowercase().as_str() {
        "todo" => {
            let fields: Vec<&str> = rest.splitn(4, '|').map(str::trim).collect();
            let (Some(at), Some(text)) = (fields.first(), fields.last()) else { return };
            // A dash stands for nobody, and for no time.
            let field =
                |n: usize| fields.get(n).filter(|text| n + 1 < fields.len() && text.contains(char::is_alphanumeric));
            let field = |n| field(n).map_or_else(String::new, |text| (*text).to_owned());
            notes.add("todo", Item { text: text_of(text), who: field(1), due: field(2), at: all_numbers(at) });
        }
        kind @ ("decided" | "asked") => {
            let (at, text) = rest.split_once('|').unwrap_or(("", rest));
            notes.add(kind, Item { text: text_of(text), at: all_numbers(at), ..Item::default() });
        }
        "closed" => closed.extend(rest.split([',', ' ']).map(text_of).filter(|id| !id.is_empty())),
        "keywords" => notes.keywords.extend(rest.split(',').map(text_of).filter(|word| !word.is_empty())),
        "mood" => notes.mood = mood(Some(&Value::String(text_of(rest)))),
        _ => {}
    }
}

/// An item as models write that were not told how: an object.
fn take_object(item: &Value, notes: &mut Notes) {
    let Some(kind) = item.get("kind").and_then(Value::as_str) else { return };
    let [text, who, due] = ["text", "who", "due"].map(|name| string(item.get(name)));
    notes.add(kind, Item { text, who, due, at: numbers(item.get("at")) });
}

impl Notes {
    fn add(&mut self, kind: &str, item: Item) {
        let list = match kind {
            "todo" => &mut self.todo,
            "decided" => &mut self.decided,
            "asked" => &mut self.asked,
            _ => return,
        };
        if !item.text.is_empty() {
            list.push(item);
        }
    }
}

/// The outermost object in a text: alone, in a fence, or among other words.
fn object(text: &str) -> Option<serde_json::Map<String, Value>> {
    let (first, last) = (text.find('{')?, text.rfind('}')?);
    let inner = text.get(first..=last)?;
    match serde_json::from_str(inner).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn string(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Array(parts)) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join("\n\n").trim().to_owned()
        }
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let texts: Vec<String> = match value {
        Some(Value::Array(list)) => list.iter().map(|entry| string(Some(entry))).collect(),
        Some(Value::String(text)) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().filter(|text| !text.is_empty()).collect()
}

fn numbers(value: Option<&Value>) -> Vec<u64> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    ascending(match value {
        Some(Value::Array(list)) => list.iter().filter_map(number).collect(),
        Some(value) => number(value).into_iter().collect(),
        None => Vec::new(),
    })
}

/// All numbers in a text: `3, 5` or `3-5`.
fn all_numbers(text: &str) -> Vec<u64> {
    ascending(text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect())
}

fn ascending(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn mood(value: Option<&Value>) -> i64 {
    let percent = match value {
        Some(Value::Number(number)) => number.as_f64().unwrap_or(0.0),
        Some(Value::String(text)) => text.trim().parse().unwrap_or(0.0),
        _ => 0.0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a thousand")]
    let thousandths = (percent.clamp(-100.0, 100.0) * 10.0) as i64;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"{"about":"We ship.","items":["todo|3,1,3|Ben|by Friday|Ship a|b","decided|2|Go","asked|4|When?","closed|t1, q2","keywords|ship, Oslo","mood|40"]}"#;

    #[test]
    fn an_answer_is_read_as_it_was_asked_for() {
        let answer = read(PLAIN, "about").unwrap();
        let item = |text: &str, at: &[u64]| Item { text: text.into(), at: at.to_vec(), ..Item::default() };
        let todo = Item { who: "Ben".into(), due: "by Friday".into(), ..item("Ship a|b", &[1, 3]) };
        let notes = Notes {
            about: "We ship.".into(),
            mood: 400,
            keywords: vec!["ship".into(), "Oslo".into()],
            todo: vec![todo],
            decided: vec![item("Go", &[2])],
            asked: vec![item("When?", &[4])],
        };
        assert_eq!((answer.closed, answer.notes), (vec!["t1".to_owned(), "q2".to_owned()], notes));
    }

    #[test]
    fn answers_of_other_shapes_are_read_too() {
        for wrapped in
            [format!("```json\n{PLAIN}\n```"), format!("Here it is:\n{PLAIN}\nBye!"), format!("\u{feff} {PLAIN}")]
        {
            assert_eq!(read(&wrapped, "about"), read(PLAIN, "about"), "{wrapped}");
        }
        let loose = r#"{"about":"x","about":"We ship.","mood":"40","keywords":"ship, Oslo","closed":["t1","q2"],"items":[7,{"kind":"todo","text":"Ship a|b","who":"Ben","due":"by Friday","at":["3","1"],"more":1},"- Decided | lines 2 | Go","asked|4|When?"],"extra":{}}"#;
        assert_eq!(read(loose, "about"), read(PLAIN, "about"));
    }

    #[test]
    fn lines_with_something_missing_are_read_as_far_as_they_go() {
        let todo = |line: &str| {
            let text = serde_json::json!({"about": "x", "items": [line]}).to_string();
            read(&text, "about").unwrap().notes.todo
        };
        let item = |text: &str, who: &str, at: &[u64]| Item {
            text: text.into(),
            who: who.into(),
            at: at.to_vec(),
            ..Item::default()
        };
        assert_eq!(todo("todo|1-3|-||Ship"), [item("Ship", "", &[1, 3])]);
        assert_eq!(todo("todo|1|Ben|Ship"), [item("Ship", "Ben", &[1])]);
        assert_eq!(todo("todo|1|Ship"), [item("Ship", "", &[1])]);
        assert_eq!(todo("todo|Ship"), [item("Ship", "", &[])], "it cites nothing, and is dropped for it");
        for nothing in ["", "todo", "todo|", "todo|1|a|b|", "else|1|x", "|||"] {
            assert_eq!(todo(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn what_is_no_answer_is_nothing() {
        for text in [
            "",
            "no",
            "{",
            "{}",
            "[]",
            "null",
            r#"{"about":""}"#,
            r#"{"about":{}}"#,
            r#"{"about":"cut"#,
            r#"{"brief":"x"}"#,
        ] {
            assert_eq!(read(text, "about"), None, "{text}");
        }
    }

    #[test]
    fn wild_numbers_become_tame() {
        let read = |mood: &str| read(&format!(r#"{{"about":"x","mood":{mood}}}"#), "about").unwrap().notes.mood;
        assert_eq!([read("1e9"), read("-1e9"), read("\"x\""), read("null"), read("-7.5")], [1000, -1000, 0, 0, -75]);
    }
}
