//! What the benchmarks against a server share: the server in a process of its own, and the CPU time of this one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use vendomini::llm::provider::transport::raise_descriptor_limit;

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/mock_server/mod.rs"]
mod mock_server;

pub(crate) use mock_server::{Answer, Request};
use mock_server::{Keep, MockServer};

/// CPU time of this process so far, all threads together.
pub(crate) fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold blanks.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    // All Linux has 100 ticks a second.
    Some(Duration::from_millis(ticks * 10))
}

/// The server in a process of its own.
pub(crate) struct Server {
    child: Child,
    says: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts again");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        let mut says = BufReader::new(stdout);
        says.read_line(&mut url).expect("the server tells its address");
        Self { child, says, url: url.trim().to_owned() }
    }

    /// Requests so far.
    #[allow(dead_code, reason = "one of the benchmarks counts them itself")]
    pub(crate) fn requests(&mut self) -> u64 {
        writeln!(self.child.stdin.as_mut().expect("it is piped")).expect("the server listens");
        let mut count = String::new();
        self.says.read_line(&mut count).expect("the server answers");
        count.trim().parse().expect("a number")
    }

    pub(crate) fn stop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the server ends when its input does");
    }
}

/// Whether this process is the server.
pub(crate) fn is_server() -> bool {
    std::env::args().any(|argument| argument == "serve")
}

/// Serves answers at a path until the input ends, and tells the count of requests for each line of it.
pub(crate) fn serve(path: &str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static, in_flight: u32) {
    raise_descriptor_limit(4 * in_flight, 0, 0).unwrap_or_else(|error| panic!("{error}"));
    let server = MockServer::start_keeping(Keep::Counts, answer);
    println!("{}", server.url(path));
    for _ in std::io::stdin().lines() {
        println!("{}", server.counts().requests);
    }
}
