//! The verb `pin`: writes into experiment files which world they mean.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CliError, ExitStatus};
use crate::batch::error::WriteError;
use crate::config::{self, Overrides};
use crate::plan::Plan;
use crate::record::pins::Pins;

const EXAMPLES: &str = "\
Examples:
  vendomini pin configs/demo.yaml
          writes a section pins with the digests of today into the file
  vendomini pin --print configs/*.yaml
          shows them and touches nothing

A run of a pinned file checks its pins first and ends with exit code 3 when one does not hold.";

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
/// When a file is no experiment file or cannot be written. Nothing is written before all files were read.
pub fn run(args: &PinArgs, out: &mut dyn Write) -> Result<ExitStatus, CliError> {
    let mut pinned = Vec::new();
    for path in &args.files {
        let plan = Plan::new(config::load(path, &Overrides::default())?)?;
        pinned.push((path, Pins::of(&plan)));
    }
    for (path, pins) in pinned {
        if args.print {
            writeln!(out, "{}: scenario_sha256 {}", path.display(), pins.scenario_sha256)?;
            writeln!(out, "{}: initial_state_hash {}", path.display(), pins.initial_state_hash)?;
        } else {
            write(path, &pins).map_err(CliError::Write)?;
            writeln!(out, "{}: pinned", path.display())?;
        }
    }
    Ok(ExitStatus::Done)
}

/// Puts the pins into a file, in the place of earlier ones, and leaves every other line as it is.
fn write(path: &Path, pins: &Pins) -> Result<(), WriteError> {
    let text = fs::read_to_string(path).map_err(WriteError::at(path))?;
    let beside = path.with_extension("yaml.tmp");
    fs::write(&beside, with_pins(&text, pins)).and_then(|()| fs::rename(&beside, path)).map_err(|source| {
        let _ = fs::remove_file(&beside);
        WriteError { path: path.to_owned(), source }
    })
}

fn with_pins(text: &str, pins: &Pins) -> String {
    let section = format!(
        "pins:\n  scenario_sha256: \"{}\"\n  initial_state_hash: \"{}\"\n",
        pins.scenario_sha256, pins.initial_state_hash
    );
    let mut lines = text.split_inclusive('\n').peekable();
    let (mut result, mut replaced) = (String::new(), false);
    while let Some(line) = lines.next() {
        if !is_pins(line) {
            result.push_str(line);
            continue;
        }
        // A section ends with the next line that is not indented.
        while lines.peek().is_some_and(|line| line.starts_with([' ', '\t'])) {
            lines.next();
        }
        if !replaced {
            result.push_str(&section);
            replaced = true;
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

fn is_pins(line: &str) -> bool {
    line.strip_prefix("pins:")
        .is_some_and(|rest| rest.trim_start().is_empty() || rest.trim_start().starts_with(['#', '{']))
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
}
