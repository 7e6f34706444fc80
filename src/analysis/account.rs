//! What the audit notes of one run: its log, line by line, beside its summary.
//!
//! Called by [`audit`](super::audit). Holds counts and a hash, so that its size does not depend on the length of the
//! log. Looks at what stands in the records and never mends it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use crate::base::error_type::{ByType, ErrorType};
use crate::base::units::Step;
use crate::legacy::v1;
use crate::legacy::v1::Answer;
use crate::record::folder::{ReadError, RunFolder};
use crate::record::reader::{Line, StepLine};

/// Whose records they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// This program's.
    #[default]
    Ours,
    /// The Python original's.
    Original,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub struct RunAccount {
    /// Name of its folder.
    pub name: String,
    /// Its id as the summary states it.
    pub run_id: Option<String>,
    /// Whose records they are.
    pub origin: Origin,
    /// Whether they came here by an import.
    pub imported: bool,
    /// The summary.
    pub summary: Option<Value>,
    /// The agent, as summary or configuration name it.
    pub agent: Option<String>,
    /// Whether there is a log at all.
    pub has_log: bool,
    /// Step records.
    pub records: u64,
    /// Records whose step is not greater than that of the record before.
    pub out_of_order: u64,
    /// Records whose step leaves numbers out after the record before.
    pub gaps: u64,
    /// Whether the last line breaks off.
    pub clipped: bool,
    /// Lines that are no step records.
    pub malformed: u64,
    /// Records that are JSON only as Python writes it.
    pub not_strict: u64,
    /// Records by how reply and action go together, where there was a reply.
    pub answers: BTreeMap<Answer, u64>,
    /// Records whose action was asked for, by whoever acts.
    pub as_asked: u64,
    /// Records by the source of their action.
    pub sources: BTreeMap<String, u64>,
    /// Records by tool.
    pub tools: BTreeMap<String, u64>,
    /// Records with any prediction error above 0.
    pub pe_nonzero: u64,
    /// Those by type.
    pub pe_nonzero_by_type: ByType<u64>,
    /// Records that state a prediction error, by type.
    pub pe_stated_by_type: ByType<u64>,
    /// Records with a prediction card.
    pub cards: u64,
    /// Of the original's: replies that were carried out and say whether the action will succeed.
    pub stated_success: u64,
    /// First step recorded with a crash.
    pub first_detection: Option<Step>,
    /// Equal for runs with step for step the same actions; `None` without records.
    pub trace: Option<u128>,
    /// Lines that could not be read: number and reason, the first few.
    pub problems: Vec<(u64, String)>,
}

/// Most problems of a run that are told one by one.
const PROBLEMS: usize = 5;

impl RunAccount {
    /// Reads a run.
    ///
    /// # Errors
    /// When a file of it cannot be read.
    pub fn of(folder: &RunFolder) -> Result<RunAccount, ReadError> {
        let summary = folder.summary()?;
        let config = folder.config()?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
        let mut run = RunAccount {
            name: folder.name.clone(),
            run_id: text(summary.as_ref().and_then(|summary| summary.get("run_id"))),
            agent: text(config.as_ref().and_then(|config| config.get("model")?.get("name"))).or_else(|| {
                let params = summary.as_ref()?.get("params")?;
                text(["model.name", "agent.model.name"].iter().find_map(|key| params.get(*key)))
            }),
            origin: if config.is_some() || is_ours(summary.as_ref()) { Origin::Ours } else { Origin::Original },
            ..RunAccount::default()
        };
        if let Some(imported) = summary.as_ref().and_then(|summary| summary.get("imported")) {
            run.imported = true;
            run.origin = Origin::Original;
            // What the import could not read is still a fact about the log.
            for unread in imported.get("unread").and_then(Value::as_array).into_iter().flatten() {
                let is_clipped = unread.get("is_clipped") == Some(&Value::Bool(true));
                run.clipped |= is_clipped;
                run.malformed += u64::from(!is_clipped);
                let what = text(unread.get("what")).unwrap_or_default();
                run.problem(unread.get("line").and_then(Value::as_u64).unwrap_or(0), what);
            }
            run.summary = imported.get("summary").filter(|summary| !summary.is_null()).cloned();
        } else {
            run.summary = summary;
        }
        run.read_log(folder)?;
        Ok(run)
    }

    fn read_log(&mut self, folder: &RunFolder) -> Result<(), ReadError> {
        let Some(mut records) = folder.records()? else { return Ok(()) };
        self.has_log = true;
        let mut trace = Xxh3::new();
        let mut buffer = Vec::new();
        let mut last = None;
        while let Some(line) = records.read()? {
            match line {
                Line::Record(record) => {
                    self.note(&record, last);
                    last = Some(record.step);
                    buffer.clear();
                    canonical(action_of(&record.value).unwrap_or(&Value::Null), &mut buffer);
                    buffer.push(b'\n');
                    trace.update(&buffer);
                }
                Line::Malformed { number, why } => {
                    self.malformed += 1;
                    self.problem(number, why);
                }
                Line::Clipped { number } => {
                    self.clipped = true;
                    self.problem(number, "it breaks off".to_owned());
                }
            }
        }
        self.trace = (self.records > 0).then(|| trace.digest128());
        Ok(())
    }

