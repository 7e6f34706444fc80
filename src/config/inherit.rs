//! Reads a configuration file and what it inherits from. The only place of `config` that touches files.
//!
//! Messages name a file as the user named it or as `inherit` joins it, never an absolute path of this machine.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::check::{kind_of, written};
use super::error::{ConfigError, Place, Problem, Source};
use super::scalar::{Scalar, scalar};
use crate::base::hex::hex;
use crate::config::yaml;
use crate::config::yaml::{Key, Node, Value};

/// Largest configuration file.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// Longest chain of `inherit`.
pub(crate) const MAX_CHAIN: usize = 16;

/// A file that a configuration was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as given by the user or joined by `inherit`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A file that was read: a mapping without its `inherit` key.
pub(crate) struct Document {
    pub(crate) source: Source,
    pub(crate) entries: Vec<(Key, Node)>,
}

/// What [`chain`] found.
pub(crate) struct Chain {
    /// The named file first, then what it inherits from. Files that could not be read are missing.
    pub(crate) documents: Vec<Document>,
    pub(crate) files: Vec<SourceFile>,
    /// Whether every file could be read.
    pub(crate) complete: bool,
}

/// Reads a file and everything along its `inherit` keys.
pub(crate) fn chain(path: &Path, errors: &mut Vec<ConfigError>) -> Chain {
    let mut chain = Chain { documents: Vec::new(), files: Vec::new(), complete: false };
    let mut seen: Vec<(PathBuf, String)> = Vec::new();
    let mut path = path.to_owned();
    // Where the current file is asked for; the first one by the user.
    let mut asked: Option<Place> = None;
    loop {
        let source = Source::file(path.display(), seen.len());
        let unreadable = |message: String| match &asked {
            None => ConfigError::about(source.whole(), message),
            Some(place) => {
                ConfigError::at(place.clone(), "inherit", Problem::Other(format!("{}: {message}", source.name())))
            }
        };
        // Two names of one file are one file; only the comparison uses the resolved name.
        let identity = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if let Some(start) = seen.iter().position(|(known, _)| *known == identity) {
            let cycle: Vec<&str> = seen[start..].iter().map(|(_, name)| name.as_str()).chain([source.name()]).collect();
            errors.push(unreadable(format!("the files inherit from each other in a circle: {}", cycle.join(" -> "))));
            return chain;
        }
        if seen.len() == MAX_CHAIN {
            errors.push(unreadable(format!("inherit reaches more than {MAX_CHAIN} files deep")));
            return chain;
        }
        seen.push((identity, source.name().to_owned()));
        let text = match read(&path) {
            Ok(text) => text,
            Err(message) => {
                errors.push(unreadable(message));
                return chain;
            }
        };
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        chain.files.push(SourceFile { path: source.name().to_owned(), sha256 });
        // A byte order mark is no content.
        let root = match yaml::parse(text.strip_prefix('\u{feff}').unwrap_or(&text), &source) {
            Ok(root) => root,
            Err(found) => {
                errors.extend(found);
                return chain;
            }
        };
        let Value::Map(entries) = &root.value else {
            errors.push(not_a_mapping(&root, &source));
            return chain;
        };
        let base = entries
            .iter()
            .find(|(key, _)| &*key.text == "inherit")
            .map(|(_, node)| base_path(node, &path, &source, errors));
        let entries = entries.iter().filter(|(key, _)| &*key.text != "inherit").cloned().collect();
        chain.documents.push(Document { source: source.clone(), entries });
        match base {
            None => {
                chain.complete = true;
                return chain;
            }
            Some(Some((base, place))) => (path, asked) = (base, Some(place)),
            Some(None) => return chain,
        }
    }
}

/// The path that an `inherit` key names, relative to the file that has it; `None` with an error when it is no path.
fn base_path(node: &Node, file: &Path, source: &Source, errors: &mut Vec<ConfigError>) -> Option<(PathBuf, Place)> {
    let place = source.line(node.line);
    let why = match scalar(node) {
        Some(Scalar::Text(text)) if Path::new(text).is_absolute() => "an absolute path",
        Some(Scalar::Text("")) => "empty",
        Some(Scalar::Text(text)) => return Some((file.parent().unwrap_or(Path::new("")).join(text), place)),
        _ => kind_of(node),
    };
    let expected = "the path of a file, relative to this one".to_owned();
    let problem = Problem::Value { value: written(node), why, expected, nearest: None };
    errors.push(ConfigError::at(place, "inherit", problem));
    None
}

fn not_a_mapping(root: &Node, source: &Source) -> ConfigError {
    match scalar(root) {
        Some(Scalar::Null) => ConfigError::about(source.whole(), "this document is empty"),
        _ => {
            let message = format!("the document is {} (expected a mapping such as \"experiment:\")", kind_of(root));
            ConfigError::about(source.line(root.line), message)
        }
    }
}

/// The text of a file, or why there is none.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let reason = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission to read this file is denied".to_owned(),
        io::ErrorKind::IsADirectory => directory(),
        _ => format!("this file cannot be read: {error}"),
    };
    if fs::metadata(path).map_err(reason)?.is_dir() {
        return Err(directory());
    }
    // Reading one byte more than allowed tells a large file from one that fits, whatever its metadata say.
    let mut bytes = Vec::new();
    File::open(path).map_err(reason)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(reason)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("this file is larger than 1 MiB, too large for a configuration".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("this file is not valid UTF-8 at line {line}, byte {offset} of the file")
    })
}

fn directory() -> String {
    "this is a directory (expected a configuration file)".to_owned()
}
