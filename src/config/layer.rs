//! One layer of settings: a file, all `--set` arguments, or the named flags. Brings keys to their canonical
//! spelling and checks every value; merging layers is the business of [`super::experiment`].

use serde_json::Value as Json;

use super::error::{ConfigError, LISTED, Place, Problem, Source};
use super::inherit::Document;
use super::providers::WrittenProvider;
use super::schema::{Entry, MAX_LEVEL, find, rival};
use crate::config::check;
use crate::config::check::{kind_of, written};
use crate::config::spelling;
use crate::config::spelling::STRUCTURE;
use crate::config::yaml;
use crate::config::yaml::{Key, Node, Value};

/// A checked setting.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) entry: &'static Entry,
    pub(crate) value: Json,
    pub(crate) place: Place,
    /// The path as written.
    pub(crate) spelled: String,
}

/// A checked grid axis, never empty, without repeated values.
#[derive(Clone, Debug)]
pub(crate) struct WrittenAxis {
    pub(crate) entry: &'static Entry,
    pub(crate) values: Vec<Json>,
    pub(crate) place: Place,
    pub(crate) spelled: String,
}

/// What one source sets.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) settings: Vec<Written>,
    pub(crate) fixed: Vec<Written>,
    pub(crate) grid: Vec<WrittenAxis>,
    /// (level, steps, place).
    pub(crate) max_steps_by_level: Vec<(u32, u64, Place)>,
    pub(crate) providers: Vec<WrittenProvider>,
}

impl Layer {
    /// The settings of a file.
    pub(crate) fn of_document(document: &Document, errors: &mut Vec<ConfigError>) -> Layer {
        let mut layer = Layer::default();
        let source = &document.source;
        let mut reader = Reader { source, errors };
        let mut settings = Vec::new();
        for (key, node) in &document.entries {
            match &*key.text {
                "grid" => reader.grid(key, node, &mut layer.grid),
                "fixed" => reader.section(key, node, |reader, entries| {
                    let mut leaves = Vec::new();
                    reader.flatten("", entries, "fixed.", &mut leaves);
                    reader.settings(leaves, "fixed.", &mut layer.fixed);
                }),
                "max_steps_by_level" => reader.section(key, node, |reader, entries| {
                    reader.steps_by_level(entries, &mut layer.max_steps_by_level);
                }),
                "providers" => reader.section(key, node, |reader, entries| {
                    layer.providers = WrittenProvider::read(entries, "providers.", reader.source, reader.errors);
                }),
                _ => reader.flatten("", std::slice::from_ref(&(key.clone(), node.clone())), "", &mut settings),
            }
        }
        reader.settings(settings, "", &mut layer.settings);
        layer
    }

    /// The settings of `--set path=value` arguments.
    pub(crate) fn of_arguments(arguments: &[String], errors: &mut Vec<ConfigError>) -> Layer {
        let mut layer = Layer::default();
        for (position, argument) in arguments.iter().enumerate() {
            let source = Source::argument(format_args!("--set {argument}"), position);
            match leaf_of_argument(argument, &source) {
                Ok(leaf) => Reader { source: &source, errors }.settings(vec![leaf], "", &mut layer.settings),
                Err(found) => errors.extend(found),
            }
        }
        layer
    }

    /// The settings of named flags, given as (flag, path, value).
    pub(crate) fn of_flags(flags: &[(&str, &str, Option<i64>)], errors: &mut Vec<ConfigError>) -> Layer {
        let mut layer = Layer::default();
        for (position, (flag, path, value)) in flags.iter().enumerate() {
            let Some(value) = value else { continue };
            let source = Source::argument(format_args!("{flag} {value}"), 1_000_000 + position);
            let node = Node { value: Value::Scalar { text: value.to_string().into(), plain: true }, line: 1 };
            let entry = find(path).expect("named flags set keys of the schema");
            let leaf = Leaf { entry, spelled: (*path).to_owned(), node };
            Reader { source: &source, errors }.settings(vec![leaf], "", &mut layer.settings);
        }
        layer
    }
}

/// A value under a known key, not checked yet.
struct Leaf {
    entry: &'static Entry,
    spelled: String,
    node: Node,
}

