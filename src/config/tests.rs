//! Tests of loading as a whole: what holds after a load, and which error a bad input gives.

mod errors;
mod files;
mod keys;
mod layers;
mod providers;
mod round_trip;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::*;
use crate::config::schema;
use crate::config::schema::{DefaultValue, Kind, SCHEMA, Status};
use crate::plan::Plan;

/// Files in a folder of their own.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let folder = Files(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, name: &str, set: &[&str]) -> Result<Experiment, String> {
        let set = set.iter().map(|&argument| argument.to_owned()).collect();
        self.load_with(name, &Overrides { set, ..Overrides::default() })
    }

    /// Loads a file; messages come without the folder's name.
    fn load_with(&self, name: &str, overrides: &Overrides) -> Result<Experiment, String> {
        let folder = format!("{}/", self.0.path().display());
        load(&self.path(name), overrides).map_err(|errors| errors.to_string().replace(&folder, ""))
    }
}

/// Loads a text as `x.yaml`.
fn loaded(text: &str, set: &[&str]) -> Result<Experiment, String> {
    Files::new(&[("x.yaml", text)]).load("x.yaml", set)
}

fn error(text: &str) -> String {
    loaded(text, &[]).expect_err("this must not load")
}

const NAMED: &str = "experiment: {name: x}\n";

/// The configuration of the first run of a file that holds a name and this text.
fn first(text: &str, set: &[&str]) -> RunConfig {
    let experiment = loaded(&format!("{NAMED}{text}"), set).unwrap_or_else(|errors| panic!("{errors}"));
    Plan::new(experiment).unwrap().run(0).config
}
