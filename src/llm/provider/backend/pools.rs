//! Connections: one queue with its limits for each group of models, and a pool for each way of being patient.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::settings::ModelConfig;
use crate::llm::provider::attempt::Outcome;
use crate::llm::provider::backend::{Backend, BackendError, Backends};
use crate::llm::provider::dialect::Dialect;
use crate::llm::provider::settings::Provider;
use crate::llm::provider::transport::{Endpoint, Headers, LimitChange, ProviderId, raise_descriptor_limit};
use crate::plan::Plan;

/// Files that a run under way keeps open: its cassette, and one more while a piece is written.
const FILES_PER_RUN: u32 = 2;

/// How patient a run is. Runs that agree in it share one pool of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Terms {
    timeout: Duration,
    attempt_timeout: Duration,
    pub(super) connect_timeout: Duration,
    max_retries: u32,
}

impl Terms {
    pub(super) fn of(model: &ModelConfig) -> Terms {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Terms {
            timeout: seconds(model.timeout_s),
            attempt_timeout: seconds(model.attempt_timeout_s),
            connect_timeout: seconds(model.connect_timeout_s),
            max_retries: model.max_retries,
        }
    }
}

/// How many requests a group of models may have in flight: where its cells differ, the most that one of them says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    start: u32,
    max: u32,
}

/// The pools of a plan.
#[derive(Debug, Default)]
pub(super) struct Pools {
    by_terms: BTreeMap<(String, Terms), ProviderId>,
    /// One pool of each group: all of them have one queue and its limits.
    groups: BTreeMap<String, ProviderId>,
}

impl Pools {
    /// The pool of a run.
    pub(super) fn of(&self, provider: &Provider, model: &ModelConfig) -> ProviderId {
        self.by_terms[&(provider.group.clone(), Terms::of(model))]
    }
}

impl Backends {
    /// What has changed of the limits of requests in flight since this was last asked, by the group of models.
    #[must_use]
    pub fn take_limit_changes(&self) -> Vec<(&str, LimitChange)> {
        let Some(transport) = &self.transport else { return Vec::new() };
        let groups = self.pools.groups.iter();
        groups
            .flat_map(|(group, id)| transport.take_limit_changes(*id).into_iter().map(|c| (group.as_str(), c)))
            .collect()
    }

    /// Opens the pools: one queue for each group of models, since it is the provider that limits are about, and one pool
    /// for each way of being patient in it.
    pub(super) fn open_pools(&mut self, plan: &Plan) -> Result<(), BackendError> {
        let keys = [
            "model.name",
            "model.timeout_s",
            "model.attempt_timeout_s",
            "model.connect_timeout_s",
            "model.max_retries",
            "model.start_connections",
            "model.max_connections",
        ];
        let cells: Vec<_> = plan.project(&keys).map(|cell| cell.config.model.clone()).collect();
        let server = |model: &ModelConfig| match self.models.get(&model.name) {
            Some(Backend::Server { provider, .. }) => Some(provider),
            _ => None,
        };
        let mut loads: BTreeMap<&str, Load> = BTreeMap::new();
        for (model, provider) in cells.iter().filter_map(|model| Some((model, server(model)?))) {
            let load = loads.entry(&provider.group).or_default();
            load.start = load.start.max(model.start_connections);
            load.max = load.max.max(model.max_connections);
        }
        for (model, provider) in cells.iter().filter_map(|model| Some((model, server(model)?))) {
            let terms = Terms::of(model);
            let key = (provider.group.clone(), terms);
            if self.pools.by_terms.contains_key(&key) {
                continue;
            }
            let endpoint = endpoint(provider, terms, loads[provider.group.as_str()]);
            let transport = self.transport.as_mut().expect("a server is asked through a transport");
            let id = match self.pools.groups.get(&provider.group) {
                Some(other) => transport.add_beside(*other, &endpoint)?,
                None => transport.add(&endpoint)?,
            };
            self.pools.groups.entry(provider.group.clone()).or_insert(id);
            self.pools.by_terms.insert(key, id);
        }
        let connections = loads.values().fold(0_u32, |sum, load| sum.saturating_add(load.max));
        // A run has one request in flight at most.
        self.most_connections = connections.min(u32::try_from(plan.len()).unwrap_or(u32::MAX)).max(1);
        if !self.pools.groups.is_empty() {
            raise_descriptor_limit(self.most_connections, FILES_PER_RUN, self.most_connections)?;
        }
        Ok(())
    }
}

fn endpoint(provider: &Provider, terms: Terms, load: Load) -> Endpoint {
    let judge: fn(u16, Option<&str>, &[u8]) -> Outcome = match provider.dialect() {
        Dialect::OpenAiChat => |status, kind, body| Dialect::OpenAiChat.judge(status, kind, body),
        Dialect::AnthropicMessages => |status, kind, body| Dialect::AnthropicMessages.judge(status, kind, body),
    };
    let per_minute = |most: Option<u64>| most.and_then(|most| NonZeroU32::new(u32::try_from(most).unwrap_or(u32::MAX)));
    Endpoint {
        url: provider.url().expect("a server has an address"),
        headers: headers_of(provider),
        judge,
        timeout: terms.timeout,
        attempt_timeout: terms.attempt_timeout,
        connect_timeout: terms.connect_timeout,
        max_retries: terms.max_retries,
        start_connections: load.start,
        max_connections: load.max,
        requests_per_minute: per_minute(provider.requests_per_minute),
        tokens_per_minute: per_minute(provider.tokens_per_minute),
    }
}

/// The headers of a provider, in the hands of the transport, which lets no secret out again.
pub(super) fn headers_of(provider: &Provider) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in provider.headers() {
        let (name, text) = (name.as_str(), value.to_str().unwrap_or_default());
        let set = if value.is_sensitive() { headers.set_secret(name, text) } else { headers.set(name, text) };
        set.expect("it is a header already");
    }
    headers
}
