//! What comes out: a Markdown table, figure beside target. Law: a figure is shown with its target, reached or not.

use std::fmt;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Ratio,
    PerSecond,
    Millis,
    Bytes,
    Count,
}

/// A number and what it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure(pub(crate) f64, pub(crate) Unit);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: f64 = 1024.0;
        match (self.1, self.0) {
            (Unit::Ratio, ratio) => write!(f, "{ratio:.2}x"),
            (Unit::Count, count) if count.fract().abs() < 0.005 => write!(f, "{count:.0}"),
            (Unit::Count, count) => write!(f, "{count:.2}"),
            (Unit::PerSecond, rate) => write!(f, "{rate:.0}/s"),
            (Unit::Millis, millis) if millis >= 100.0 => write!(f, "{millis:.0} ms"),
            (Unit::Millis, millis) => write!(f, "{millis:.2} ms"),
            (Unit::Bytes, bytes) if bytes < KIB * KIB => write!(f, "{:.1} KiB", bytes / KIB),
            (Unit::Bytes, bytes) => write!(f, "{:.1} MiB", bytes / KIB / KIB),
        }
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
enum Target {
    AtLeast { must: f64, aim: f64 },
    AtMost(f64),
    None,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    letter: char,
    what: String,
    figure: Figure,
    target: Target,
}

impl Row {
    pub(crate) fn at_least(letter: char, what: impl Into<String>, figure: Figure, must: f64, aim: f64) -> Self {
        Self { letter, what: what.into(), figure, target: Target::AtLeast { must, aim } }
    }

    pub(crate) fn at_most(letter: char, what: impl Into<String>, figure: Figure, most: f64) -> Self {
        Self { letter, what: what.into(), figure, target: Target::AtMost(most) }
    }

    pub(crate) fn plain(letter: char, what: impl Into<String>, figure: Figure) -> Self {
        Self { letter, what: what.into(), figure, target: Target::None }
    }

    fn target(&self) -> (String, &'static str) {
        let shown = |number| Figure(number, self.figure.1);
        match self.target {
            Target::AtLeast { must, aim } => {
                let reached = match self.figure.0 {
                    value if value >= aim && aim > must => "aim",
                    value if value >= must => "yes",
                    _ => "**no**",
                };
                let aim = if aim > must { format!(", aim {}", shown(aim)) } else { String::new() };
                (format!("≥ {}{aim}", shown(must)), reached)
            }
            Target::AtMost(most) => {
                (format!("≤ {}", shown(most)), if self.figure.0 <= most { "yes" } else { "**no**" })
            }
            Target::None => (String::new(), ""),
        }
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) machine: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) notes: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.machine {
            writeln!(f, "- {line}")?;
        }
        writeln!(f, "\n| | figure | measured | target | reached |\n| --- | --- | --- | --- | --- |")?;
        for row in &self.rows {
            let (target, reached) = row.target();
            writeln!(f, "| {} | {} | {} | {target} | {reached} |", row.letter, row.what, row.figure)?;
        }
        writeln!(f)?;
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_it_is_reached() {
        let ratio = |ratio| Row::at_least('a', "posts", Figure(ratio, Unit::Ratio), 0.4, 0.6).target().1;
        assert_eq!([ratio(0.39), ratio(0.4), ratio(0.6)], ["**no**", "yes", "aim"]);
        let memory = |mib: f64| Row::at_most('g', "idle", Figure(mib * 1_048_576.0, Unit::Bytes), 30.0 * 1_048_576.0);
        assert_eq!(memory(30.0).target(), ("≤ 30.0 MiB".to_owned(), "yes"));
        assert_eq!(memory(30.1).target().1, "**no**");
    }

    #[test]
    fn the_table_is_markdown() {
        let row = Row::plain('b', "messages", Figure(1234.6, Unit::PerSecond));
        let report = Report { rows: vec![row], ..Report::default() };
        assert!(report.to_string().contains("| b | messages | 1235/s |  |  |"));
    }
}
