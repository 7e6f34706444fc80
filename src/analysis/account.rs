//! What the audit notes of one run: its log, line by line, beside its summary.
//!
//! Called by [`audit`](super::audit). Holds counts and a hash, so that its size does not depend on the length of the
//! log. Looks at what stands in the records and never mends it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use crate::base::decision::{Action, ActionSource};
use crate::base::error_type::{ByType, ErrorType};
use crate::base::json;
use crate::base::units::Step;
use crate::interface::result::ErrorCode;
use crate::legacy::summary::{ImportNote, V1Summary};
use crate::legacy::v1;
use crate::legacy::v1::Answer;
use crate::record::folder::{ReadError, RunFolder, RunSummary};
use crate::record::reader::{Line, Recorded, StepLine};
use crate::record::step_record::StepRecord;
use crate::record::summary::{PredictionSummary, Summary};

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
    /// What the summary states; `None` without one.
    pub summary: Option<Stated>,
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
        let config = folder.config()?;
        let mut run = RunAccount { name: folder.name.clone(), origin: Origin::Original, ..RunAccount::default() };
        match folder.summary()? {
            Some(RunSummary::Ours(summary)) => {
                run.origin = Origin::Ours;
                run.run_id = Some(summary.identity.run_id.clone());
                run.agent = summary.identity.params.get("model.name").and_then(Value::as_str).map(ToOwned::to_owned);
                run.summary = Some(Stated::from(*summary));
            }
            Some(RunSummary::Foreign(summary)) => run.take_foreign(&summary),
            None => {}
        }
        if let Some(config) = config {
            if !run.imported {
                run.origin = Origin::Ours;
            }
            run.agent = Some(config.model.name);
        }
        run.read_log(folder)?;
        Ok(run)
    }

    /// Takes in a summary of the original's, or of an import from it.
    fn take_foreign(&mut self, summary: &Value) {
        let stated = V1Summary::of(summary);
        self.run_id.clone_from(&stated.run_id);
        self.agent.clone_from(&stated.agent);
        let Some(note) = ImportNote::of(summary) else {
            self.summary = Some(Stated::from(stated));
            return;
        };
        self.imported = true;
        // What the import could not read is still a fact about the log.
        for unread in note.unread {
            self.clipped |= unread.is_clipped;
            self.malformed += u64::from(!unread.is_clipped);
            self.problem(unread.number, unread.what);
        }
        self.summary = note.summary.map(Stated::from);
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
                    match &record.record {
                        Recorded::Ours(ours) => canonical_action(ours.action.as_ref(), &mut buffer),
                        Recorded::Foreign(value) => canonical(v1::action(value).unwrap_or(&Value::Null), &mut buffer),
                    }
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
        self.records += 1;
        match last {
            Some(last) if line.step <= last => self.out_of_order += 1,
            Some(last) if line.step > last + 1 => self.gaps += 1,
            _ => {}
        }
        let (origin, crash_detected) = match &line.record {
            Recorded::Ours(record) => {
                self.not_strict += u64::from(!line.strict);
                self.note_ours(record);
                (Origin::Ours, record.crash_detected)
            }
            Recorded::Foreign(record) => {
                self.not_strict += u64::from(!line.strict || v1::is_kept_as_text(record));
                self.imported |= v1::is_imported(record);
                let original = v1::original(record);
                let original = original.as_deref().unwrap_or(record);
                self.note_original(original);
                (Origin::Original, v1::crash_detected(original))
            }
        };
        if self.records == 1 {
            self.origin = origin;
        }
        if crash_detected && self.first_detection.is_none() {
            self.first_detection = Some(line.step);
        }
    }

    fn note_original(&mut self, original: &Value) {
        if let Some(tool) = v1::tool(original) {
            count(&mut self.tools, tool);
        }
        self.cards += u64::from(v1::has_card(original));
        self.note_errors(&ByType::build(|kind| v1::error(original, kind)));
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
    fn note_ours(&mut self, record: &StepRecord) {
        if let Some(action) = &record.action {
            count(&mut self.tools, &action.tool);
        }
        self.cards += u64::from(record.prediction.is_some());
        self.note_errors(&ByType::build(|kind| record.pe.get(kind).map(|error| error.0)));
        count(&mut self.sources, record.action_source.word());
        let unknown_tool = matches!(record.result.error_code, Some(ErrorCode::UnknownTool | ErrorCode::ToolNotOffered));
        let answer = match record.action_source {
            ActionSource::Rejected => Answer::WithoutAction,
            _ if record.action.is_none() => Answer::NoReply,
            _ if unknown_tool => Answer::UnknownTool,
            _ => Answer::AsAsked,
        };
        self.as_asked += u64::from(answer == Answer::AsAsked);
        let is_reply = match record.action_source {
            ActionSource::ModelToolCall | ActionSource::ModelText | ActionSource::Reasked | ActionSource::Rejected => {
                true
            }
            ActionSource::Timeout | ActionSource::Scripted | ActionSource::Replay | ActionSource::Human => false,
        };
        if is_reply && answer != Answer::NoReply {
            *self.answers.entry(answer).or_default() += 1;
        }
    }

    fn note_errors(&mut self, errors: &ByType<Option<f64>>) {
        let mut any = false;
        for kind in ErrorType::ALL {
            let Some(error) = *errors.get(kind) else { continue };
            *self.pe_stated_by_type.get_mut(kind) += 1;
            if error > 0.0 {
                *self.pe_nonzero_by_type.get_mut(kind) += 1;
                any = true;
            }
        }
        self.pe_nonzero += u64::from(any);
    }
}

