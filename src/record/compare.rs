//! Two folders of one run, held against each other byte by byte: what `vendomini replay --verify` does.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::folder::ReadError;
use crate::base::files::read_optional;
use crate::base::units::Step;

/// Files of a run folder that a repetition must reproduce to the byte. `experiment.log` has times in it.
const FILES: [&str; 6] =
    ["steps.jsonl", "events.jsonl", "deliberations.jsonl", "cassette.jsonl", "summary.json", "config_used.yaml"];

/// Most characters of a value that are shown.
const SHOWN: usize = 80;

/// The first place where a repetition differs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Difference {
    /// The file.
    pub file: String,
    /// Its line, from 1; 0 where it is a request that no line holds.
    pub line: usize,
    /// The step that the line speaks of.
    pub step: Option<Step>,
    /// The field, as a dotted path; empty for the whole line.
    pub field: String,
    /// What was recorded.
    pub recorded: String,
    /// What the repetition gives.
    pub repeated: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Difference { file, line, step, field, recorded, repeated } = self;
        match step {
            Some(step) => write!(f, "first difference at step {step}, ")?,
            None => f.write_str("first difference at ")?,
        }
        match field.as_str() {
            "" => write!(f, "line {line} of {file}")?,
            field if *line == 0 => write!(f, "field {field} ({file})")?,
            field => write!(f, "field {field} ({file}, line {line})")?,
        }
        write!(f, ": recorded {recorded}, repeated {repeated}")
    }
}

/// The first difference between a recorded run and its repetition: that of the earliest step, and of files with the
/// same step, the first in the order of records.
///
/// # Errors
/// When a file of either cannot be read.
pub fn first_difference(recorded: &Path, repeated: &Path) -> Result<Option<Difference>, ReadError> {
    let mut differences = Vec::new();
    for file in FILES {
        let read = |path: &Path| read_optional(path).map_err(ReadError::at(path));
        let (one, other) = (read(&recorded.join(file))?, read(&repeated.join(file))?);
        if one != other {
            differences.push(describe(file, one.as_deref(), other.as_deref()));
        }
    }
    Ok(differences.into_iter().min_by_key(|difference| difference.step.unwrap_or(Step::MAX)))
}

fn describe(file: &str, recorded: Option<&[u8]>, repeated: Option<&[u8]>) -> Difference {
    let nowhere = |recorded: &str, repeated: &str| Difference {
        file: file.to_owned(),
        line: 1,
        step: None,
        field: String::new(),
        recorded: recorded.to_owned(),
        repeated: repeated.to_owned(),
    };
    let (Some(recorded), Some(repeated)) = (recorded, repeated) else {
        let word = |bytes: Option<&[u8]>| if bytes.is_some() { "the file" } else { "no such file" };
        return nowhere(word(recorded), word(repeated));
    };
    // A summary is one JSON text over many lines.
    if file.ends_with(".json")
        && let (Ok(one), Ok(other)) = (serde_json::from_slice(recorded), serde_json::from_slice(repeated))
        && let Some((field, one, other)) = differing(&one, &other, String::new())
    {
        return Difference { field, ..nowhere(&one, &other) };
    }
    let (mut one, mut other) = (recorded.split(|byte| *byte == b'\n'), repeated.split(|byte| *byte == b'\n'));
    let mut line = 1;
    loop {
        match (one.next(), other.next()) {
            (Some(one), Some(other)) if one == other => line += 1,
            (one, other) => return of_lines(file, line, one, other),
        }
    }
}

fn of_lines(file: &str, line: usize, recorded: Option<&[u8]>, repeated: Option<&[u8]>) -> Difference {
    let parse = |bytes: Option<&[u8]>| bytes.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let (one, other) = (parse(recorded), parse(repeated));
    let step = recorded.and_then(step_of).or_else(|| repeated.and_then(step_of));
    let text = |bytes: Option<&[u8]>| match bytes {
        None | Some(b"") => "nothing more".to_owned(),
        Some(bytes) => shown(&String::from_utf8_lossy(bytes)),
    };
    let found = one.zip(other).and_then(|(one, other)| differing(&one, &other, String::new()));
    let (field, recorded, repeated) = found.unwrap_or_else(|| (String::new(), text(recorded), text(repeated)));
    Difference { file: file.to_owned(), line, step, field, recorded, repeated }
}

/// The step that a line speaks of, where it says so.
fn step_of(line: &[u8]) -> Option<Step> {
    #[derive(Deserialize)]
    struct Head {
        step: Step,
    }
    serde_json::from_slice(line).ok().map(|Head { step }| step)
}

