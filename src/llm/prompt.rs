//! What a model is told: four templates, built in from `assets/prompts` or taken from a folder of the user's.
//!
//! - `system.txt`: the rules of the agent's world, once at the start of every request; each scenario has its own
//! - `predictions_and_reply.txt`: how to predict and to reply, which `system.txt` includes
//! - `step.txt`: the message of a step
//! - `unreadable.txt`: the answer to a reply that could not be read
//!
//! They are Jinja templates. A variable that there is not is an error, found before the first run. The digests of
//! the texts stand in the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base::card::Field;
use crate::base::hex::hex;
use crate::base::units::Step;
use crate::config::settings::{ReplyFormat, RunConfig};
use crate::interface::card_rule::SPEAKS_OF;
use crate::interface::observation::{Briefing, Observation, OfferedTool};
use crate::interface::rules::Rules;
use crate::llm::reply::{Reason, Unreadable};

/// File names of the templates, and the built-in texts.
const BUILT_IN: [(&str, &str); 3] = [
    ("predictions_and_reply.txt", include_str!("../../assets/prompts/predictions_and_reply.txt")),
    ("step.txt", include_str!("../../assets/prompts/step.txt")),
    ("unreadable.txt", include_str!("../../assets/prompts/unreadable.txt")),
];

/// File name of the template that each scenario has of its own.
const SYSTEM: &str = "system.txt";

/// Why templates cannot be used.
#[derive(Debug, Error)]
pub enum PromptError {
    /// A file cannot be read.
    #[error("the prompt {} cannot be read (interface.prompts names its folder)", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder is not there.
    #[error("there is no folder {} (interface.prompts names it, relative to the current directory)", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// None of the files is there.
    #[error(
        "{} holds none of system.txt, predictions_and_reply.txt, step.txt, unreadable.txt (interface.prompts names a \
         folder with those templates that replace the built-in ones)",
        path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A template is wrong, or asks for what there is not.
    #[error("the prompt {name} is no good: {message}")]
    Template {
        /// The file.
        name: String,
        /// What is wrong, with the line.
        message: String,
    },
}

/// The templates of a batch.
#[derive(Debug)]
pub struct Prompts {
    environment: Environment<'static>,
    /// Where each template stands, for messages.
    places: BTreeMap<&'static str, String>,
    digests: BTreeMap<String, String>,
}

/// A field of the prediction card, for the system prompt.
#[derive(Serialize)]
struct CardField {
    key: &'static str,
    r#type: &'static str,
    doc: &'static str,
    /// With which actions it is demanded; `None` where it never is.
    demanded: Option<String>,
}

/// A tool, for the system prompt.
#[derive(Serialize)]
struct ToolText<'a> {
    name: &'a str,
    description: &'a str,
    arguments: Vec<ArgumentText<'a>>,
}

#[derive(Serialize)]
struct ArgumentText<'a> {
    name: &'a str,
    r#type: &'a str,
    doc: &'a str,
    required: bool,
}

impl Prompts {
    /// The built-in templates with the system prompt of a scenario, or with those of a folder in place of them.
    ///
    /// # Errors
    /// When a file cannot be read or is no template.
    pub fn load(folder: Option<&Path>, rules: &Rules) -> Result<Prompts, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let (mut digests, mut places) = (BTreeMap::new(), BTreeMap::new());
        let mut found = folder.is_none();
        if let Some(path) = folder.filter(|folder| !folder.is_dir()) {
            return Err(PromptError::Missing { path: path.to_owned() });
        }
        for (name, built_in) in BUILT_IN.into_iter().chain([(SYSTEM, rules.prompt())]) {
            let (mut text, mut place) = (built_in.to_owned(), name.to_owned());
            if let Some(path) = folder.map(|folder| folder.join(name)) {
                match std::fs::read_to_string(&path) {
                    Ok(own) => (text, place, found) = (own, path.display().to_string(), true),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(source) => return Err(PromptError::Unreadable { path, source }),
                }
            }
            digests.insert(name.to_owned(), hex(&Sha256::digest(text.as_bytes())));
            environment.add_template_owned(name, text).map_err(|error| template_error(&place, &error))?;
            places.insert(name, place);
        }
        match folder {
            Some(folder) if !found => Err(PromptError::Empty { path: folder.to_owned() }),
            _ => Ok(Prompts { environment, places, digests }),
        }
    }

    /// SHA-256 of each template, by file name.
    #[must_use]
    pub fn digests(&self) -> &BTreeMap<String, String> {
        &self.digests
    }

    /// The system prompt of a run.
    ///
    /// # Errors
    /// When the template asks for what there is not.
    pub fn system(&self, briefing: &Briefing, format: ReplyFormat) -> Result<String, PromptError> {
        self.render(SYSTEM, told_at_the_start(briefing, format))
    }

    /// The message of a step. `result` is the last action's, where it does not stand in the conversation already;
    /// `notices` are sentences of the harness.
    ///
    /// # Errors
    /// When the template asks for what there is not.
    pub fn step(
        &self,
        observation: &Observation,
        max_steps: Step,
        result: Option<&str>,
        notices: &[String],
    ) -> Result<String, PromptError> {
        self.render("step.txt", told_in_a_step(observation, max_steps, result, notices))
    }

    /// The answer to a reply that could not be read.
    ///
    /// # Errors
    /// When the template asks for what there is not.
    pub fn unreadable(&self, why: &Unreadable) -> Result<String, PromptError> {
        self.render("unreadable.txt", told_of_a_reply(why))
    }

    /// Looks at the variables that are named, also where a rendering does not come by, and renders everything once, so that a template
    /// that asks for what there is not is found before the first run.
    ///
    /// # Errors
    /// When one does.
    pub fn try_on(&self, briefing: &Briefing, config: &RunConfig, step: &Observation) -> Result<(), PromptError> {
        let format = config.interface.reply_format;
        let why = Unreadable { reason: Reason::Empty, detail: "There was no reply.".to_owned() };
        let notices = ["a notice".to_owned()];
        self.check_variables(SYSTEM, &told_at_the_start(briefing, format))?;
        self.check_variables("predictions_and_reply.txt", &told_at_the_start(briefing, format))?;
        self.check_variables("step.txt", &told_in_a_step(step, briefing.max_steps, None, &[]))?;
        self.check_variables("unreadable.txt", &told_of_a_reply(&why))?;
        self.system(briefing, format)?;
        self.step(step, briefing.max_steps, None, &[])?;
        self.step(step, briefing.max_steps, Some("{}"), &notices)?;
        self.unreadable(&why).map(drop)
    }

    /// Every variable that a template names must be one of those that it is given.
    fn check_variables(&self, name: &str, context: &minijinja::Value) -> Result<(), PromptError> {
        let template = self.environment.get_template(name).expect("all templates were added");
        let given: BTreeSet<String> = context.try_iter().expect("it is a map").map(|key| key.to_string()).collect();
        let globals: BTreeSet<&str> = self.environment.globals().map(|(name, _)| name).collect();
        let named: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
        match named.iter().find(|name| !given.contains(*name) && !globals.contains(name.as_str())) {
            None => Ok(()),
            Some(unknown) => {
                let given = given.into_iter().collect::<Vec<_>>().join(", ");
                let message = format!("there is no variable {unknown}; there are {given}");
                Err(PromptError::Template { name: self.places[name].clone(), message })
            }
        }
    }

    fn render(&self, name: &str, context: minijinja::Value) -> Result<String, PromptError> {
        let template = self.environment.get_template(name).expect("all templates were added");
        template.render(context).map_err(|error| template_error(&self.places[name], &error))
    }
}

