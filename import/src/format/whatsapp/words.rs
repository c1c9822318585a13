//! What WhatsApp itself writes into a chat, in the languages met most.

/// A text, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'t> {
    /// By a person.
    Text {
        /// Without the note that it was edited.
        text: &'t str,
        edited: bool,
        /// A file that was exported beside the text.
        attachment: Option<&'t str>,
    },
    /// A file that was not exported.
    Omitted,
    Deleted,
    System,
}

const OMITTED: [&str; 14] = [
    "<media omitted>",
    "<medien ausgeschlossen>",
    "<multimedia omitido>",
    "<archivo omitido>",
    "<médias omis>",
    "<media omessi>",
    "<mídia oculta>",
    "<ficheiro não revelado>",
    "<media weggelaten>",
    "<без медиафайлов>",
    "<medya dahil edilmedi>",
    "<pominięto multimedia>",
    "<mediatiedosto jätettiin pois>",
    "null",
];

/// What stands behind the kind of a file on iOS.
const LEFT_OUT: [&str; 9] =
    [" omitted", " weggelassen", " omitido", " omitida", " omitted.", " omis", " absente", " omesso", " ausgelassen"];

const DELETED: [&str; 12] = [
    "this message was deleted",
    "you deleted this message",
    "diese nachricht wurde gelöscht",
    "du hast diese nachricht gelöscht",
    "se eliminó este mensaje",
    "eliminaste este mensaje",
    "ce message a été supprimé",
    "vous avez supprimé ce message",
    "questo messaggio è stato eliminato",
    "essa mensagem foi apagada",
    "mensagem apagada",
    "dit bericht is verwijderd",
];

const ATTACHED: [&str; 7] = [
    " (file attached)",
    " (datei angehängt)",
    " (archivo adjunto)",
    " (fichier joint)",
    " (file allegato)",
    " (arquivo anexado)",
    " (bestand bijgevoegd)",
];

const EDITED: [&str; 6] = ["edited>", "bearbeitet>", "bearbeitet.>", "editado>", "editó>", "modifié>"];

fn strip_end<'t>(text: &'t str, ends: &[&str]) -> Option<&'t str> {
    let lower = text.to_lowercase();
    // Where lowering changes no lengths, which is so for all of these, the same bytes can be cut.
    let end = ends.iter().find(|end| lower.ends_with(**end))?;
    text.get(..text.len().checked_sub(end.len())?)
}

/// Understands a text. `marked` where it began with an invisible mark, as iOS puts before its own words.
pub(super) fn understand(text: &str, marked: bool) -> Said<'_> {
    let first = text.split('\n').next().unwrap_or_default().trim_end();
    let lower = first.to_lowercase();
    let bare = lower.trim_end_matches('.');
    if text.trim_end() == first {
        if OMITTED.contains(&lower.as_str()) || (marked && LEFT_OUT.iter().any(|end| lower.ends_with(end))) {
            return Said::Omitted;
        }
        if DELETED.contains(&bare) || DELETED.iter().any(|known| bare.starts_with(known) && marked) {
            return Said::Deleted;
        }
    }
    let (text, edited) = edit_note(text);
    if let Some((start, name)) = attached_tag(text) {
        let caption = text[..start].trim_end_matches(|sign: char| sign.is_whitespace() || sign == '\u{200e}');
        return Said::Text { text: caption, edited, attachment: Some(name) };
    }
    if let Some(name) = strip_end(first, &ATTACHED) {
        let caption = text.split_once('\n').map_or("", |(_, caption)| caption);
        return Said::Text { text: caption, edited, attachment: Some(crate::marks::trim(name)) };
    }
    if marked {
        return Said::System;
    }
    Said::Text { text, edited, attachment: None }
}

/// `<attached: 00000012-PHOTO.jpg>` at the end, in any language: one word, a colon, a file name.
fn attached_tag(text: &str) -> Option<(usize, &str)> {
    let inner = text.trim_end().strip_suffix('>')?;
    let start = inner.rfind('<')?;
    let (word, name) = inner[start + 1..].split_once(": ")?;
    let is_word = !word.is_empty() && word.chars().count() < 20 && word.chars().all(char::is_alphabetic);
    (is_word && name.contains('.') && !name.contains('\n')).then_some((start, name))
}

/// Takes the note off that a text was edited.
fn edit_note(text: &str) -> (&str, bool) {
    let end = text.trim_end();
    let Some(start) = end.rfind('<') else { return (text, false) };
    let note = end[start..].to_lowercase();
    if !EDITED.iter().any(|known| note.ends_with(known)) || note.chars().count() > 60 {
        return (text, false);
    }
    (end[..start].trim_end_matches(|sign: char| sign.is_whitespace() || sign == '\u{200e}'), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_people_from_the_program() {
        let text = |text, edited, attachment| Said::Text { text, edited, attachment };
        for (written, marked, said) in [
            ("hello", false, text("hello", false, None)),
            ("<Media omitted>", false, Said::Omitted),
            ("image omitted", true, Said::Omitted),
            ("image omitted", false, text("image omitted", false, None)),
            ("This message was deleted", false, Said::Deleted),
            ("This message was deleted.", true, Said::Deleted),
            (
                "This message was deleted\nno, it was not",
                false,
                text("This message was deleted\nno, it was not", false, None),
            ),
            ("Anna added Ben", true, Said::System),
            ("fixed \u{200e}<This message was edited>", false, text("fixed", true, None)),
            ("I <edited> it", false, text("I <edited> it", false, None)),
            ("<attached: 00000012-PHOTO.jpg>", true, text("", false, Some("00000012-PHOTO.jpg"))),
            ("Look! \u{200e}<angehängt: a.pdf>", false, text("Look!", false, Some("a.pdf"))),
            ("IMG-1.jpg (file attached)\nour cat", false, text("our cat", false, Some("IMG-1.jpg"))),
            ("a <b: c> d", false, text("a <b: c> d", false, None)),
            ("İ (file attached)", false, text("", false, Some("İ"))),
        ] {
            assert_eq!(understand(written, marked), said, "{written}");
        }
    }
}
