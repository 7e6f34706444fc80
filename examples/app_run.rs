//! One run in an ordinary App: `cargo run --example app_run -- configs/demo.yaml results`.
//!
//! The records are those that `vendomini run` writes of the first run of the plan. A system of our own, in `Update`, says
//! how far it is.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use vendomini::VendoMiniPlugins;
use vendomini::batch::RunFiles;
use vendomini::config::{self, Overrides};
use vendomini::engine::calendar::Calendar;
use vendomini::engine::ledger::Ledger;
use vendomini::plan::Plan;
use vendomini::plugins::driver_plugin::{AppRun, DriverPlugin, DriverSystems, RunStanding};

/// A line every hundred steps.
fn report(calendar: Res<Calendar>, ledger: Res<Ledger>) {
    if calendar.step().is_multiple_of(100) {
        println!("step {}: day {}, budget {}", calendar.step(), calendar.day(), ledger.budget());
    }
}

/// Why the App ends without an end of its run.
fn complain(run: Res<AppRun>) {
    if let RunStanding::Failed(why) = run.standing() {
        eprintln!("{why}");
    }
}

fn app(config: &Path, out_dir: &Path) -> Result<App, Box<dyn Error>> {
    let run = Plan::new(config::load(config, &Overrides::default())?)?.run(0);
    let files = RunFiles::create(out_dir, &run)?;
    println!("{}", files.folder().display());
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, VendoMiniPlugins, DriverPlugin::new(&run).recording(files)));
    // One step a frame, as fast as it goes; without this, one step in 1/64 s.
    app.insert_resource(TimeUpdateStrategy::FixedTimesteps(1));
    app.add_systems(FixedUpdate, report.after(DriverSystems::Step)).add_systems(Last, complain);
    Ok(app)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [config, out_dir] = args.as_slice() else {
        eprintln!("usage: app_run CONFIG OUT_DIR");
        return ExitCode::from(2);
    };
    match app(Path::new(config), Path::new(out_dir)) {
        Ok(mut app) => match app.run() {
            AppExit::Success => ExitCode::SUCCESS,
            AppExit::Error(code) => ExitCode::from(code.get()),
        },
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
