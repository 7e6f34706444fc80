//! The program: arguments to the library, its result to an exit code.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use vendomini::cli::{Cli, print_error};

fn main() -> ExitCode {
    let command = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let command = std::iter::once("vendomini".to_owned()).chain(command).collect();
    let status = match Cli::parse().execute(command, &mut stdout(), &mut stderr()) {
        Ok(status) => status,
        Err(error) => {
            // Without a place for messages the exit code still tells.
            let _ = print_error(&error, &mut stderr());
            error.exit_status()
        }
    };
    ExitCode::from(status as u8)
}
