//! The models of a plan, made ready before its first run: who is asked where, with which prompts, at which prices,
//! within which limits. Whatever is missing is said here, at once and before anything was paid for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::config::ConfigErrors;
use crate::config::prices::{PriceList, Prices};
use crate::config::schema;
use crate::config::settings::{ProviderKind, RunConfig};
use crate::interface::observation::Briefing;
use crate::llm::deliberation::{Deliberation, ReplySource};
use crate::llm::prompt::{PromptError, Prompts};
use crate::llm::provider::budget::{Ledger, Scope};
use crate::llm::provider::cassette::{Player, Recorder};
use crate::llm::provider::cost::{PriceSources, Pricing, PricingSource, check_cost_limits, models_api};
use crate::llm::provider::limits::until;
use crate::llm::provider::recording::{PREFIX, Recording, RecordingError};
use crate::llm::provider::settings;
use crate::llm::provider::settings::{Environment, Provider};
use crate::llm::provider::transport::descriptors::TooFewDescriptors;
use crate::llm::provider::transport::{Answer, Headers, Transport, TransportError};
use crate::llm::provider::trial;
use crate::llm::provider::trial::PromptKey;
use crate::llm::provider::wire::{Source, Wire};
use crate::plan::Plan;

use pools::{Pools, Terms, headers_of};
pub(crate) use setup::deliberation_setup;

mod accounts;
mod pools;
mod setup;

/// How long a server may take to answer before the first run.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says what agents are told of the world of a configuration.
pub type BriefingOf<'a> = &'a mut dyn FnMut(&RunConfig) -> Briefing;

/// What the command line says of prices.
#[derive(Clone, Debug, Default)]
pub struct PriceOptions {
    /// `--prompt-price-per-mtok` and `--completion-price-per-mtok`.
    pub flags: Option<Prices>,
    /// `--pricing-file`.
    pub file: Option<PriceList>,
}

/// Why the models of a plan cannot be asked. Nothing was run.
#[derive(Debug, Error)]
pub enum BackendError {
    /// A name means nothing, a variable is missing, or a limit of cost has no prices.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A prompt cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A recording cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A server does not answer.
    #[error(
        "the server of {model} does not answer: {why}; start it, or say where it is (providers.{model}.base_url, or \
         VENDOMINI_BASE_URL for models of your own)"
    )]
    Unreachable {
        /// The model.
        model: String,
        /// Where and why.
        why: String,
    },
    /// Requests cannot be sent at all.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Too few files can be open.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
}

/// Where one model's replies come from.
#[derive(Debug)]
enum Backend {
    Server { provider: Arc<Provider>, pricing: Pricing },
    Mock { provider: Arc<Provider>, pricing: Pricing },
    Recording(Recording),
}

/// A model as the manifest names it. Holds names of variables and no value of any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRecord {
    /// `model.name`.
    pub name: String,
    /// What its server speaks; `replay` for a recording.
    pub kind: String,
    /// Where it is.
    pub base_url: Option<String>,
    /// The server's own word on what it is.
    pub server: Option<String>,
    /// Where prices come from.
    pub pricing_source: PricingSource,
}

/// The models of a plan.
pub struct Backends {
    transport: Option<Transport>,
    models: BTreeMap<String, Backend>,
    pools: Pools,
    prompts: BTreeMap<PromptKey, Arc<Prompts>>,
    ledger: Arc<Ledger>,
    until: Option<(Instant, f64)>,
    most_connections: u32,
    records: Vec<ModelRecord>,
    variables: BTreeSet<String>,
}

impl std::fmt::Debug for Backends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backends").field("models", &self.records).finish_non_exhaustive()
    }
}

