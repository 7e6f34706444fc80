//! What a source file imports.
//!
//! Read off its text: comments, strings and test modules are taken out, then every path that begins with `crate::`,
//! `super::` or `self::`, in a `use` or in the code, is resolved to a path from the root of the crate. Re-exports count
//! as imports. That a module names its own parts (`mod part; use part::Thing;`) does not: it holds them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A source file.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path below `src`.
    pub(super) path: String,
    /// What it imports from this crate, as paths without `crate::`.
    pub(super) imports: BTreeSet<String>,
    /// What it imports from Bevy.
    pub(super) bevy: BTreeSet<String>,
}

impl Source {
    /// Reads a file's text.
    pub(super) fn new(path: &str, text: &str) -> Source {
        let code = without_tests(&without_comments(text));
        let module = module_of(path);
        let (mut imports, mut bevy) = (BTreeSet::new(), BTreeSet::new());
        for found in paths(&code) {
            let parts: Vec<&str> = found.split("::").collect();
            match parts[0] {
                "crate" => drop(imports.insert(parts[1..].join("::"))),
                "self" | "super" => {
                    let up = parts.iter().take_while(|part| **part == "super").count();
                    let down = parts.iter().skip_while(|part| matches!(**part, "self" | "super"));
                    let base = &module[..module.len().saturating_sub(up)];
                    let whole = base.iter().map(String::as_str).chain(down.copied());
                    imports.insert(whole.collect::<Vec<_>>().join("::"));
                }
                _ => drop(bevy.insert(found)),
            }
        }
        Source { path: path.to_owned(), imports, bevy }
    }

    /// The folder below `src`, or the name of a file that lies in `src` itself.
    pub(super) fn folder(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Its module's path.
    pub(super) fn module(&self) -> Vec<String> {
        module_of(&self.path)
    }
}

/// The module that a file holds.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if matches!(path, "lib" | "main") { Vec::new() } else { path.split('/').map(ToOwned::to_owned).collect() }
}

/// All sources below a folder but those of tests.
pub(super) fn sources(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if name == "tests" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below: Vec<_> =
                    path.strip_prefix(root).unwrap().iter().map(|part| part.to_string_lossy()).collect();
                files.push(Source::new(&below.join("/"), &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The text with comments and the insides of strings blanked.
fn without_comments(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(length) = raw_string(rest) {
            out.push_str("\"\"");
            at += length;
        } else if bytes[at] == b'"' {
            out.push_str("\"\"");
            at += 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            at += rest[1..].find('\'').unwrap_or(0) + 2;
        } else {
            let letter = rest.chars().next().expect("there is more");
            out.push(letter);
            at += letter.len_utf8();
        }
    }
    out
}

/// Length of the raw string that a text begins with.
fn raw_string(text: &str) -> Option<usize> {
    let marks = text.strip_prefix('r')?;
    let hashes = marks.bytes().take_while(|byte| *byte == b'#').count();
    let inside = marks[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text.len() - inside.len() + inside.find(&end)? + end.len())
}

/// The code without modules of tests.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let open = item.find(['{', ';']).unwrap_or(item.len());
        let end = if item[open..].starts_with('{') { open + block(&item[open..]) } else { (open + 1).min(item.len()) };
        rest = &item[end..];
    }
    out.push_str(rest);
    out
}

/// Length of the block in braces that a code begins with.
fn block(code: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Every path of the crate or of Bevy in a code, groups in braces written out.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    for root in ["crate::", "super::", "self::", "bevy::", "bevy_utils::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|letter| !is_word(letter) && letter != ':') {
                expand("", &code[at..], &mut found);
            }
        }
    }
    found
}

/// Adds the paths that a code begins with to those found; how much of the code they take.
fn expand(before: &str, code: &str, found: &mut Vec<String>) -> usize {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '*';
    let mut path = before.to_owned();
    let mut at = 0;
    loop {
        let rest = &code[at..];
        if rest.starts_with('{') {
            let end = block(rest);
            let mut inside = 1;
            while inside < end {
                let item = &rest[inside..end];
                let blank =
                    item.len() - item.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',').len();
                inside += blank;
                if rest[inside..].starts_with('}') {
                    break;
                }
                inside += expand(&path, &rest[inside..end], found).max(1);
                // What is renamed keeps its path.
                let next = rest[inside..end].find([',', '}']).unwrap_or(0);
                inside += next;
            }
            return at + end;
        }
        let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        if word == 0 {
            break;
        }
        if !path.is_empty() {
            path.push_str("::");
        }
        path.push_str(&rest[..word]);
        at += word;
        if !code[at..].starts_with("::") {
            break;
        }
        at += 2;
        // A turbofish.
        if code[at..].starts_with('<') {
            break;
        }
    }
    if !path.is_empty() && path != before {
        found.push(path.strip_suffix("::self").unwrap_or(&path).to_owned());
    }
    at
}
