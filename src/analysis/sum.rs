//! How the accounts of runs add up to an audit.
//!
//! Called by [`audit`](super::audit). A run that does not know something adds nothing to it.

use std::collections::BTreeMap;

use super::account::{Origin, RunAccount};
use super::audit::{Audit, Groups, Problem};
use crate::base::error_type::{ByType, ErrorType};
use crate::base::units::Step;
use crate::legacy::v1;
use crate::legacy::v1::Answer;
use crate::record::folder::STEPS;

/// Most lines that could not be read that an audit tells one by one.
const PROBLEMS: usize = 50;

/// First step at which one of our own detectors can fire: its window needs five steps, the present one included.
const FIRST_DETECTION: Step = 4;

/// What groups and means are made of.
#[derive(Default)]
pub(super) struct Gathered {
    seeds: BTreeMap<String, u64>,
    run_ids: BTreeMap<String, u64>,
    traces: BTreeMap<(u64, u128), u64>,
    coverage: ByType<(f64, u64)>,
    answers: BTreeMap<Answer, u64>,
}

impl Audit {
    pub(super) fn add_log(&mut self, run: &RunAccount) {
        let flag = u64::from;
        self.runs_with_steps += flag(run.records > 0);
        self.step_records += run.records;
        self.pe_nonzero_records += run.pe_nonzero;
        self.runs_out_of_order += flag(run.out_of_order > 0);
        self.steps_out_of_order += run.out_of_order;
        self.actions_as_asked += run.as_asked;
        self.runs_with_gaps += flag(run.gaps > 0);
        self.clipped_logs += flag(run.clipped);
        self.malformed_lines += run.malformed;
        self.records_not_strict_json += run.not_strict;
        self.imported_runs += flag(run.imported);
        self.cards += run.cards;
        for (source, records) in &run.sources {
            *self.action_sources.entry(source.clone()).or_default() += records;
        }
        for (tool, records) in &run.tools {
            *self.tools.entry(tool.clone()).or_default() += records;
        }
        for kind in ErrorType::ALL {
            *self.pe_stated_by_type.get_mut(kind) += run.pe_stated_by_type.get(kind);
            *self.pe_nonzero_by_type.get_mut(kind) += run.pe_nonzero_by_type.get(kind);
        }
        let first_possible = match run.origin {
            Origin::Ours => FIRST_DETECTION,
            Origin::Original => v1::FIRST_DETECTION,
        };
        self.detections += flag(run.first_detection.is_some());
        self.detections_at_first_possible_step += flag(run.first_detection == Some(first_possible));
        let room = PROBLEMS - self.problems.len();
        self.problems.extend(run.problems.iter().take(room).map(|(line, what)| Problem {
            run: run.name.clone(),
            file: STEPS,
            line: *line,
            what: what.clone(),
        }));
    }

    pub(super) fn add_summary(&mut self, run: &RunAccount) {
        match run.origin {
            Origin::Ours => self.origins.vendomini += 1,
            Origin::Original => self.origins.v1 += 1,
        }
        self.runs_without_summary += u64::from(run.summary.is_none());
        let stated = run.summary.as_ref();
        self.runs_with_model_load_failed += u64::from(stated.is_some_and(|stated| stated.model_load_failed));
        let steps = stated.and_then(|stated| stated.total_steps);
        self.runs_with_fewer_records_than_steps += u64::from(steps.is_some_and(|steps| run.records < steps));
        self.runs_with_more_records_than_steps += u64::from(steps.is_some_and(|steps| run.records > steps));
        // The original's folders are named `run_<id>`.
        let id = run.run_id.as_deref().unwrap_or(&run.name);
        self.run_ids_unlike_folder += u64::from(run.name != id && run.name.strip_prefix("run_") != Some(id));
        let unknown = || "unknown".to_owned();
        *self.agents.entry(run.agent.clone().unwrap_or_else(unknown)).or_default() += 1;
        *self
            .end_reasons
            .entry(stated.and_then(|stated| stated.end_reason.clone()).unwrap_or_else(unknown))
            .or_default() += 1;
        let crash = stated.and_then(|stated| stated.crash_type.clone());
        if crash.as_deref() == Some("looping") {
            let over_half = |part: u64| u64::from(2 * part > run.records);
            self.looping.runs += 1;
            if run.origin == Origin::Original {
                self.looping.mostly_fallback_tool += over_half(run.tools.get(v1::FALLBACK).copied().unwrap_or(0));
            }
            self.looping.mostly_not_asked_for += over_half(run.records - run.as_asked);
        }
        let none = || if run.summary.is_some() { "none".to_owned() } else { unknown() };
        *self.crash_types.entry(crash.unwrap_or_else(none)).or_default() += 1;
    }

