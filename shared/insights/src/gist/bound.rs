//! Keeps a gist within its bytes, whatever the text is made of.

use super::Gist;
use crate::actions::{ActionItem, Finding};

/// Bytes of a gist as JSON, at most, short of what the braces around its lists need.
const BYTES: usize = 7_600;
/// Bytes that the fields of one entry need beside its text.
const ENTRY: usize = 48;

impl Gist {
    /// Drops the last entries of whatever list is longest until all fits.
    pub(super) fn bound(&mut self) {
        for finding in &mut self.findings.decisions {
            newest(&mut finding.evidence);
        }
        for task in &mut self.findings.tasks {
            newest(&mut task.item.evidence);
        }
        loop {
            let sizes = self.sizes();
            if sizes.iter().sum::<usize>() <= BYTES {
                return;
            }
            let longest = (0..sizes.len()).max_by_key(|at| sizes[*at]).unwrap_or(0);
            match longest {
                0 => drop(self.points.pop()),
                1 => drop(self.phrases.pop()),
                2 => drop(self.terms.pop()),
                3 => drop(self.voices.pop()),
                4 => drop(self.findings.tasks.remove(0)),
                5 => drop(self.findings.decisions.remove(0)),
                6 => drop(self.findings.asked.remove(0)),
                _ => drop(self.findings.settled.remove(0)),
            }
        }
    }

    fn sizes(&self) -> [usize; 8] {
        let findings = &self.findings;
        [
            self.points.iter().map(|point| written(&point.text)).sum(),
            self.phrases.iter().map(|phrase| written(&phrase.text)).sum(),
            self.terms.iter().map(|term| written(&term.word) - ENTRY / 2).sum(),
            self.voices.iter().map(|voice| written(&voice.name) + voice.heard.as_deref().map_or(0, written)).sum(),
            findings.tasks.iter().map(|task| written(&task.by) + item(&task.item)).sum(),
            findings.decisions.iter().map(finding).sum(),
            findings.asked.iter().map(|asked| written(&asked.by) + finding(&asked.finding)).sum(),
            findings.settled.iter().map(|settled| written(&settled.by) + written(&settled.words)).sum(),
        ]
    }
}

fn newest(evidence: &mut Vec<u64>) {
    evidence.truncate(8);
}

/// Bytes of a text with its quotes escaped and the fields beside it.
fn written(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count() + ENTRY
}

fn item(item: &ActionItem) -> usize {
    let due = item.due.as_ref().map_or(0, |due| written(&due.words) + ENTRY);
    written(&item.text) + item.owner.as_deref().map_or(0, written) + due + 2 * ENTRY + 21 * item.evidence.len()
}

fn finding(finding: &Finding) -> usize {
    written(&finding.text) + 21 * finding.evidence.len()
}