/// The first field in which two values differ, and how they read.
fn differing(one: &Value, other: &Value, path: String) -> Option<(String, String, String)> {
    let below = |path: &str, key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) => {
            let keys = ones.keys().chain(others.keys().filter(|key| !ones.contains_key(*key)));
            for key in keys {
                match (ones.get(key), others.get(key)) {
                    (Some(one), Some(other)) => {
                        if let Some(found) = differing(one, other, below(&path, key)) {
                            return Some(found);
                        }
                    }
                    (one, other) => {
                        let text =
                            |value: Option<&Value>| value.map_or("nothing".to_owned(), |v| shown(&v.to_string()));
                        return Some((below(&path, key), text(one), text(other)));
                    }
                }
            }
            None
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => ones
            .iter()
            .zip(others)
            .enumerate()
            .find_map(|(index, (one, other))| differing(one, other, below(&path, &index.to_string()))),
        (one, other) if one == other => None,
        (one, other) => Some((path, shown(&one.to_string()), shown(&other.to_string()))),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folders(recorded: &[(&str, &str)], repeated: &[(&str, &str)]) -> Option<Difference> {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (folder, files) in [(&one, recorded), (&other, repeated)] {
            for (name, text) in files {
                fs::write(folder.path().join(name), text).unwrap();
            }
        }
        first_difference(one.path(), other.path()).unwrap()
    }

    #[test]
    fn equal_folders_do_not_differ_whatever_the_log_says() {
        let steps = ("steps.jsonl", "{\"step\":0}\n");
        assert_eq!(folders(&[steps, ("experiment.log", "now")], &[steps, ("experiment.log", "then")]), None);
    }

    #[test]
    fn the_earliest_step_and_its_field_are_named() {
        let difference = folders(
            &[
                ("steps.jsonl", "{\"step\":0}\n{\"step\":1,\"action\":{\"args\":{\"sku\":\"sku_1\"}}}\n"),
                ("events.jsonl", "{\"step\":0,\"event\":\"a\"}\n{\"step\":1}\n"),
            ],
            &[
                ("steps.jsonl", "{\"step\":0}\n{\"step\":1,\"action\":{\"args\":{\"sku\":\"sku_2\"}}}\n"),
                ("events.jsonl", "{\"step\":0,\"event\":\"a\"}\n{\"step\":1,\"more\":1}\n"),
            ],
        );
        let text = difference.unwrap().to_string();
        assert_eq!(
            text,
            "first difference at step 1, field action.args.sku (steps.jsonl, line 2): recorded \"sku_1\", repeated \
             \"sku_2\""
        );
        let later = folders(
            &[("steps.jsonl", "{\"step\":0}\n{\"step\":1,\"a\":1}\n"), ("events.jsonl", "{\"step\":0,\"b\":1}\n")],
            &[("steps.jsonl", "{\"step\":0}\n{\"step\":1,\"a\":2}\n"), ("events.jsonl", "{\"step\":0,\"b\":2}\n")],
        );
        assert_eq!(later.unwrap().step, Some(0));
    }

    #[test]
    fn a_missing_file_a_missing_line_and_equal_values_in_other_bytes_differ() {
        let steps = ("steps.jsonl", "{\"step\":0}\n{\"step\":1}\n");
        let missing = folders(&[steps, ("deliberations.jsonl", "{}\n")], &[steps]).unwrap();
        assert_eq!((missing.file.as_str(), missing.repeated.as_str()), ("deliberations.jsonl", "no such file"));
        let shorter = folders(&[steps], &[("steps.jsonl", "{\"step\":0}\n")]).unwrap();
        assert_eq!((shorter.step, shorter.line, shorter.repeated.as_str()), (Some(1), 2, "nothing more"));
        let spaced = folders(&[steps], &[("steps.jsonl", "{\"step\":0}\n{\"step\": 1}\n")]).unwrap();
        assert_eq!((spaced.step, spaced.field.as_str()), (Some(1), ""));
    }

    #[test]
    fn a_summary_is_compared_by_its_fields() {
        let one = ("summary.json", "{\n  \"a\": 1,\n  \"b\": {\"c\": null}\n}\n");
        let other = ("summary.json", "{\n  \"a\": 1,\n  \"b\": {\"c\": 0}\n}\n");
        let difference = folders(&[one], &[other]).unwrap();
        assert_eq!((difference.field.as_str(), difference.recorded.as_str()), ("b.c", "null"));
    }
}
