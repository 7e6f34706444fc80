//! A model server that can go wrong in every way, for tests and benchmarks.
//!
//! A script says for each [`Request`] what to do: an [`Answer`], which begins with a constructor (what is said) and
//! goes on with modifiers (how it gets there).
//!
//! ```ignore
//! let server = MockServer::start(|request| match request.index {
//!     0 => Answer::throttled().header("retry-after-ms", "20"),
//!     1 => Answer::chat("hello").after(Duration::from_millis(200)),
//!     2 => Answer::reset(),
//!     _ => Answer::reply(request, "hello"),
//! });
//! let url = server.url("/v1/chat/completions");
//! // ... ask it ...
//! assert_eq!(server.counts().requests, 4);
//! assert_eq!(server.requests()[0].header("authorization"), Some("Bearer key"));
//! ```
//!
//! [`MockServer::list`] answers by a list; [`MockServer::saying`] answers like a model that says what a closure makes
//! of the request. The server has a thread of its own, serves thousands of connections, and is gone, with all
//! connections, when it is dropped.

mod answer;
mod wire;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

pub(crate) use answer::Answer;

/// How long [`MockServer::wait_for`] waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Which request of the server, from 0.
    pub(crate) index: u64,
    /// `GET`, `POST`, ...
    pub(crate) method: String,
    /// The path with the query.
    pub(crate) path: String,
    /// Names in lower case, in the order of the wire.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Connections that are open.
    pub(crate) open: u64,
    /// Requests read.
    pub(crate) requests: u64,
    /// Requests being answered.
    pub(crate) in_flight: u64,
    /// The most requests that were being answered at once.
    pub(crate) max_in_flight: u64,
    /// Requests whose client closed the connection before it had the whole answer.
    pub(crate) abandoned: u64,
}

/// What a server keeps of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All of them, for [`MockServer::requests`].
    Requests,
    /// Counts alone, for long runs.
    Counts,
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// What all connections share.
struct Shared {
    script: Box<Script>,
    keep: Keep,
    kept: Mutex<Vec<Request>>,
    connections: AtomicU64,
    open: AtomicU64,
    requests: AtomicU64,
    in_flight: AtomicU64,
    max_in_flight: AtomicU64,
    abandoned: AtomicU64,
}

/// A running server.
pub(crate) struct MockServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MockServer {
    /// A server on a free port of this machine that follows a script and keeps all requests.
    pub(crate) fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_keeping(Keep::Requests, script)
    }

    /// A server that gives these answers in turn, and the last one for ever.
    pub(crate) fn list(answers: Vec<Answer>) -> Self {
        Self::start(move |request| {
            let at = usize::try_from(request.index).expect("few requests").min(answers.len() - 1);
            answers[at].clone()
        })
    }

    /// A server whose model says what `text` makes of a request, in the dialect of the path asked.
    pub(crate) fn saying(text: impl Fn(&Request) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |request| Answer::reply(request, &text(request)))
    }

    /// A server that follows a script and keeps what it is told to.
    pub(crate) fn start_keeping(keep: Keep, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            keep,
            kept: Mutex::default(),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            max_in_flight: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = crossbeam_channel::bounded(1);
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
                // A thousand clients may connect at the same moment.
                let listener = socket.listen(4096).expect("a listening socket");
                tell.send(listener.local_addr().expect("it is bound")).expect("the starter waits");
                tokio::select! {
                    () = wire::serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        let address = told.recv().expect("the server tells its address");
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The address of a path, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What has happened so far.
    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            connections: read(&self.shared.connections),
            open: read(&self.shared.open),
            requests: read(&self.shared.requests),
            in_flight: read(&self.shared.in_flight),
            max_in_flight: read(&self.shared.max_in_flight),
            abandoned: read(&self.shared.abandoned),
        }
    }

    /// Waits until something has happened.
    ///
    /// # Panics
    ///
    /// If it does not happen within half a minute.
    pub(crate) fn wait_for(&self, what: &str, happened: impl Fn(Counts) -> bool) {
        let start = Instant::now();
        while !happened(self.counts()) {
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {:?}", self.counts());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// All requests so far, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.kept.lock().expect("no script panics").clone()
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed, and the test has other things to fail on.
            let _ = thread.join();
        }
    }
}