fn leaf_of_argument(argument: &str, source: &Source) -> Result<Leaf, Vec<ConfigError>> {
    let Some((path, text)) = argument.split_once('=') else {
        let message = "this has no \"=\" (expected path=value, such as pe_induction.p_shock=0.2)";
        return Err(vec![ConfigError::about(source.whole(), message)]);
    };
    let path = path.trim();
    let first = path.split('.').next().unwrap_or_default();
    if STRUCTURE.contains(&first) {
        let message = format!(
            "{first} cannot be set from the command line (expected the path of a setting, such as pe_induction.p_shock)"
        );
        return Err(vec![ConfigError::at(source.whole(), path, Problem::Other(message))]);
    }
    let Some(entry) = spelling::entry(path) else {
        let problem = if spelling::is_section(path) {
            Problem::Other("this is a section (expected the path of one setting in it)".to_owned())
        } else {
            Problem::UnknownKey { nearest: spelling::suggestion(path) }
        };
        return Err(vec![ConfigError::at(source.whole(), path, problem)]);
    };
    let node = if text.trim().is_empty() {
        Node { value: Value::Scalar { text: "".into(), plain: true }, line: 1 }
    } else {
        yaml::parse(text, source)?
    };
    if matches!(node.value, Value::List(_)) && !entry.kind.takes_list() {
        let message = format!(
            "this is a list, and --set gives one value (expected {}); several values belong under grid: in the file, \
             as {path}: {}",
            entry.expected(),
            written(&node)
        );
        return Err(vec![ConfigError::at(source.whole(), path, Problem::Other(message))]);
    }
    Ok(Leaf { entry, spelled: path.to_owned(), node })
}

struct Reader<'a> {
    source: &'a Source,
    errors: &'a mut Vec<ConfigError>,
}

