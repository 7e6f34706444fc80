//! The verb `pin`: writes into experiment files which world they mean.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::{CliError, ExitStatus};
use crate::base::files::{Replacement, Unfinished, beside};
use crate::batch::error::WriteError;
use crate::config;
use crate::config::{Experiment, Overrides, is_below};
use crate::plan::Plan;
use crate::record::manifest::digest;
use crate::record::pins::Pins;

const EXAMPLES: &str = "\
Examples:
  vendomini pin configs/demo.yaml
          writes a section pins with the digests of today into the file
  vendomini pin --print configs/*.yaml
          shows them and touches nothing

A run of a pinned file checks its pins first and ends with exit code 3 when one does not hold. Files that inherit from
it do not inherit its pins.";

/// Flags of `pin`. What the verb does stands with the verb, where the help takes it from.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PinArgs {
    /// Experiment files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Print the pins instead of writing them
    #[arg(long)]
    pub print: bool,
}

/// Pins files, or prints their pins.
///
/// # Errors
/// When a file is no experiment file, has a form into which pins cannot be written, or cannot be written. No file is
/// touched before all of them are ready.
pub fn run(args: &PinArgs, out: &mut dyn Write) -> Result<ExitStatus, CliError> {
    let mut pinned = Vec::new();
    for path in &args.files {
        let plan = Plan::new(config::load(path, &Overrides::default())?)?;
        let pins = Pins::of(&plan);
        if args.print {
            writeln!(out, "{}: scenario_sha256 {}", path.display(), pins.scenario_sha256)?;
            writeln!(out, "{}: initial_state_hash {}", path.display(), pins.initial_state_hash)?;
        } else {
            pinned.push((path, ready(path, &pins, plan.experiment())?));
        }
    }
    for (path, file) in pinned {
        file.finish().map_err(WriteError::at(path)).map_err(CliError::Write)?;
        writeln!(out, "{}: pinned", path.display())?;
    }
    Ok(ExitStatus::Done)
}

/// The file with its pins, beside it: the pins stand in the place of earlier ones, and every other line is as it was.
/// What is read back decides whether that is so.
fn ready(path: &Path, pins: &Pins, experiment: &Experiment) -> Result<Replacement, CliError> {
    let write = || {
        let text = fs::read_to_string(path)?;
        // A link stays one. What the file inherits is found from where the link lies.
        let target = fs::canonicalize(path)?;
        let mut file = Replacement::create_as(beside(path), &target, Unfinished::Removed)?;
        file.write_all(with_pins(&text, pins).as_bytes())?;
        fs::set_permissions(file.path(), fs::metadata(path)?.permissions())?;
        Ok(file)
    };
    let file = write().map_err(WriteError::at(path)).map_err(CliError::Write)?;
    let is_pin = |path: &str| is_below(path, "pins");
    let others = |experiment: &Experiment| -> Vec<_> {
        let settings = experiment.settings().filter(|(path, _)| !is_pin(path));
        settings.map(|(path, value)| (path, value.clone())).collect()
    };
    let holds = |read: &Experiment| {
        let pin = |key: &str| read.setting(key).and_then(Value::as_str).unwrap_or_default();
        pin("pins.scenario_sha256") == pins.scenario_sha256
            && pin("pins.initial_state_hash") == pins.initial_state_hash
            && others(read) == others(experiment)
            && digest(read) == digest(experiment)
    };
    match config::load(file.path(), &Overrides::default()) {
        Ok(read) if holds(&read) => Ok(file),
        _ => Err(CliError::Unpinnable(path.to_owned())),
    }
}

/// The text with the pins in the place of earlier ones, or behind everything else.
fn with_pins(text: &str, pins: &Pins) -> String {
    let section = format!(
        "pins:\n  scenario_sha256: \"{}\"\n  initial_state_hash: \"{}\"\n",
        pins.scenario_sha256, pins.initial_state_hash
    );
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut result, mut replaced, mut at) = (String::new(), false, 0);
    while let Some(line) = lines.get(at) {
        at += 1;
        if !is_pins(line) {
            result.push_str(line);
            continue;
        }
        if !replaced {
            result.push_str(&section);
            replaced = true;
        }
        // The section goes on as long as indented lines follow; blank lines and remarks between them stay.
        loop {
            let rest = lines[at..].iter();
            let between = rest.take_while(|line| is_blank(line)).count();
            if !lines.get(at + between).is_some_and(|line| line.starts_with([' ', '\t'])) {
                break;
            }
            lines[at..at + between].iter().for_each(|line| result.push_str(line));
            at += between + 1;
        }
    }
    if !replaced {
        if !result.is_empty() && !result.ends_with('\n') {
            result.push('\n');
        }
        result.push_str(&section);
    }
    result
}

/// Whether a line means nothing: it is empty, or a remark that begins in the first column.
fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with('#')
}

fn is_pins(line: &str) -> bool {
    let rest = ["pins:", "\"pins\":", "'pins':"].iter().find_map(|key| line.strip_prefix(key));
    rest.is_some_and(|rest| rest.trim_start().is_empty() || rest.trim_start().starts_with(['#', '{']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins() -> Pins {
        Pins { scenario_sha256: "ab".repeat(32), initial_state_hash: "12".repeat(16) }
    }

    #[test]
    fn pins_are_added_at_the_end_or_take_the_place_of_earlier_ones() {
        let written = with_pins("# a file\nexperiment:\n  name: x  # with remarks", &pins());
        assert!(written.starts_with("# a file\nexperiment:\n  name: x  # with remarks\npins:\n"), "{written}");
        assert_eq!(with_pins(&written, &pins()), written, "pinning again changes nothing");
        let other = Pins { scenario_sha256: "cd".repeat(32), ..pins() };
        let text = format!("{written}model:\n  name: mock\n");
        let again = with_pins(&text, &other);
        assert_eq!(again.matches("pins:").count(), 1);
        assert!(again.contains(&"cd".repeat(32)) && !again.contains(&"ab".repeat(32)), "{again}");
        assert!(again.ends_with("model:\n  name: mock\n"), "{again}");
    }

    #[test]
    fn what_stands_in_and_around_the_section_does_not_matter() {
        let plain = with_pins("a: 1\nb: 2\n", &pins());
        for text in [
            "a: 1\n\"pins\":\n  scenario_sha256: x\nb: 2\n",
            "a: 1\npins: {scenario_sha256: x}\nb: 2\n",
            "a: 1\npins:\n  scenario_sha256: x\n\n# a remark\n  initial_state_hash: y\nb: 2\n\n# the end\n",
        ] {
            let read = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
            let written = with_pins(text, &pins());
            assert_eq!(read(&written), read(&plain), "{written}");
            assert_eq!(written.matches("# ").count(), text.matches("# ").count(), "{written}");
        }
    }

    /// Forms into which nothing is written: the file stays as it was, and nothing lies beside it.
    #[test]
    fn a_file_that_cannot_be_pinned_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.yaml");
        let run = |print| run(&PinArgs { files: vec![path.clone()], print }, &mut Vec::new());
        for text in [
            "{experiment: {name: x}}\n",
            "{\"experiment\": {\"name\": \"x\"}, \"pins\": {}}\n",
            "experiment: {name: x}\n...\n",
            "experiment: {name: x}\npins.scenario_sha256: null\n",
        ] {
            fs::write(&path, text).unwrap();
            let error = run(false).unwrap_err();
            assert!(matches!(error, CliError::Unpinnable(_)), "{text}: {error}");
            assert_eq!(error.exit_status(), ExitStatus::Refused);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
            run(true).unwrap();
        }
        fs::write(&path, "experiment: {name: x}\npins: {}\n").unwrap();
        run(false).unwrap();
        assert!(
            config::load(&path, &Overrides::default()).unwrap().setting("pins.scenario_sha256").unwrap().is_string()
        );
    }
}
