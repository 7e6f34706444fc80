//! What `--help` says, word for word.

use clap::CommandFactory;
use predicates::str::{contains, is_empty};
use vendomini::cli::Cli;

use super::vendomini;

fn help(verb: Option<&str>) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let command = match verb {
        None => &mut command,
        Some(verb) => command.find_subcommand_mut(verb).unwrap(),
    };
    let text = command.render_long_help().to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn help_teaches() {
    insta::assert_snapshot!(help(None), @r#"
    A seeded warehouse for agents that measures prediction errors and detects when agents break down

    An experiment file names an agent, a world, and how the world surprises the agent; its grid makes
    many runs of it. Every run leaves complete records, and the same file always gives the same records.

    Usage: vendomini <COMMAND>

    Commands:
      run          Run an experiment
      plan         List the runs of an experiment without running any
      selftest     Test the instrument itself
      detect       Run crash detectors over existing step records
      replay       Make a recorded run again, without a network, and compare it with its records
      pin          Write into experiment files which world they mean
      import       Turn runs of the Python original into runs of this program
      audit        Say what a referee would ask of a folder of runs
      parse-reply  Say how replies of a language model are read
      schema       Print JSON Schema of experiment files, records and tools
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      vendomini plan --config configs/demo.yaml
              what the experiment would run
      vendomini run --batch --config configs/demo.yaml --n-jobs -1
              run it on all cores; results appear in results/demo/
      vendomini run --batch --config configs/base.yaml --set pe_induction.p_shock=0.3 --replications 20
              change settings without touching the file

    Exit codes:
      0  done; an agent that broke down is a result, not an error
      1  a run hit a defect of this program
      2  the command line is wrong
      3  nothing was run: the configuration or a plugin is wrong, or the result folder cannot be used
      4  begun, but not finished: stopped, or a file could not be written
      5  the provider of a language model gave up, or does not answer; run --resume goes on
      6  records cannot be read
      7  a replay differs from its records
      130  a second Ctrl-C ended the program at once
    "#);
}

#[test]
fn help_of_run_teaches() {
    insta::assert_snapshot!(help(Some("run")), @r#"
    Run an experiment

    Makes every run of the plan and writes complete records of each. Records do not depend on the number
    of threads, and a second run writes the same ones. Ctrl-C stops at the next step of each run:
    complete runs stay, those of language models are put aside for --resume, and those of programs leave
    nothing.

    Usage: vendomini run [OPTIONS] --config <FILE>

    Options:
          --config <FILE>
              Experiment file (YAML)

              It may name another file under `inherit`, whose settings hold where this one is silent,
              and list values under `grid`; every combination of them becomes a cell of the experiment.

          --set <PATH=VALUE>
              Change one setting; may be given several times

              PATH is the dotted path of a setting, in any spelling that files may use; VALUE is YAML,
              so a list is written [10, 100]. This wins over the file and everything it inherits. If the
              grid has an axis with this path, the axis shrinks to this one value.

              Example: --set model.name=heuristic --set pe_induction.p_shock=0.2

          --seed <N>
              Seed that all random draws follow from (experiment.seed; 42 where no file names one)

          --replications <N>
              Runs per cell of the grid (experiment.replications)

          --max-steps <N>
              Length of every run in steps (simulation.max_steps); wins over max_steps_by_level

          --batch
              Run all runs of the plan without a window

          --n-jobs <N>
              Runs at a time; -1 for one on each core

              [default: 1]

          --output-dir <DIR>
              Folder for results, in which the experiment gets a folder of its own name

              Without it, the file's paths.results_dir holds, and without that, results.

          --overwrite
              Replace earlier results of this experiment

              The whole experiment is replaced, also runs that are not in the plan any more. Only a
              folder that holds results of this program is ever replaced.

          --resume
              Go on with earlier results of this experiment

              Runs that ended for good stay as they are. Runs of language models that were broken off,
              or that ended because a provider gave up or a limit of the experiment was reached, go on
              where they stopped: what their cassettes hold is not asked again. The configuration, the
              prompts, the servers and the plugins must be the same.

      -h, --help
              Print help (see a summary with '-h')

    Language models:
          --token-limit <N>
              Tokens that all runs together may use (limits.tokens)

          --cost-limit <USD>
              US dollars that all runs together may cost (limits.cost); every model then needs a known
              price

          --time-limit <SECONDS>
              Seconds that all runs together may take, those of programs too; anew with each --resume
              (limits.time_s)

          --run-token-limit <N>
              Tokens that one run may use (limits.run_tokens)

          --run-cost-limit <USD>
              US dollars that one run may cost (limits.run_cost)

          --run-time-limit <SECONDS>
              Seconds that one run may take, also a program's; what it took before a --resume counts
              (limits.run_time_s)

          --prompt-price-per-mtok <USD>
              US dollars for a million tokens of requests, for all models

          --completion-price-per-mtok <USD>
              US dollars for a million tokens of replies, for all models

          --pricing-file <FILE>
              File (YAML) of prices by patterns of model names

          --allow-unpinned
              Run although a pin of the configuration does not hold; the manifest says so

    Examples:
      vendomini run --batch --config configs/demo.yaml
      vendomini run --batch --config configs/demo.yaml --n-jobs -1 --output-dir /tmp/out --overwrite
      vendomini run --batch --config results/demo/runs/demo_c0_r0/config_used.yaml --output-dir again
              repeat one run from its own record

    Results, in DIR/<experiment>/:
      manifest.json   what was run, with which program, and whether all of it is there
      results.csv     one row a run: its configuration and its summary
      runs/<run_id>/  config_used.yaml, steps.jsonl, events.jsonl, summary.json, experiment.log;
                      for language models also deliberations.jsonl and cassette.jsonl
      connections.jsonl  of language models: when more or fewer requests could be in flight
    DIR/history.jsonl has a line for every run that was ever finished there.
    "#);
}

#[test]
fn help_of_parse_reply_teaches() {
    insta::assert_snapshot!(help(Some("parse-reply")), @r#"
    Say how replies of a language model are read

    Reads replies as a run would, and prints the action, the prediction card and the thoughts of each,
    or why it cannot be read. For work on prompts.

    Usage: vendomini parse-reply [OPTIONS] <FILE>

    Arguments:
      <FILE>
              File of replies, or - for stdin

    Options:
          --format <FORMAT>
              How the model was asked to reply

              Possible values:
              - text:       Lines that start with THOUGHTS:, ACTION:, ARGS:, PREDICTION:, SUCCESS:
              - tool_calls: Native tool calls

              [default: text]

          --tools <NAME>
              The tools that it was offered, by name; all that this program has without it

              Another name stands for a tool that can be called without arguments.

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      vendomini parse-reply reply.txt
              why the program cannot read this reply
      vendomini parse-reply replies.jsonl | grep -c '"unreadable":null'
              how many of these replies it can read
      vendomini parse-reply --format tool_calls results/demo/runs/demo_c0_r0/deliberations.jsonl
              how the last reply of each decision of a run is read
      vendomini parse-reply --format tool_calls --tools tool_order,tool_wait - < response.json

    Input: when the first line with content is a JSON object with the key raw, each line must be one,
    and each raw is a reply. When it is an answer of a server, each line must be an object. Otherwise
    the whole input is one reply. A reply is a text, or an object of one of these shapes:
      {"content": ..., "tool_calls": [{"name": ..., "arguments": ...}], "finish": ...}  our records
      {"choices": [{"message": {...}, "finish_reason": ...}]}         a chat completion
      {"content": ..., "tool_calls": [{"function": {...}}]}           its message alone
      {"type": "message", "content": [...], "stop_reason": ...}     a message of Anthropic

    Output, a line a reply: line, action (tool and args), card, card_problem, thoughts, and unreadable
    (the reason, and in detail the sentence that the model is sent). What there is not is null.

    Exit codes:
      0  all replies were looked at, readable or not
      2  the command line is wrong
      6  the input cannot be read
    "#);
}

#[test]
fn help_and_version_are_data() {
    let dir = tempfile::tempdir().unwrap();
    vendomini(&dir, &["--help"]).assert().success().stdout(contains("Exit codes:")).stderr(is_empty());
    let version = format!("vendomini {}\n", env!("CARGO_PKG_VERSION"));
    vendomini(&dir, &["--version"]).assert().success().stdout(version).stderr(is_empty());
}
