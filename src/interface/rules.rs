//! The rules of a scenario: what every agent is told before the first step, typed and as text.

use std::any::{Any, type_name};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::units::Step;

/// What an argument of a tool can be: `prefix` and a number, such as `sku_3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// What stands before the number.
    pub prefix: &'static str,
    /// The smallest number that can exist.
    pub first: u32,
    /// The largest one.
    pub last: u32,
}

type Typed = dyn Any + Send + Sync;

/// The rules of a run's scenario.
#[derive(Clone)]
pub struct Rules {
    typed: Arc<Typed>,
    /// The template of the system prompt.
    prompt: &'static str,
    variables: fn(&Typed) -> Map<String, Value>,
    ids: fn(&Typed, &str, Step) -> Option<IdRange>,
    name: &'static str,
}

impl Rules {
    /// Rules that an agent in Rust is given as they are, and a language model by a template of the system prompt, a
    /// Jinja template that can speak of the rules' fields besides what it can always speak of. A template includes
    /// `predictions_and_reply.txt`, which tells of prediction cards, tools and replies.
    #[must_use]
    pub fn new<R: Any + Send + Sync + Serialize>(rules: R, prompt: &'static str) -> Rules {
        fn variables<R: Any + Serialize>(typed: &Typed) -> Map<String, Value> {
            let rules: &R = typed.downcast_ref().expect("the rules have the type that they were made of");
            match serde_json::to_value(rules) {
                Ok(Value::Object(variables)) => variables,
                Ok(Value::Null) => Map::new(),
                other => panic!("the rules of a scenario serialise as an object, not as {other:?}"),
            }
        }
        Rules { typed: Arc::new(rules), prompt, variables: variables::<R>, ids: |_, _, _| None, name: type_name::<R>() }
    }

    /// Says which ids can exist, by the name of an argument and the step: what the agent `random` draws from.
    #[must_use]
    pub fn with_ids(mut self, ids: fn(&(dyn Any + Send + Sync), &str, Step) -> Option<IdRange>) -> Rules {
        self.ids = ids;
        self
    }

    /// The rules as the scenario's own type; `None` when it has another one.
    #[must_use]
    pub fn get<R: Any>(&self) -> Option<&R> {
        self.typed.downcast_ref()
    }

    /// The template of the system prompt.
    #[must_use]
    pub fn prompt(&self) -> &'static str {
        self.prompt
    }

    /// What the template can speak of besides what it always can.
    #[must_use]
    pub fn variables(&self) -> Map<String, Value> {
        (self.variables)(&*self.typed)
    }

    /// Ids that can exist where an argument of a tool names one, up to a step.
    #[must_use]
    pub fn ids(&self, argument: &str, step: Step) -> Option<IdRange> {
        (self.ids)(&*self.typed, argument, step)
    }

    /// Name of the rules' type.
    pub(crate) fn type_name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rules").field(&self.name).finish()
    }
}
