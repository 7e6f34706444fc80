//! The way to the models: sends calls over HTTP, again where that may help, and reports the outcome of each attempt.
//!
//! A [`Transport`] has a thread of its own on which all requests run. Worker threads [`submit`](Transport::submit)
//! calls and sleep in the `recv` of their channel until an [`Answer`] comes. What a body means is not known here but
//! for the [`Judge`] of an [`Endpoint`], which says whether it holds a reply.
//!
//! The waits and limits of a call, in order:
//!
//! 1. It waits for a slot: for fewer requests in flight than the adaptive limit, and for requests and tokens per
//!    minute. This is without end, since a thousand runs may share twenty connections.
//! 2. From when it is first sent, `timeout` runs. Each attempt has `attempt_timeout`, or what is left of `timeout`.
//! 3. Between attempts it waits as long as the server asks, or half a second doubling to eight. A wait that would
//!    pass the deadline is not made. Calls that have begun go before calls that have not.
//!
//! Each attempt is told when it has ended, whether another one follows or not, so that none is lost when the process
//! is killed in between.
//!
//! | file | owns |
//! |---|---|
//! | [`endpoint`] | what is known of a provider |
//! | [`headers`] | headers, and that their secrets appear nowhere |
//! | `client` | HTTP clients: pools, TLS, proxies |
//! | [`call`] | the attempts of a call, one after another |
//! | [`exchange`] | one request and its answer |
//! | [`retry`] | whether and when to send again (pure) |
//! | `request_queue` | the queue in front of a provider |
//! | [`concurrency_limiter`] | how many requests may be in flight (pure) |
//! | [`rate_limiter`] | requests and tokens per minute (pure) |
//! | [`fetch`] | single questions before the first run |
//! | [`descriptors`] | the limit of open files |

pub mod call;
mod client;
pub mod concurrency_limiter;
pub mod descriptors;
pub mod endpoint;
pub mod exchange;
pub mod fetch;
pub mod headers;
pub mod rate_limiter;
mod request_queue;
pub mod retry;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};

pub use call::{Answer, Call, CallEvent, CallGuard, PendingEvent};
pub use concurrency_limiter::{LimitChange, LimitReason};
pub use descriptors::raise_descriptor_limit;
pub use endpoint::{Endpoint, Judge, TransportError};
pub use fetch::{FetchError, Page};
pub use headers::{HeaderError, Headers};

use concurrency_limiter::ConcurrencyLimiter;
use endpoint::Provider;
use fetch::Fetch;
use rate_limiter::RateLimiter;
use request_queue::RequestQueue;

/// The most threads that look up names of servers at once. The system's look-up blocks its thread.
const MAX_LOOKUPS: usize = 64;

/// With so many tasks, a call and a connection each, answers come so thick that it pays to let some gather.
const MANY: usize = 128;

/// How long they gather: little beside what any model takes.
const GATHERING: Duration = Duration::from_micros(500);

/// A provider of a [`Transport`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProviderId(usize);

/// The requests of a process, on a thread of their own. Dropping it cancels every call at once, without waiting for
/// any server; the channels of its calls are closed.
pub struct Transport {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    providers: Vec<(Arc<Provider>, Arc<RequestQueue>)>,
    /// What the jitter of two processes differs by.
    seed: u64,
}