impl Backends {
    /// Makes the models of a plan ready; `None` when all its agents are programs, which `scripted` names. Writes what
    /// was found of their servers into the configurations of the plan.
    ///
    /// # Errors
    /// Whatever is missing.
    pub fn open(
        plan: &mut Plan,
        scripted: &[&str],
        briefing_of: BriefingOf<'_>,
        prices: &PriceOptions,
        environment: &Environment<'_>,
    ) -> Result<Option<Backends>, BackendError> {
        let variables = RefCell::new(BTreeSet::new());
        let noting = |name: &str| {
            let value = environment(name);
            if value.is_some() {
                variables.borrow_mut().insert(name.to_owned());
            }
            value
        };
        let providers = settings::resolve(plan, scripted, &noting)?;
        let limits = plan.experiment().limits();
        let begun = Instant::now();
        let mut backends = Backends {
            transport: None,
            models: BTreeMap::new(),
            pools: Pools::default(),
            prompts: BTreeMap::new(),
            ledger: Arc::new(Ledger::new(Scope::Experiment, limits.tokens, limits.cost)),
            until: until(begun, limits.time_s),
            most_connections: 1,
            records: Vec::new(),
            variables: variables.into_inner(),
        };
        let names = plan.project(&["model.name"]).map(|cell| cell.config.model.name);
        let names: BTreeSet<String> = names.filter(|name| !scripted.contains(&name.as_str())).collect();
        if names.is_empty() {
            return Ok(None);
        }
        backends.prompts = trial::prompts(plan, briefing_of, &providers, scripted)?;
        for name in names {
            if let Some(path) = name.strip_prefix(PREFIX) {
                let recording = Recording::read(Path::new(path))?;
                backends.records.push(ModelRecord {
                    name: name.clone(),
                    kind: "replay".to_owned(),
                    base_url: None,
                    server: None,
                    pricing_source: PricingSource::Unknown,
                });
                backends.models.insert(name, Backend::Recording(recording));
                continue;
            }
            let provider = Arc::clone(&providers[&name]);
            backends.add(plan, provider, prices)?;
        }
        let priced = |name: &str| match backends.models.get(name) {
            Some(Backend::Server { pricing, .. } | Backend::Mock { pricing, .. }) => pricing.prices().is_some(),
            // Programs and recordings cost nothing.
            Some(Backend::Recording(_)) | None => true,
        };
        check_cost_limits(plan, priced)?;
        backends.open_pools(plan)?;
        Ok(Some(backends))
    }

    /// The models, for the manifest.
    #[must_use]
    pub fn records(&self) -> &[ModelRecord] {
        &self.records
    }

    /// SHA-256 of each prompt, by the folder that replaces the built-in ones and the file's name.
    #[must_use]
    pub fn prompt_digests(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let folders = self.prompts.iter();
        folders
            .map(|((scenario, folder), prompts)| {
                let mut name = folder.clone().unwrap_or_else(|| "built in".to_owned());
                if *scenario != schema::WAREHOUSE {
                    name = format!("{name} ({scenario})");
                }
                (name, prompts.digests().clone())
            })
            .collect()
    }

    /// Names of the environment variables that were used.
    #[must_use]
    pub fn environment(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// How many runs are worth keeping under way at once: as many as can be answered at once.
    #[must_use]
    pub fn most_connections(&self) -> u32 {
        self.most_connections
    }

    /// Whether an agent's name is a model's.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.models.contains_key(name)
    }

    /// What decided in the runs of a model, for the history.
    #[must_use]
    pub fn is_mock(&self, name: &str) -> bool {
        matches!(self.models.get(name), Some(Backend::Mock { .. }))
    }

    /// The agent of a run that was just started.
    ///
    /// # Errors
    /// When its prompts ask for what there is not.
    ///
    /// # Panics
    /// When the plan of the run was not opened.
    pub fn agent(
        &self,
        config: &RunConfig,
        briefing: &Briefing,
        pricing: Pricing,
    ) -> Result<Deliberation, PromptError> {
        let prompts = Arc::clone(&self.prompts[&(briefing.scenario, config.interface.prompts.clone())]);
        let (provider, source) = match self.backend(config) {
            Backend::Server { provider, .. } | Backend::Mock { provider, .. } => (Some(provider), ReplySource::Model),
            Backend::Recording(_) => (None, ReplySource::Recording),
        };
        let setup = deliberation_setup(config, briefing, provider.map(AsRef::as_ref), prompts, pricing, source)?;
        Ok(Deliberation::new(config, briefing, setup))
    }

