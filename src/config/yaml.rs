//! YAML text to a tree in which every node knows its line. Called for files and for values of `--set`.
//!
//! A configuration is input from outside: size, depth, number of nodes and alias expansion are bounded, and what
//! two readers could understand differently (duplicate keys, tags, merge keys, several documents) is refused.
//! This module knows YAML, never the keys of a configuration.

use std::collections::BTreeMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::error::{ConfigError, Problem, Source};

/// Deepest nesting of mappings and lists.
pub(crate) const MAX_DEPTH: usize = 64;

/// Most nodes (keys and values) of a document, aliases counted as often as they are used.
pub(crate) const MAX_NODES: usize = 200_000;

/// Bytes of text that count as one node more.
const TEXT_PER_NODE: usize = 64;

/// A value and the line it starts at. Clones are cheap: aliases share their content.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) line: usize,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A scalar as written. `plain` ones (not in quotes, not tagged `!!str`) may mean a number, a boolean or null.
    Scalar { text: Rc<str>, plain: bool },
    /// A list.
    List(Rc<Vec<Node>>),
    /// A mapping in the order of the file; keys are texts.
    Map(Rc<Vec<(Key, Node)>>),
}

/// A key of a mapping and its line.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: Rc<str>,
    pub(crate) line: usize,
}

/// Reads one document.
///
/// # Errors
/// All duplicate keys together, or the first thing that stops the reader.
pub(crate) fn parse(text: &str, source: &Source) -> Result<Node, Vec<ConfigError>> {
    let mut builder =
        Builder { source, open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, root: None, duplicates: Vec::new() };
    let mut documents = 0;
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let line = error.marker().line();
            vec![ConfigError::about(source.line(line), format!("this is not valid YAML: {}", error.info()))]
        })?;
        let line = span.start.line();
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                return Err(vec![ConfigError::about(
                    source.line(line),
                    "a second document starts here; write one document a file",
                )]);
            }
        }
        builder.take(event, line).map_err(|message| vec![ConfigError::about(source.line(line), message)])?;
    }
    if !builder.duplicates.is_empty() {
        return Err(builder.duplicates);
    }
    builder.root.ok_or_else(|| vec![ConfigError::about(source.whole(), "this document is empty")])
}

/// An anchored node with what an alias to it costs.
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

/// A mapping or list whose end was not seen yet.
struct Open {
    content: Content,
    line: usize,
    anchor: usize,
    /// Value of [`Builder::nodes`] when it started.
    nodes_before: usize,
    /// Deepest nesting below this node.
    depth: usize,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, lines: BTreeMap<Rc<str>, usize>, key: Option<Key> },
}

struct Builder<'a> {
    source: &'a Source,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    root: Option<Node>,
    duplicates: Vec<ConfigError>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text_tag = check_tag(tag.as_deref())?;
                let plain = style == ScalarStyle::Plain && !text_tag;
                // Long texts count for more, or an alias could make much work out of one.
                let nodes = 1 + text.len() / TEXT_PER_NODE;
                self.count(nodes)?;
                let node = Node { value: Value::Scalar { text: text.into(), plain }, line };
                self.finish(node, anchor, nodes, 0)
            }
            Event::Alias(id) => {
                let Some(Anchored { node, nodes, depth }) = self.anchors.get(&id) else {
                    return Err("this alias stands inside the value that it refers to".to_owned());
                };
                let (node, nodes, depth) = (Node { line, ..node.clone() }, *nodes, *depth);
                if self.open.len() + depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                self.count(nodes)?;
                self.finish(node, 0, nodes, depth)
            }
            Event::SequenceStart(anchor, tag) => self.start(Content::List(Vec::new()), anchor, tag.as_deref(), line),
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map { entries: Vec::new(), lines: BTreeMap::new(), key: None };
                self.start(content, anchor, tag.as_deref(), line)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("the parser closes only what it opened");
                let value = match open.content {
                    Content::List(items) => Value::List(Rc::new(items)),
                    Content::Map { entries, .. } => Value::Map(Rc::new(entries)),
                };
                let nodes = self.nodes - open.nodes_before;
                self.finish(Node { value, line: open.line }, open.anchor, nodes, open.depth + 1)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn start(&mut self, content: Content, anchor: usize, tag: Option<&Tag>, line: usize) -> Result<(), String> {
        if check_tag(tag)? {
            return Err("the tag !!str makes no sense on a mapping or a list; leave it out".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep());
        }
        let nodes_before = self.nodes;
        self.count(1)?;
        self.open.push(Open { content, line, anchor, nodes_before, depth: 0 });
        Ok(())
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(format!(
                "the document holds more than {MAX_NODES} values, counting aliases as often as they are used"
            ));
        }
        Ok(())
    }

    /// Hands a complete node to what it stands in. `depth` is its own nesting.
    fn finish(&mut self, node: Node, anchor: usize, nodes: usize, depth: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth });
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.depth = parent.depth.max(depth);
        match &mut parent.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, lines, key } => match key.take() {
                None => *key = Some(as_key(node)?),
                Some(key) => match lines.get(&key.text) {
                    Some(&first) => self.duplicates.push(ConfigError::at(
                        self.source.line(key.line),
                        &*key.text,
                        Problem::DuplicateKey { first },
                    )),
                    None => {
                        lines.insert(key.text.clone(), key.line);
                        entries.push((key, node));
                    }
                },
            },
        }
        Ok(())
    }
}

fn as_key(node: Node) -> Result<Key, String> {
    match node.value {
        Value::Scalar { text, plain } if plain && &*text == "<<" => {
            drop(text);
            Err("merge keys (<<) are not supported; use inherit, or write the settings out".to_owned())
        }
        Value::Scalar { text, .. } => Ok(Key { text, line: node.line }),
        Value::List(_) | Value::Map(_) => Err("a key must be a word, not a list or a mapping".to_owned()),
    }
}

/// Whether the tag is `!!str`; any other is refused, since no setting needs one.
fn check_tag(tag: Option<&Tag>) -> Result<bool, String> {
    match tag {
        None => Ok(false),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Ok(true),
        Some(tag) => {
            let name = if tag.is_yaml_core_schema() {
                format!("!!{}", tag.suffix)
            } else {
                format!("{}{}", tag.handle, tag.suffix)
            };
            Err(format!("the tag {} is not supported; write the plain value", super::error::shown(&name)))
        }
    }
}

fn too_deep() -> String {
    format!("the document is nested more than {MAX_DEPTH} levels deep")
}