/// What a summary states, whoever wrote it, as far as an audit asks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stated {
    /// The seed, as it is written.
    pub seed: Option<String>,
    /// Whether the model could not be loaded.
    pub model_load_failed: bool,
    /// Steps of the run.
    pub total_steps: Option<u64>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// The first crash.
    pub crash_type: Option<String>,
    /// The account of predictions; the original has none.
    pub predictions: Option<PredictionSummary>,
    /// Share of the actions that could bind a prediction which had one, by type.
    pub coverage: ByType<Option<f64>>,
}

impl From<Summary> for Stated {
    fn from(summary: Summary) -> Stated {
        Stated {
            seed: Some(summary.identity.seed.to_string()),
            model_load_failed: summary.model_load_failed,
            total_steps: Some(summary.total_steps.into()),
            end_reason: Some(summary.end_reason.word().to_owned()),
            crash_type: summary.crash_type,
            coverage: ByType::build(|kind| summary.coverage.get(kind).map(|share| share.0)),
            predictions: Some(summary.predictions),
        }
    }
}

impl From<V1Summary> for Stated {
    fn from(summary: V1Summary) -> Stated {
        let V1Summary { seed, model_load_failed, total_steps, end_reason, crash_type, .. } = summary;
        Stated { seed, model_load_failed, total_steps, end_reason, crash_type, ..Stated::default() }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            counts.insert(key.to_owned(), 1);
        }
    }
}

/// An action of ours as [`canonical`] writes one of the original's: runs of both are held against each other.
fn canonical_action(action: Option<&Action>, out: &mut Vec<u8>) {
    let Some(Action { tool, args }) = action else { return canonical(&Value::Null, out) };
    out.extend_from_slice(b"{\"args\":{");
    for (name, value) in args.iter().collect::<BTreeMap<_, _>>() {
        canonical_entry(name, value, out);
    }
    out.extend_from_slice(b"},\"tool\":");
    write_json(tool, out);
    out.extend_from_slice(b",}");
}

/// JSON with sorted keys, so that equal values have equal bytes.
fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            out.push(b'{');
            for (key, value) in map.iter().collect::<BTreeMap<_, _>>() {
                canonical_entry(key, value, out);
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
        plain => write_json(plain, out),
    }
}

fn canonical_entry(key: &str, value: &Value, out: &mut Vec<u8>) {
    write_json(key, out);
    out.push(b':');
    canonical(value, out);
    out.push(b',');
}

fn write_json(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    json::write(out, value).expect("texts and JSON values have a JSON form");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn actions_of_ours_and_of_the_originals_have_one_form() {
        let action = Action::of("tool_order").with("sku", "s\"k").with("extra", json!({"b": [1, null], "a": 0.5}));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        canonical_action(Some(&action), &mut ours);
        canonical(&json!({"tool": action.tool, "args": action.args}), &mut theirs);
        assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
        let of = |action: Option<&Action>| {
            let mut bytes = Vec::new();
            canonical_action(action, &mut bytes);
            bytes
        };
        assert_eq!(of(None), b"null");
        assert_ne!(of(Some(&Action::of("a"))), of(Some(&Action::of("b"))));
    }
}
