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
    Some(Answer {
        brief: string(object.get("brief")),
        detailed: string(object.get("detailed")),
        closed: strings(object.get("closed")),
        texts: strings(object.get("texts")),
        notes: Notes {
            about: string(object.get("about")),
            mood: mood(object.get("mood")),
            keywords: strings(object.get("keywords")),
            todo: items(object.get("items"), "todo"),
            decided: items(object.get("items"), "decided"),
            asked: items(object.get("items"), "asked"),
        },
    })
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

/// The items of a kind.
fn items(value: Option<&Value>, kind: &str) -> Vec<Item> {
    let Some(Value::Array(list)) = value else { return Vec::new() };
    let item = |entry: &Value| Item {
        text: string(entry.get("text")),
        who: string(entry.get("who")),
        due: string(entry.get("due")),
        at: numbers(entry.get("at")),
    };
    let of_kind = list.iter().filter(|entry| entry.get("kind").and_then(Value::as_str) == Some(kind));
    of_kind.map(item).filter(|item| !item.text.is_empty()).collect()
}

fn numbers(value: Option<&Value>) -> Vec<u64> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let mut numbers: Vec<u64> = match value {
        Some(Value::Array(list)) => list.iter().filter_map(number).collect(),
        Some(value) => number(value).into_iter().collect(),
        None => Vec::new(),
    };
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

    #[test]
    fn answers_of_all_shapes_are_read() {
        let plain = r#"{"about":"We ship.","mood":40,"keywords":["ship"],"items":[{"kind":"todo","text":"Ship","who":"Ben","due":"","at":[3,1,3]}]}"#;
        let read_plain = read(plain, "about").unwrap();
        assert_eq!(read_plain.notes.todo[0].at, [1, 3]);
        assert_eq!(read_plain.notes.mood, 400);
        for wrapped in
            [format!("```json\n{plain}\n```"), format!("Here it is:\n{plain}\nBye!"), format!("\u{feff} {plain}")]
        {
            assert_eq!(read(&wrapped, "about"), Some(read_plain.clone()), "{wrapped}");
        }
        let loose = r#"{"about":"x","about":"We ship.","mood":"40","keywords":"ship","items":[7,{"kind":"todo","text":"Ship","who":"Ben","due":null,"at":["3","1"],"more":1}],"extra":{}}"#;
        assert_eq!(read(loose, "about"), Some(read_plain));
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
