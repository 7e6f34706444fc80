//! The program with its own plugins. A third party's program is the same with more of them.

use std::process::ExitCode;

use vendomini::plugins::Plugins;

/// A thousand conversations allocate and free between threads all the time; the system's allocator is slow at that and
/// leaves holes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vendomini::main_with(Plugins::default())
}
