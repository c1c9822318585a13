//! Invisible signs that chat programs put around names and texts.

/// Marks of writing direction, and the byte order mark.
pub(crate) fn is_mark(sign: char) -> bool {
    matches!(sign, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Blanks of any kind that stand between a time and its `PM`.
pub(crate) fn is_blank(sign: char) -> bool {
    sign.is_whitespace() || is_mark(sign)
}

/// The value of a decimal digit of the scripts that phones write dates in.
pub(crate) fn digit(sign: char) -> Option<u32> {
    const ZEROS: [char; 7] = ['0', '\u{0660}', '\u{06f0}', '\u{0966}', '\u{09e6}', '\u{0e50}', '\u{ff10}'];
    ZEROS.iter().find_map(|zero| (sign as u32).checked_sub(*zero as u32).filter(|value| *value < 10))
}

/// Without marks and blanks at both ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}
