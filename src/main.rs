//! The program with its own plugins. A third party's program is the same with more of them.

use std::process::ExitCode;

use vendomini::plugins::Plugins;

fn main() -> ExitCode {
    vendomini::main_with(Plugins::default())
}
