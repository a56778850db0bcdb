//! A worker that follows its input, asked over its metrics page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The process; it is killed when this is dropped.
pub struct Running {
    child: Child,
    told: Arc<Mutex<Vec<String>>>,
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again until `ready` is content.
pub fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let began = Instant::now();
    while !ready() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (lines, sink) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&told));
        std::thread::spawn(move || lines.for_each(|line| sink.lock().unwrap().push(line.unwrap())));
        Self { child, told }
    }

    /// All lines on standard error so far.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Where the metrics are, as the process says itself.
    pub fn address(&self) -> SocketAddr {
        let find = || {
            let told = self.told();
            let found = told.iter().find_map(|line| line.split_once("metrics on http://")?.1.strip_suffix("/metrics"));
            found.map(|address| address.parse().unwrap())
        };
        wait_for("the address of the metrics", || find().is_some());
        find().unwrap()
    }

    /// Status line and body of a page.
    pub fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// One count of the metrics page, by its name with labels.
    pub fn metric(&self, sample: &str) -> u64 {
        let page = self.get("/metrics").1;
        let found = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {sample} in {page}")).parse().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let mut status = None;
        wait_for("the end of the process", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap(), self.told())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the worker said {:#?}", self.told());
        }
        // One that has ended by itself can't be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
