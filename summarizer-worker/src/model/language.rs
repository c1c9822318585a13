//! Whether a text is in the language of the messages that it is about.
//!
//! Law: only what is beyond doubt counts: another script, or running text of two different languages.

/// Of the letters of a text so many hundredths are of its script,
const MAIN: usize = 70;
/// and a text of fewer letters has none.
const LETTERS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    Indic,
    Thai,
    Han,
    Hangul,
}

const RANGES: [(Script, u32, u32); 16] = [
    (Script::Latin, 0x41, 0x24f),
    (Script::Latin, 0x1e00, 0x1eff),
    (Script::Greek, 0x370, 0x3ff),
    (Script::Cyrillic, 0x400, 0x52f),
    (Script::Hebrew, 0x590, 0x5ff),
    (Script::Arabic, 0x600, 0x6ff),
    (Script::Arabic, 0x750, 0x77f),
    (Script::Indic, 0x900, 0xdff),
    (Script::Thai, 0xe00, 0xeff),
    (Script::Hangul, 0x1100, 0x11ff),
    (Script::Han, 0x3040, 0x30ff),
    (Script::Han, 0x3400, 0x4dbf),
    (Script::Han, 0x4e00, 0x9fff),
    (Script::Hangul, 0xac00, 0xd7af),
    (Script::Han, 0xf900, 0xfaff),
    (Script::Arabic, 0xfb50, 0xfdff),
];

fn script(letter: char) -> Option<Script> {
    let code = u32::from(letter);
    let range = RANGES.iter().find(|(_, first, last)| (*first..=*last).contains(&code));
    range.filter(|_| letter.is_alphabetic()).map(|(script, _, _)| *script)
}

fn main_script(text: &str) -> Option<Script> {
    let letters: Vec<Script> = text.chars().filter_map(script).collect();
    let count = |wanted: Script| letters.iter().filter(|script| **script == wanted).count();
    let main = letters.iter().copied().find(|script| count(*script) * 100 >= letters.len() * MAIN);
    main.filter(|_| letters.len() >= LETTERS)
}

/// Whether a text is in another language than what it is about.
pub(crate) fn differs(about: &str, text: &str) -> bool {
    match (main_script(about), main_script(text)) {
        (Some(Script::Latin), Some(Script::Latin)) => {
            let (one, other) = (shared_insights::language(about), shared_insights::language(text));
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUSSIAN: &str = "Можем перенести встречу на пятницу? Я отправлю отчёт завтра утром.";
    const JAPANESE: &str = "会議を金曜日に移動できますか。明日の朝に報告書を送ります。";
    const ENGLISH: &str =
        "They ask whether the meeting can be moved to Friday, and Anna will send the report to the board.";
    const GERMAN: &str = "Sie fragen, ob das Treffen auf den Freitag verschoben werden kann, und Anna wird den Bericht an die Leitung schicken.";

    #[test]
    fn another_script_or_language_is_told() {
        let texts = [RUSSIAN, JAPANESE, ENGLISH, GERMAN];
        for (n, about) in texts.iter().enumerate() {
            for (m, text) in texts.iter().enumerate() {
                assert_eq!(differs(about, text), n != m, "{about} / {text}");
            }
        }
    }

    #[test]
    fn what_is_in_doubt_is_left_alone() {
        for text in ["OK", "Anna: 👍 12:30", "", "release v2 staging deploy"] {
            for about in [RUSSIAN, ENGLISH, "hi", ""] {
                assert!(!differs(about, text) || about == RUSSIAN && text.starts_with("release"), "{about} / {text}");
            }
        }
        let mixed = format!("{RUSSIAN} {ENGLISH}");
        assert!(!differs(&mixed, ENGLISH) && !differs(&mixed, RUSSIAN));
    }
}
