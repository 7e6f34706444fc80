//! Tells the program which commit it was built from, for the manifests that it writes.
//!
//! Without git, or in an unpacked crate archive, nothing is told and the manifest says `unknown`.

use std::path::Path;
use std::process::Command;

/// What the program is made of: a change elsewhere does not make a build dirty.
const SOURCES: [&str; 5] = ["src", "assets/prompts", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    // An archive may be unpacked inside a repository of something else, whose commit says nothing about it.
    if !Path::new(".git").exists() {
        return;
    }
    // A file that does not exist would make every build a new one.
    let watched = ["HEAD", "logs/HEAD"].into_iter().filter_map(|name| git(&["rev-parse", "--git-path", name]));
    for file in watched.filter(|file| Path::new(file).exists()) {
        println!("cargo::rerun-if-changed={file}");
    }
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return };
    println!("cargo::rustc-env=VENDOMINI_COMMIT={commit}");
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    if let Some(changes) = git(&status) {
        println!("cargo::rustc-env=VENDOMINI_DIRTY={}", !changes.is_empty());
    }
}

/// The output of a git command; `None` when it fails or there is no git.
fn git(arguments: &[&str]) -> Option<String> {
    // Without optional locks, asking for the status never touches the repository.
    let output = Command::new("git").arg("--no-optional-locks").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