/// What the system prompt can speak of.
fn told_at_the_start(briefing: &Briefing, format: ReplyFormat) -> minijinja::Value {
    let tools: Vec<ToolText<'_>> = briefing.tools.iter().map(tool_text).collect();
    let names: Vec<&str> = briefing.tools.iter().map(|tool| tool.name.as_str()).collect();
    context! {
        max_steps => briefing.max_steps,
        actions_per_day => briefing.actions_per_day,
        initial_budget => briefing.initial_budget.to_string(),
        demands_card => briefing.cards.demands_card(),
        demands_expectation => briefing.cards.demands_expectation(),
        card_fields => minijinja::Value::from(Serde(card_fields(briefing))),
        reply_format => format.to_string(),
        tools => minijinja::Value::from(Serde(tools)),
        tool_names => minijinja::Value::from(Serde(names)),
        ..minijinja::Value::from(Serde(briefing.scenario_rules().variables()))
    }
}

/// What the message of a step can speak of.
fn told_in_a_step(
    observation: &Observation,
    max_steps: Step,
    result: Option<&str>,
    notices: &[String],
) -> minijinja::Value {
    let shown = serde_json::to_string(observation).expect("an observation has a JSON form");
    context! {
        step => observation.step,
        day => observation.day,
        max_steps => max_steps,
        observation => shown,
        result => result,
        notices => minijinja::Value::from(Serde(notices)),
    }
}

/// What the answer to an unreadable reply can speak of.
fn told_of_a_reply(why: &Unreadable) -> minijinja::Value {
    context! { reason => why.reason.word(), detail => why.detail.as_str() }
}

fn template_error(place: &str, error: &minijinja::Error) -> PromptError {
    PromptError::Template { name: place.to_owned(), message: error.to_string() }
}

fn card_fields(briefing: &Briefing) -> Vec<CardField> {
    let cards = &briefing.cards;
    let offered = Field::ALL.into_iter().filter(|field| cards.offers(*field));
    let fields = offered.map(|field| {
        let (with, without): (Vec<_>, Vec<_>) =
            briefing.tools.iter().partition(|tool| cards.demands(field, tool.binds));
        let names: Vec<&str> = with.iter().map(|tool| tool.name.as_str()).collect();
        let demanded = match (names.is_empty(), without.is_empty()) {
            (true, _) => None,
            (false, true) => Some("demanded".to_owned()),
            (false, false) => Some(format!("demanded with {}", names.join(", "))),
        };
        CardField { key: field.key(), r#type: field.json_type(), doc: field.doc(), demanded }
    });
    let speaks_of = SPEAKS_OF.map(|(key, json_type, doc)| CardField { key, r#type: json_type, doc, demanded: None });
    fields.chain(speaks_of).collect()
}

fn tool_text(tool: &OfferedTool) -> ToolText<'_> {
    let required = tool.arguments.get("required").and_then(Value::as_array);
    let required = |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let arguments = tool.arguments.get("properties").and_then(Value::as_object).into_iter().flatten();
    let arguments = arguments.map(|(name, schema)| ArgumentText {
        name,
        r#type: schema.get("type").and_then(Value::as_str).unwrap_or("any"),
        doc: schema.get("description").and_then(Value::as_str).unwrap_or(""),
        required: required(name),
    });
    ToolText { name: &tool.name, description: tool.description, arguments: arguments.collect() }
}
