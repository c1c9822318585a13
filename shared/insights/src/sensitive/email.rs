//! Mail addresses.

/// Finds them: something before an `@`, and a name with a dot behind it.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    for (at, _) in text.match_indices('@') {
        let before = text[..at].trim_end_matches(|c: char| c.is_alphanumeric() || "._%+-'".contains(c));
        let local = text[before.len()..at].trim_start_matches(|c: char| !c.is_alphanumeric());
        let Some(domain) = domain(&text[at + 1..]) else { continue };
        if !local.is_empty() {
            found.push((at - local.len(), at + 1 + domain));
        }
    }
}

/// How long a domain at the start of a text is: its last label has letters only, and there is one before it.
fn domain(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).unwrap_or(text.len());
    let mut domain = text[..end].trim_end_matches(['.', '-']);
    while let Some((before, label)) = domain.rsplit_once('.') {
        if label.chars().count() >= 2 && label.chars().all(char::is_alphabetic) && !before.is_empty() {
            return (!before.starts_with('.')).then_some(domain.len());
        }
        domain = before;
    }
    None
}