    fn problem(&mut self, line: u64, what: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push((line, what));
        }
    }

    fn note(&mut self, line: &StepLine, last: Option<Step>) {
        let record = &line.value;
        self.records += 1;
        let is_kept_as_text = record.get("imported").is_some_and(|imported| imported.get("line").is_some());
        self.not_strict += u64::from(!line.strict || is_kept_as_text);
        match last {
            Some(last) if line.step <= last => self.out_of_order += 1,
            Some(last) if line.step > last + 1 => self.gaps += 1,
            _ => {}
        }
        let original = v1::original(record);
        match &original {
            Some(original) => {
                if self.records == 1 {
                    self.origin = Origin::Original;
                }
                self.imported |= record.get("imported").is_some();
                self.note_original(original);
            }
            None => {
                if self.records == 1 {
                    self.origin = Origin::Ours;
                }
                self.note_ours(record);
            }
        }
        let record = original.as_deref().unwrap_or(record);
        if let Some(tool) = v1::tool(record) {
            count(&mut self.tools, tool);
        }
        self.cards += u64::from(record.get("prediction").is_some_and(Value::is_object));
        self.note_errors(record);
        if record.get("crash_detected") == Some(&Value::Bool(true)) && self.first_detection.is_none() {
            self.first_detection = Some(line.step);
        }
    }

    fn note_original(&mut self, original: &Value) {
        let answer = v1::answer(original);
        count(&mut self.sources, answer.action_source());
        if answer != Answer::NoReply {
            *self.answers.entry(answer).or_default() += 1;
        }
        if answer == Answer::AsAsked {
            self.as_asked += 1;
            self.stated_success += u64::from(v1::reply(original).and_then(v1::stated_success).is_some());
        }
    }

    /// Our own agents are never given an action that they did not ask for; a language model may fail to ask for one,
    /// or ask for a tool that it does not have.
    fn note_ours(&mut self, record: &Value) {
        let source = record.get("action_source").and_then(Value::as_str).unwrap_or("unknown");
        count(&mut self.sources, source);
        let acted = record.get("action").is_some_and(Value::is_object);
        let code = record.get("result").and_then(|result| result.get("error_code")).and_then(Value::as_str);
        let unknown_tool = matches!(code, Some("unknown_tool" | "tool_not_offered"));
        let answer = match source {
            "rejected" => Answer::WithoutAction,
            _ if !acted => Answer::NoReply,
            _ if unknown_tool => Answer::UnknownTool,
            _ => Answer::AsAsked,
        };
        self.as_asked += u64::from(answer == Answer::AsAsked);
        if matches!(source, "model_tool_call" | "model_text" | "reasked" | "rejected") && answer != Answer::NoReply {
            *self.answers.entry(answer).or_default() += 1;
        }
    }

    fn note_errors(&mut self, record: &Value) {
        let mut any = false;
        for kind in ErrorType::ALL {
            let Some(error) = record.get("pe").and_then(|pe| pe.get(kind.word())).and_then(Value::as_f64) else {
                continue;
            };
            *self.pe_stated_by_type.get_mut(kind) += 1;
            if error > 0.0 {
                *self.pe_nonzero_by_type.get_mut(kind) += 1;
                any = true;
            }
        }
        self.pe_nonzero += u64::from(any);
    }

    /// A field of the summary.
    #[must_use]
    pub fn stated(&self, path: &str) -> Option<&Value> {
        let summary = self.summary.as_ref()?;
        path.split('.').try_fold(summary, |value, key| value.get(key)).filter(|value| !value.is_null())
    }
}

fn is_ours(summary: Option<&Value>) -> bool {
    summary.is_some_and(|summary| summary.get("schema_version").is_some())
}

/// The action of a record: what ran.
fn action_of(record: &Value) -> Option<&Value> {
    record.get("action").filter(|action| action.is_object())
}

fn count(counts: &mut BTreeMap<String, u64>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            counts.insert(key.to_owned(), 1);
        }
    }
}

/// JSON with sorted keys, so that equal values have equal bytes.
fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            out.push(b'{');
            let keys: BTreeSet<&String> = map.keys().collect();
            for key in keys {
                serde_json::to_writer(&mut *out, key).expect("a string is JSON");
                out.push(b':');
                canonical(&map[key], out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                canonical(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        plain => serde_json::to_writer(out, plain).expect("a value is JSON"),
    }
}