impl Reader<'_> {
    fn error(&mut self, line: usize, path: impl Into<String>, problem: Problem) {
        self.errors.push(ConfigError::at(self.source.line(line), path, problem));
    }

    /// Hands on the entries of a mapping; nothing (`grid:` and no more) is an empty one.
    fn section(&mut self, key: &Key, node: &Node, mut read: impl FnMut(&mut Self, &[(Key, Node)])) {
        match &node.value {
            Value::Map(entries) => read(self, entries),
            Value::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null") => {}
            _ => self.error(key.line, &*key.text, not_a_section(node)),
        }
    }

    /// Collects the values under known keys. `path` is the dotted path of `entries`, `shown` stands before it in
    /// messages.
    fn flatten(&mut self, path: &str, entries: &[(Key, Node)], shown: &str, leaves: &mut Vec<Leaf>) {
        for (key, node) in entries {
            let path = if path.is_empty() { key.text.to_string() } else { format!("{path}.{}", key.text) };
            if let Some(entry) = spelling::entry(&path) {
                leaves.push(Leaf { entry, spelled: path, node: node.clone() });
            } else if spelling::is_section(&path) {
                let named = Key { text: format!("{shown}{path}").into(), line: key.line };
                self.section(&named, node, |reader, entries| reader.flatten(&path, entries, shown, leaves));
            } else {
                // Only the first errors are listed, and looking for a similar key takes time.
                let nearest = if self.errors.len() < LISTED { spelling::suggestion(&path) } else { None };
                self.error(key.line, format!("{shown}{path}"), Problem::UnknownKey { nearest });
            }
        }
    }

    /// Checks values and adds them to `into`, which holds what the same layer has already set.
    fn settings(&mut self, leaves: Vec<Leaf>, shown: &str, into: &mut Vec<Written>) {
        for Leaf { entry, spelled, node } in leaves {
            let path = format!("{shown}{spelled}");
            let value = match check::value(&node, entry) {
                Ok(value) => value,
                Err(problem) => {
                    self.error(node.line, path, problem);
                    continue;
                }
            };
            let place = self.source.line(node.line);
            let same = into.iter().find(|other| other.entry.path == entry.path);
            let excluded = into.iter().find(|other| {
                rival(entry.path) == Some(other.entry.path) && !other.value.is_null() && !value.is_null()
            });
            match same.filter(|other| other.value != value).or(excluded) {
                Some(other) => {
                    let problem = Problem::Conflict {
                        value: check::brief(&value),
                        other: other.spelled.clone(),
                        other_value: check::brief(&other.value),
                        other_place: other.place.relative_to(&place),
                    };
                    self.error(node.line, path, problem);
                }
                None if same.is_some() => {}
                None => into.push(Written { entry, value, place, spelled }),
            }
        }
    }

    fn grid(&mut self, key: &Key, node: &Node, axes: &mut Vec<WrittenAxis>) {
        let mut leaves = Vec::new();
        self.section(key, node, |reader, entries| reader.flatten("", entries, "grid.", &mut leaves));
        for leaf in leaves {
            if let Some(axis) = self.axis(leaf) {
                self.add_axis(axis, axes);
            }
        }
    }

    /// A leaf of `grid` as an axis; every element is checked.
    fn axis(&mut self, Leaf { entry, spelled, node }: Leaf) -> Option<WrittenAxis> {
        let path = format!("grid.{spelled}");
        if let Some(reason) = entry.no_axis() {
            self.error(node.line, path, Problem::Other(reason.to_owned()));
            return None;
        }
        let Value::List(items) = &node.value else {
            let value = written(&node);
            let problem = format!("{value} is {} (expected a list of values; write [{value}])", kind_of(&node));
            self.error(node.line, path, Problem::Other(problem));
            return None;
        };
        if items.is_empty() {
            self.error(node.line, path, Problem::Other("this axis has no values (expected at least one)".to_owned()));
            return None;
        }
        let before = self.errors.len();
        let mut values: Vec<Json> = Vec::with_capacity(items.len());
        let mut first_of = std::collections::BTreeMap::new();
        for (position, item) in items.iter().enumerate() {
            match check::value(item, entry) {
                Ok(value) => match first_of.insert(value.to_string(), position) {
                    None => values.push(value),
                    Some(first) => {
                        let problem = format!("{} stands in this axis already, at [{first}]", check::brief(&value));
                        self.error(item.line, format!("{path}[{position}]"), Problem::Other(problem));
                    }
                },
                Err(problem) => self.error(item.line, format!("{path}[{position}]"), problem),
            }
        }
        (self.errors.len() == before).then(|| WrittenAxis {
            entry,
            values,
            place: self.source.line(node.line),
            spelled,
        })
    }

    fn add_axis(&mut self, axis: WrittenAxis, axes: &mut Vec<WrittenAxis>) {
        let same = axes.iter().find(|other| other.entry.path == axis.entry.path);
        let excluded = axes.iter().find(|other| rival(axis.entry.path) == Some(other.entry.path));
        match same.filter(|other| other.values != axis.values).or(excluded) {
            Some(other) => {
                let problem = Problem::Conflict {
                    value: check::brief(&Json::from(axis.values)),
                    other: other.spelled.clone(),
                    other_value: check::brief(&Json::from(other.values.clone())),
                    other_place: other.place.relative_to(&axis.place),
                };
                self.errors.push(ConfigError::at(axis.place, format!("grid.{}", axis.spelled), problem));
            }
            None if same.is_some() => {}
            None => axes.push(axis),
        }
    }

    fn steps_by_level(&mut self, entries: &[(Key, Node)], into: &mut Vec<(u32, u64, Place)>) {
        let entry = find("simulation.max_steps").expect("the schema has max_steps");
        for (key, node) in entries {
            let path = format!("max_steps_by_level.{}", key.text);
            let level =
                key.text.parse::<u32>().ok().filter(|level| *level <= MAX_LEVEL && level.to_string() == *key.text);
            let Some(level) = level else {
                let problem =
                    format!("there is no such complexity level (expected a whole number from 0 to {MAX_LEVEL})");
                self.error(key.line, path, Problem::Other(problem));
                continue;
            };
            match check::value(node, entry) {
                Ok(steps) => {
                    let steps = steps.as_u64().expect("a checked number of steps is whole");
                    into.push((level, steps, self.source.line(node.line)));
                }
                Err(problem) => self.error(node.line, path, problem),
            }
        }
    }
}

fn not_a_section(node: &Node) -> Problem {
    Problem::Other(format!("{} is {} (expected a section with keys of its own)", written(node), kind_of(node)))
}
