//! Which folder of `src` may import from which, read off the sources.
//!
//! A folder imports only from folders below it, so that anything can be taken out and built upon without what stands
//! above it. Files of tests are free.

mod check;
mod source;

use check::{LAYERS, check};
use source::sources;

use crate::common::project;

/// Files whose imports are still to be put right.
const KNOWN: &[&str] =
    &["record/manifest.rs", "record/pins.rs", "record/summary.rs", "simulation/drive.rs", "simulation/end.rs"];

#[test]
fn every_import_goes_down() {
    let files = sources(&project("src"));
    assert!(files.len() > 200, "only {} files were found", files.len());
    let problems = check(&files, KNOWN);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_folder_has_its_layer() {
    let files = sources(&project("src"));
    let unknown: Vec<_> = files.iter().filter(|file| !LAYERS.contains(&file.folder())).map(|file| &file.path).collect();
    assert!(unknown.is_empty(), "add the folder to LAYERS in tests/it/layers/check.rs, or move the file: {unknown:?}");
}
