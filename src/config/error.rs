//! What can be wrong with a configuration, and where. Owned by `config`, also used by `plan`; all errors of a load
//! are collected and printed together. This module never prints and never decides an exit code.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Longest value that an error message shows.
pub(crate) const SHOWN: usize = 60;

/// Most errors that one message lists; the rest is counted.
pub(crate) const LISTED: usize = 100;

/// Something that settings are read from: a file or one command-line argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    name: Arc<str>,
    /// Rank in the order of messages: the named file, then what it inherits, then arguments.
    rank: usize,
    /// Whether lines mean something to the reader; they do not within an argument.
    has_lines: bool,
}

impl Source {
    /// A file, `rank` counting from the named one along `inherit`.
    pub(crate) fn file(name: impl fmt::Display, rank: usize) -> Source {
        Source { name: name.to_string().into(), rank, has_lines: true }
    }

    /// A command-line argument as the user wrote it.
    pub(crate) fn argument(text: impl fmt::Display, position: usize) -> Source {
        Source { name: text.to_string().into(), rank: 1_000_000 + position, has_lines: false }
    }

    /// A line of this source, counted from 1.
    pub(crate) fn line(&self, line: usize) -> Place {
        Place { source: self.clone(), line: self.has_lines.then_some(line) }
    }

    /// The source as a whole.
    pub(crate) fn whole(&self) -> Place {
        Place { source: self.clone(), line: None }
    }

    /// The path or argument as the user gave it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Where a setting was written. Displays as `file:line` or as the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    source: Source,
    line: Option<usize>,
}

impl Place {
    /// The line, counted from 1; `None` for a whole file and for command-line arguments.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// This place as seen from another one: the line alone where both are in one file.
    pub(crate) fn relative_to(&self, other: &Place) -> String {
        match self.line {
            Some(line) if self.source == other.source => format!("line {line}"),
            _ => self.to_string(),
        }
    }

    fn order(&self) -> (usize, usize) {
        (self.source.rank, self.line.unwrap_or(0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = printable(&self.source.name);
        match self.line {
            Some(line) => write!(f, "{name}:{line}"),
            None => f.write_str(&name),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A key that means nothing.
    #[error("unknown key{}", hint(.nearest.as_deref()))]
    UnknownKey {
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value that the key does not take.
    #[error("{value} is {why} (expected {expected}{})", hint_within(.nearest.as_deref()))]
    Value {
        /// The value as written, shortened.
        value: String,
        /// What it is instead.
        why: &'static str,
        /// What the key takes.
        expected: String,
        /// The accepted word that looks most like the value.
        nearest: Option<String>,
    },
    /// One key twice in a mapping.
    #[error("this key is already given at line {first}; keep one of the two")]
    DuplicateKey {
        /// Line of the first.
        first: usize,
    },
    /// Two spellings of one setting that do not agree, or two settings that exclude each other.
    #[error("{value} contradicts {other} = {other_value} ({other_place}); keep one of the two")]
    Conflict {
        /// The value here.
        value: String,
        /// The other spelling.
        other: String,
        /// The value there.
        other_value: String,
        /// Where it stands.
        other_place: String,
    },
    /// Anything else, as a sentence that says what to do.
    #[error("{0}")]
    Other(String),
}

/// One error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {}{problem}", .path.as_ref().map_or(String::new(), |path| format!("{}: ", shown(path))))]
pub struct ConfigError {
    /// Where it was written.
    pub place: Place,
    /// The dotted path in the spelling that was used; `None` when the error is not about one setting.
    pub path: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl ConfigError {
    /// An error about one setting.
    pub(crate) fn at(place: Place, path: impl Into<String>, problem: Problem) -> ConfigError {
        ConfigError { place, path: Some(path.into()), problem }
    }

    /// An error about a place as a whole.
    pub(crate) fn about(place: Place, problem: impl Into<String>) -> ConfigError {
        ConfigError { place, path: None, problem: Problem::Other(problem.into()) }
    }
}

/// All errors of one load, never empty, in source order: the named file, what it inherits, then arguments.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", listed(.items))]
pub struct ConfigErrors {
    /// The errors.
    pub items: Vec<ConfigError>,
}

impl ConfigErrors {
    /// Orders the errors by source.
    pub(crate) fn new(mut items: Vec<ConfigError>) -> ConfigErrors {
        items.sort_by_key(|item| item.place.order());
        ConfigErrors { items }
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(item: ConfigError) -> ConfigErrors {
        ConfigErrors { items: vec![item] }
    }
}

fn listed(items: &[ConfigError]) -> String {
    let mut lines: Vec<String> = items.iter().take(LISTED).map(ToString::to_string).collect();
    if items.len() > LISTED {
        lines.push(format!("… and {} more errors", items.len() - LISTED));
    }
    lines.join("\n")
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |nearest| format!(" (did you mean {nearest}?)"))
}

fn hint_within(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |nearest| format!("; did you mean {nearest}?"))
}

/// A text as a message shows it: control characters escaped and long ones cut.
pub(crate) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    printable(&cut)
}

/// Escapes what could garble a terminal: control characters and marks that reverse the direction of writing.
fn printable(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::new(), |mut out, c| {
        if harmful(c) {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
        out
    })
}

/// The candidate that `word` is most likely a misspelling of, if any comes close. Earlier candidates win ties.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong; words of one or two letters have no misspelling.
    let tolerance = word.chars().count().min(100) / 3;
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 2 * tolerance)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_and_control_characters_escaped() {
        assert_eq!(shown("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(shown("\u{202e}abc"), "\\u{202e}abc");
        let long = shown(&"é".repeat(1000));
        assert_eq!(long.chars().count(), SHOWN + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("predicton_mode", ["prediction_format", "prediction_mode"]), Some("prediction_mode"));
        assert_eq!(nearest("banana", ["prediction_mode", "max_steps"]), None);
        assert_eq!(nearest("x", ["y"]), None);
    }

    #[test]
    fn errors_stand_in_source_order_and_a_flood_is_counted() {
        let file = Source::file("a.yaml", 0);
        let base = Source::file("b.yaml", 1);
        let argument = Source::argument("--seed -1", 0);
        let items = [argument.whole(), base.line(1), file.line(9), file.line(2)]
            .map(|place| ConfigError::about(place, "bad"))
            .to_vec();
        assert_eq!(ConfigErrors::new(items).to_string(), "a.yaml:2: bad\na.yaml:9: bad\nb.yaml:1: bad\n--seed -1: bad");
        let many = ConfigErrors::new((1..=150).map(|line| ConfigError::about(file.line(line), "bad")).collect());
        assert!(many.to_string().ends_with("a.yaml:100: bad\n… and 50 more errors"));
    }
}
