//! Who speaks, in a line `Name: text`, where names may hold colons themselves.

use std::collections::HashMap;

/// So often must a longer name stand before it is taken for one.
const OFTEN: u32 = 3;
/// So many names are learned.
const KNOWN: usize = 10_000;
/// The most characters of a name.
const LONGEST: usize = 100;

/// Names with a colon and a blank in them, learned from the beginning of a source: where whatever follows the first
/// colon is always the same up to a second one, both belong to the name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    longer: HashMap<String, Longer>,
}

#[derive(Debug)]
struct Longer {
    name: Option<String>,
    lines: u32,
}

/// Where a name ends, and the text begins.
fn colon(line: &str) -> Option<(&str, &str)> {
    if let Some((name, text)) = line.split_once(": ") {
        return Some((name, text));
    }
    line.strip_suffix(':').map(|name| (name, ""))
}

impl Names {
    /// Learns from a line.
    pub(crate) fn learn(&mut self, line: &str) {
        let Some((name, rest)) = colon(line) else { return };
        let longer = colon(rest).map(|(second, _)| format!("{name}: {second}")).filter(|name| fits(name));
        if let Some(known) = self.longer.get_mut(name) {
            known.lines += 1;
            if known.name != longer {
                known.name = None;
            }
        } else if self.longer.len() < KNOWN {
            self.longer.insert(name.to_owned(), Longer { name: longer, lines: 1 });
        }
    }

    /// Name and text of a line.
    pub(crate) fn split<'l>(&self, line: &'l str) -> Option<(&'l str, &'l str)> {
        let (name, text) = colon(line)?;
        let known = self.longer.get(name).filter(|known| known.lines >= OFTEN).and_then(|known| known.name.as_deref());
        if let Some(longer) = known
            && let Some(rest) = line.strip_prefix(longer)
            && let Some(text) = rest.strip_prefix(": ").or_else(|| rest.strip_prefix(':').filter(|t| t.is_empty()))
        {
            return Some((&line[..longer.len()], text));
        }
        fits(name).then_some((name, text))
    }
}

fn fits(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_colon_is_learned_from_repetition() {
        let mut names = Names::default();
        for line in
            ["Dr: Anna: one", "Ben: Note: x", "Dr: Anna: two", "Ben: y", "Dr: Anna: three: four", "Ben: Note: z"]
        {
            names.learn(line);
        }
        assert_eq!(names.split("Dr: Anna: five"), Some(("Dr: Anna", "five")));
        assert_eq!(names.split("Dr: who?"), Some(("Dr", "who?")));
        assert_eq!(names.split("Ben: Note: a"), Some(("Ben", "Note: a")));
        assert_eq!(names.split("Re:Carla: a"), Some(("Re:Carla", "a")));
        assert_eq!(names.split("Dan:"), Some(("Dan", "")));
        assert_eq!(names.split("nobody"), None);
    }
}
