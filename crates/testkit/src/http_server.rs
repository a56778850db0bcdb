//! A scripted HTTP endpoint on loopback: it records every request and answers as told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Largest request that is read, in bytes.
const LARGEST: usize = 4 << 20;

/// What the endpoint does with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Answers, after a while.
    Reply {
        /// The status.
        status: u16,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
        /// The time taken.
        delay: Duration,
    },
    /// Takes the request and closes the connection without a word.
    Drop,
}

impl Answer {
    /// 200 and `ok`, as a Slack webhook says it.
    pub fn ok() -> Self {
        Self::status(200, "ok")
    }

    /// A status and a body.
    pub fn status(status: u16, body: &str) -> Self {
        Self::Reply { status, headers: Vec::new(), body: body.to_owned(), delay: Duration::ZERO }
    }

    /// 429 with `Retry-After` in seconds.
    pub fn retry_after(seconds: u64) -> Self {
        Self::status(429, "rate_limited").header("Retry-After", &seconds.to_string())
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// After `wait`.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        if let Self::Reply { delay, .. } = &mut self {
            *delay = wait;
        }
        self
    }
}

/// One request as received.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// When it was read in full.
    pub at: Instant,
    /// What it was answered.
    pub answer: Answer,
}

#[derive(Debug)]
struct Shared {
    script: VecDeque<Answer>,
    then: Answer,
    requests: Vec<HttpRequest>,
}

/// The endpoint; it ends when this is dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Listens on a free port of loopback; answers by `script`, then always by `then`. Requests are answered in the
    /// order in which they are complete.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(script: Vec<Answer>, then: Answer) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared { script: script.into(), then, requests: Vec::new() }));
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // A client that goes away is the client's business.
                    drop(serve(stream, &shared).await);
                });
            }
        });
        Ok(Self { address, shared, task })
    }

    /// `http://127.0.0.1:PORT` and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<HttpRequest> {
        lock(&self.shared).requests.clone()
    }

    /// Puts further answers behind the script.
    pub fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared).script.extend(answers);
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if let Some(found) = split(&bytes) {
            break found;
        }
        if bytes.len() > LARGEST || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let request = HttpRequest {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body,
        at: Instant::now(),
        answer: Answer::Drop,
    };
    let answer = {
        let mut shared = lock(shared);
        let answer = shared.script.pop_front().unwrap_or_else(|| shared.then.clone());
        shared.requests.push(HttpRequest { answer: answer.clone(), ..request });
        answer
    };
    let Answer::Reply { status, headers, body, delay } = answer else { return Ok(()) };
    tokio::time::sleep(delay).await;
    let mut text = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for (name, value) in headers {
        text.extend([name.as_str(), ": ", &value, "\r\n"]);
    }
    text += "\r\n";
    text += &body;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// Head and body once both are there in full; bodies have a `Content-Length` or are empty.
fn split(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let length = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0usize);
    let body = bytes.get(end + 4..)?.get(..length)?.to_vec();
    Some((head, body))
}
