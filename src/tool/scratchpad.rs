//! The scratchpad: notes that the agent keeps for itself. It is memory, not world: writing a note changes no
//! state and no hash.

use std::collections::BTreeMap;

use bevy::app::App;
use bevy::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name;
use super::registry::{Availability, ToolAppExt, ToolSpec};
use crate::interface::result::{ErrorCode, ToolError, ToolReply};

/// Most keys.
const MAX_KEYS: usize = 256;
/// Longest key, in bytes.
const MAX_KEY: usize = 256;
/// Longest value, in bytes.
const MAX_VALUE: usize = 4 * 1024;
/// All keys and values together, in bytes.
const MAX_TOTAL: usize = 64 * 1024;

/// The notes of this run.
#[derive(Clone, Debug, Default)]
pub struct Scratchpad {
    notes: BTreeMap<String, String>,
    bytes: usize,
}

crate::base::table_resource::table_resource!(Scratchpad);

impl Scratchpad {
    /// Number of notes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.notes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    fn write(&mut self, key: String, value: String) -> Result<bool, ToolError> {
        let full = |what: String| Err(ToolError::new(ErrorCode::ScratchpadFull, what));
        if key.is_empty() || key.len() > MAX_KEY {
            let message = format!("key has {} bytes; it must have 1 to {MAX_KEY}", key.len());
            return Err(ToolError::new(ErrorCode::BadArguments, message));
        }
        if value.len() > MAX_VALUE {
            let message = format!("value has {} bytes; it may have {MAX_VALUE}", value.len());
            return Err(ToolError::new(ErrorCode::BadArguments, message));
        }
        let old = self.notes.get(&key);
        if old.is_none() && self.notes.len() == MAX_KEYS {
            return full(format!("the scratchpad holds {MAX_KEYS} keys already; reuse or delete one"));
        }
        let freed = old.map_or(0, |old| key.len() + old.len());
        let bytes = self.bytes - freed + key.len() + value.len();
        if bytes > MAX_TOTAL {
            return full(format!("the scratchpad would hold {bytes} bytes; it may hold {MAX_TOTAL}"));
        }
        let changed = old != Some(&value);
        self.bytes = bytes;
        self.notes.insert(key, value);
        Ok(changed)
    }

    fn delete(&mut self, key: &str) -> bool {
        let removed = self.notes.remove(key);
        self.bytes -= removed.as_ref().map_or(0, |value| key.len() + value.len());
        removed.is_some()
    }
}

pub(super) fn register(app: &mut App) {
    let spec = |name, description, availability| ToolSpec::new(name, description).offered(availability);
    let memory = Availability::WithMemory;
    app.add_tool(spec(name::WRITE_SCRATCHPAD, "Notes a value under a key.", memory), write)
        .add_tool(spec(name::READ_SCRATCHPAD, "Shows the value noted under a key.", memory), read)
        .add_tool(spec(name::DELETE_SCRATCHPAD, "Deletes the note under a key.", Availability::WithFullMemory), delete);
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WriteArgs {
    /// Name of the note, of 1 to 256 bytes. A note of this name is replaced.
    #[schemars(length(min = 1, max = MAX_KEY))]
    key: String,
    /// What to note, at most 4096 bytes.
    #[schemars(length(max = MAX_VALUE))]
    value: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyArgs {
    /// Name of the note.
    key: String,
}

#[derive(Serialize)]
struct NoteData<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

fn unknown_key(pad: &Scratchpad, key: &str) -> ToolError {
    let known: Vec<&str> = pad.notes.keys().take(20).map(String::as_str).collect();
    let known = if known.is_empty() { "it is empty".to_owned() } else { format!("keys are {}", known.join(", ")) };
    ToolError::new(ErrorCode::UnknownKey, format!("the scratchpad has no key {key:?}; {known}"))
}

fn write(In(args): In<WriteArgs>, mut pad: ResMut<Scratchpad>) -> Result<ToolReply, ToolError> {
    let key = args.key.clone();
    let changed = pad.write(args.key, args.value)?;
    Ok(ToolReply::success(changed, &NoteData { key: &key, value: None }))
}

fn read(In(args): In<KeyArgs>, pad: Res<Scratchpad>) -> Result<ToolReply, ToolError> {
    let value = pad.notes.get(&args.key).ok_or_else(|| unknown_key(&pad, &args.key))?;
    Ok(ToolReply::success(false, &NoteData { key: &args.key, value: Some(value) }))
}

fn delete(In(args): In<KeyArgs>, mut pad: ResMut<Scratchpad>) -> Result<ToolReply, ToolError> {
    if !pad.delete(&args.key) {
        return Err(unknown_key(&pad, &args.key));
    }
    Ok(ToolReply::success(true, &NoteData { key: &args.key, value: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scratchpad_is_bounded_and_counts_exactly() {
        let mut pad = Scratchpad::default();
        for n in 0..MAX_KEYS {
            pad.write(format!("{n}"), String::new()).unwrap();
        }
        assert_eq!(pad.write("one more".into(), String::new()).unwrap_err().code, ErrorCode::ScratchpadFull);
        assert!(pad.delete("200"));
        assert_eq!(pad.write("one more".into(), "x".into()), Ok(true));
        assert_eq!(pad.write("one more".into(), "x".into()), Ok(false), "the same note again changes nothing");
        assert_eq!(pad.write("0".into(), "x".repeat(MAX_VALUE + 1)).unwrap_err().code, ErrorCode::BadArguments);
        let mut full = 0;
        while pad.write(format!("{full}"), "x".repeat(MAX_VALUE)).is_ok() {
            full += 1;
        }
        assert_eq!(full, 15, "64 KiB hold fifteen values of 4 KiB beside the keys");
        assert_eq!(pad.bytes, pad.notes.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>());
    }
}