impl Transport {
    /// A transport without providers.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn new() -> Result<Self, TransportError> {
        // One thread: it manages tens of thousands of requests a second, which is more than any provider does, and a
        // second one would cost every request a little for waking it and sharing work with it.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(MAX_LOOKUPS)
            .thread_name("vendomini-http")
            // Falling asleep for each answer and being woken for each call costs more than sending them.
            .on_thread_park(|| {
                if Handle::try_current().is_ok_and(|runtime| runtime.metrics().num_alive_tasks() >= MANY) {
                    thread::sleep(GATHERING);
                }
            })
            .enable_all()
            .build()
            .map_err(|error| TransportError::Runtime(error.to_string()))?;
        let seed = RandomState::new().build_hasher().finish();
        Ok(Self { runtime: Some(runtime), providers: Vec::new(), seed })
    }

    /// Adds a provider, with a pool of connections, a queue and limits of its own.
    ///
    /// # Errors
    ///
    /// If its address is none, or if the machine has no certificates for TLS.
    pub fn add(&mut self, endpoint: &Endpoint) -> Result<ProviderId, TransportError> {
        let limiter = ConcurrencyLimiter::new(endpoint.start_connections, endpoint.max_connections);
        let rate_limiter = RateLimiter::new(endpoint.requests_per_minute, endpoint.tokens_per_minute, Instant::now());
        let request_queue = RequestQueue::new(limiter, rate_limiter, self.runtime().handle().clone());
        self.add_behind(Arc::new(request_queue), endpoint)
    }

    /// Adds one with a pool of its own and the queue and limits of another. What its endpoint says of connections in
    /// flight and of requests and tokens a minute is not looked at, except for how many unused ones are kept.
    ///
    /// # Errors
    ///
    /// As [`add`](Transport::add).
    ///
    /// # Panics
    ///
    /// If the other is one of another transport.
    pub fn add_beside(&mut self, other: ProviderId, endpoint: &Endpoint) -> Result<ProviderId, TransportError> {
        let request_queue = Arc::clone(&self.providers[other.0].1);
        self.add_behind(request_queue, endpoint)
    }

    fn add_behind(
        &mut self,
        request_queue: Arc<RequestQueue>,
        endpoint: &Endpoint,
    ) -> Result<ProviderId, TransportError> {
        self.providers.push((Arc::new(Provider::new(endpoint)?), request_queue));
        Ok(ProviderId(self.providers.len() - 1))
    }

    /// Starts a call and returns at once. The call lives as long as the guard.
    ///
    /// # Panics
    ///
    /// If the provider is one of another transport, or the channel of the answers is bounded.
    pub fn submit(&self, provider: ProviderId, call: Call) -> CallGuard {
        assert!(call.answers.capacity().is_none(), "a full channel would stop every other call");
        let (provider, request_queue) = &self.providers[provider.0];
        let course = Arc::default();
        let task = call::run(Arc::clone(provider), Arc::clone(request_queue), call, Arc::clone(&course), self.seed);
        CallGuard::new(self.runtime().spawn(task).abort_handle(), course)
    }

    /// How the limit of a provider's requests in flight has changed since this was last asked, in order. Of those that
    /// share one, whoever asks first is told.
    ///
    /// # Panics
    ///
    /// If the provider is one of another transport.
    pub fn take_limit_changes(&self, provider: ProviderId) -> Vec<LimitChange> {
        self.providers[provider.0].1.take_changes()
    }

    /// Asks for a page and waits for it. Redirections are not followed.
    ///
    /// # Errors
    ///
    /// If there is no whole answer in time; any status is an answer.
    pub fn get(&self, url: &str, headers: &Headers, timeout: Duration) -> Result<Page, FetchError> {
        self.wait(Fetch::new(url, headers, timeout)?.page())
    }

    /// Whether a server answers at an address, whatever it says. Sends no headers of a provider, so no key.
    ///
    /// # Errors
    ///
    /// A sentence that names the server and says whether its name is unknown, it refused, or it took too long.
    pub fn reachable(&self, url: &str, timeout: Duration) -> Result<(), String> {
        let fetch = Fetch::new(url, &Headers::default(), timeout).map_err(|error| error.to_string())?;
        self.wait(fetch.answer()).map_err(|error| error.to_string())
    }

    /// Does something on the transport's thread while this one sleeps.
    fn wait<T: Send + 'static>(&self, doing: impl Future<Output = T> + Send + 'static) -> T {
        let (done, result) = crossbeam_channel::bounded(1);
        self.runtime().spawn(async move { done.send(doing.await) });
        result.recv().expect("the task sends its result")
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs until the transport is dropped")
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