    pub(super) fn add_predictions(&mut self, run: &RunAccount) {
        let predictions = &mut self.predictions;
        if run.origin == Origin::Original {
            // Its format has no place for another prediction.
            *predictions.made.get_or_insert_default() += run.stated_success;
            *predictions.made_by_type.causal.get_or_insert_default() += run.stated_success;
            return;
        }
        let Some(stated) = run.summary.as_ref().and_then(|stated| stated.predictions.as_ref()) else { return };
        let add = |sum: &mut Option<u64>, count: u64| *sum.get_or_insert_default() += count;
        add(&mut predictions.made, stated.total.made);
        add(&mut predictions.resolved, stated.total.resolved);
        add(&mut predictions.exact, stated.total.exact);
        add(&mut predictions.voided, stated.total.voided);
        add(&mut predictions.open, stated.total.open);
        for kind in ErrorType::ALL {
            let of_type = stated.by_type.get(kind);
            add(predictions.made_by_type.get_mut(kind), of_type.made);
            add(predictions.resolved_by_type.get_mut(kind), of_type.resolved);
        }
    }

    pub(super) fn conclude(&mut self, gathered: Gathered) {
        self.seeds = gathered.seeds.len() as u64;
        self.largest_group_of_equal_seeds = gathered.seeds.values().max().copied();
        self.duplicate_run_ids = Groups::of(gathered.run_ids.values());
        self.identical_action_traces = Groups::of(gathered.traces.values());
        self.largest_group_of_identical_action_traces = gathered.traces.values().max().copied();
        self.share_of_actions_as_asked =
            (self.step_records > 0).then(|| self.actions_as_asked as f64 / self.step_records as f64);
        let has_replies = !gathered.answers.is_empty();
        let answers = |answer| has_replies.then(|| gathered.answers.get(&answer).copied().unwrap_or(0));
        self.replies_without_action = answers(Answer::WithoutAction);
        self.replies_with_unknown_tool = answers(Answer::UnknownTool);
        self.replies_replaced = answers(Answer::Replaced);
        self.coverage = ByType::build(|kind| {
            let (sum, runs) = gathered.coverage.get(kind);
            (*runs > 0).then(|| sum / *runs as f64)
        });
    }
}

impl Gathered {
    pub(super) fn add(&mut self, run: RunAccount) {
        if let Some(seed) = run.summary.as_ref().and_then(|stated| stated.seed.clone()) {
            *self.seeds.entry(seed).or_default() += 1;
        }
        for kind in ErrorType::ALL {
            let share = match run.origin {
                Origin::Ours => run.summary.as_ref().and_then(|stated| *stated.coverage.get(kind)),
                // Which of its actions could have bound another prediction, its logs do not tell.
                Origin::Original if kind == ErrorType::Causal && run.as_asked > 0 => {
                    Some(run.stated_success as f64 / run.as_asked as f64)
                }
                Origin::Original => None,
            };
            if let Some(share) = share {
                let (sum, runs) = self.coverage.get_mut(kind);
                *sum += share;
                *runs += 1;
            }
        }
        if let Some(trace) = run.trace {
            *self.traces.entry((run.records, trace)).or_default() += 1;
        }
        for (answer, records) in run.answers {
            *self.answers.entry(answer).or_default() += records;
        }
        *self.run_ids.entry(run.run_id.unwrap_or(run.name)).or_default() += 1;
    }
}

impl Groups {
    fn of<'a>(sizes: impl Iterator<Item = &'a u64>) -> Groups {
        let mut groups = Groups::default();
        for size in sizes.filter(|size| **size > 1) {
            groups.groups += 1;
            groups.runs += size;
        }
        groups
    }
}
