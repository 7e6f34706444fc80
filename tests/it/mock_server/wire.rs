//! HTTP/1.1 as far as a mock server needs it, on bare sockets, so that it can be broken anywhere.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::answer::{Answer, Manner};
use super::{Keep, Request, Shared};

/// The longest head of a request.
const MAX_HEAD: usize = 64 << 10;

/// Accepts connections for ever.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // Without descriptors left, a moment's pause is all that can be done.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let _open = Counted::new(&shared.open);
            // Whatever goes wrong with a connection is the client's to notice.
            let _ = converse(stream, &shared).await;
        });
    }
}

/// One more of something while it lives.
struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Serves a connection until either side closes it.
async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 << 10);
    while let Some(mut request) = read_request(&mut stream, &mut buffer).await? {
        request.index = shared.requests.fetch_add(1, Ordering::SeqCst);
        let _in_flight = Counted::new(&shared.in_flight);
        shared.max_in_flight.fetch_max(shared.in_flight.load(Ordering::SeqCst), Ordering::SeqCst);
        let answer = (shared.script)(&request);
        let index = request.index;
        if shared.keep == Keep::Requests {
            shared.kept.lock().expect("no script panics").push(request);
        }
        match give(&mut stream, &answer, index).await {
            Ok(Then::Listen) => {}
            Ok(Then::Close) => return Ok(()),
            Err(error) => {
                shared.abandoned.fetch_add(1, Ordering::SeqCst);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// What follows an answer.
enum Then {
    Listen,
    Close,
}

/// Reads one request; `None` where the client has closed instead of sending one.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if buffer.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let mut request = parse(&buffer[..head]).ok_or(io::ErrorKind::InvalidData)?;
    let length: usize = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Ok(Some(request))
}

fn parse(head: &[u8]) -> Option<Request> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Request { method, path, headers, ..Request::default() })
}

/// Gives an answer.
///
/// # Errors
///
/// If the client closes the connection before it has it.
async fn give(stream: &mut TcpStream, answer: &Answer, index: u64) -> io::Result<Then> {
    if !answer.latency.is_zero() {
        unless_closed(stream, tokio::time::sleep(answer.latency)).await?;
    }
    let head = head(answer, index);
    let body = answer.body.as_slice();
    match answer.manner {
        Manner::Hang => unless_closed(stream, std::future::pending()).await?,
        Manner::ResetAtOnce => {
            stream.set_zero_linger()?;
            return Ok(Then::Close);
        }
        Manner::Whole => {
            let mut message = head.into_bytes();
            if body.len() < 64 << 10 {
                message.extend_from_slice(body);
                stream.write_all(&message).await?;
            } else {
                stream.write_all(&message).await?;
                stream.write_all(body).await?;
            }
        }
        Manner::Chunked => {
            stream.write_all(head.as_bytes()).await?;
            for chunk in body.chunks(16 << 10) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
                stream.write_all(chunk).await?;
                stream.write_all(b"\r\n").await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
        Manner::Drip { bytes, pause } => {
            stream.write_all(head.as_bytes()).await?;
            for piece in body.chunks(bytes) {
                stream.write_all(piece).await?;
                unless_closed(stream, tokio::time::sleep(pause)).await?;
            }
        }
        Manner::Reset { after } => {
            write_part(stream, &head, body, after).await?;
            // So that the client has read what was sent before the reset overtakes it.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger()?;
            return Ok(Then::Close);
        }
        Manner::Cut { after } => {
            write_part(stream, &head, body, after).await?;
            return Ok(Then::Close);
        }
        Manner::Stall { after } => {
            write_part(stream, &head, body, after).await?;
            unless_closed(stream, std::future::pending()).await?;
        }
    }
    Ok(Then::Listen)
}

fn head(answer: &Answer, index: u64) -> String {
    let mut head = format!("HTTP/1.1 {} Mock\r\nx-request-id: mock-{index}\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if answer.manner == Manner::Chunked {
        head.push_str("transfer-encoding: chunked\r\n\r\n");
    } else {
        let _ = write!(head, "content-length: {}\r\n\r\n", answer.body.len());
    }
    head
}

async fn write_part(stream: &mut TcpStream, head: &str, body: &[u8], after: usize) -> io::Result<()> {
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body[..after.min(body.len())]).await
}

/// Does something while the client stays; a client that is waiting for an answer has nothing to send.
async fn unless_closed<T>(stream: &mut TcpStream, doing: impl Future<Output = T>) -> io::Result<T> {
    let mut byte = [0];
    tokio::select! {
        done = doing => Ok(done),
        read = stream.read(&mut byte) => match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(error) => Err(error),
        },
    }
}