    /// The wire of a run.
    #[must_use]
    pub fn wire(
        &self,
        config: &RunConfig,
        answers: &Sender<Answer>,
        ticket: u64,
        player: Option<Player>,
        recorder: Recorder,
    ) -> Wire<'_> {
        let source = match self.backend(config) {
            Backend::Server { provider, .. } => Source::Server {
                transport: self.transport.as_ref().expect("a server is asked through a transport"),
                provider: self.pools.of(provider, &config.model),
                answers: answers.clone(),
                ticket,
            },
            Backend::Mock { .. } => {
                Source::Mock { model: config.model.name.clone(), format: config.interface.reply_format }
            }
            Backend::Recording(recording) => Source::Recording(recording.clone()),
        };
        Wire::new(source, player, Some(recorder))
    }

    fn backend(&self, config: &RunConfig) -> &Backend {
        self.models.get(&config.model.name).expect("the plan was opened")
    }

    fn add(&mut self, plan: &Plan, provider: Arc<Provider>, prices: &PriceOptions) -> Result<(), BackendError> {
        let name = provider.model.clone();
        let mut server = None;
        let mut listed = None;
        if let (Some(url), true) = (&provider.url(), provider.kind != ProviderKind::Mock) {
            if self.transport.is_none() {
                self.transport = Some(Transport::new()?);
            }
            let transport = self.transport.as_ref().expect("it was just made");
            let patience = plan
                .project(&["model.name", "model.connect_timeout_s"])
                .map(|cell| Terms::of(&cell.config.model).connect_timeout)
                .max()
                .map_or(PATIENCE, |connect| connect.min(PATIENCE));
            transport.reachable(url, patience).map_err(|why| BackendError::Unreachable { model: name.clone(), why })?;
            let known = prices.flags.is_some() || provider.prices.is_some();
            if let Some(models) = provider.models_url().filter(|_| !known) {
                let page = transport.get(&models, &headers_of(&provider), patience).ok();
                let page = page.filter(|page| page.status == 200);
                listed = page.and_then(|page| models_api(&page.body).ok()?.remove(&name));
            }
            server = server_version(transport, &provider, patience);
        }
        let sources = PriceSources {
            flags: prices.flags,
            file: prices.file.as_ref(),
            entry: provider.prices,
            models_api: listed,
        };
        let pricing = Pricing::of(&name, &sources);
        self.records.push(ModelRecord {
            name: name.clone(),
            kind: provider.kind.to_string(),
            base_url: provider.base_url.clone(),
            server,
            pricing_source: pricing.source(),
        });
        let backend = match provider.kind {
            ProviderKind::Mock => Backend::Mock { provider, pricing },
            _ => Backend::Server { provider, pricing },
        };
        self.models.insert(name, backend);
        Ok(())
    }
}

/// What a server of one's own says that it is: vLLM at `/version`, llama.cpp at `/props`.
fn server_version(transport: &Transport, provider: &Provider, patience: Duration) -> Option<String> {
    let base = provider.base_url.as_deref().filter(|base| base.starts_with("http://"))?;
    let root = base.trim_end_matches('/').trim_end_matches("/v1");
    let ask = |path: &str, key: &str| {
        let page = transport.get(&format!("{root}{path}"), &Headers::default(), patience).ok()?;
        let page: Value = serde_json::from_str(&page.body).ok()?;
        page.get(key)?.as_str().map(|version| version.chars().take(200).collect::<String>())
    };
    ask("/version", "version")
        .map(|version| format!("version {version}"))
        .or_else(|| ask("/props", "build_info").map(|build| format!("llama.cpp {build}")))
}
