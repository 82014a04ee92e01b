//! Runs a client once against a case.

use kit::Asked;
use parlor_testkit::fault::Mode;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The most memory a client may take, in KiB.
const MEMORY: usize = 1 << 20;

/// The most CPU time, in seconds, however slowly a busy machine gives it.
const CPU: u64 = 20;

/// What a client did.
pub(crate) enum Did {
    Told(Asked),
    /// It ended without a word, as by a panic or for want of memory or time.
    Died(String),
    /// It was still at it.
    Hung,
    /// It dropped what it had asked for; whether the server saw it.
    Dropped(bool),
}

/// A client that dropped what it asked for and lives on until this is dropped.
pub(crate) struct Dropped(Child);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &Path, scenario: &str, url: &str, how: usize) -> std::io::Result<Child> {
    let limited = format!("ulimit -v {MEMORY}; ulimit -t {CPU}; exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &limited])
        .arg(program)
        .args([scenario, "open-ai", url, &how.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Has a client ask, for no longer than `bound`.
pub(crate) fn ask(program: &Path, url: &str, mode: Mode, warm: bool, bound: Duration) -> Did {
    let how = usize::from(mode == Mode::Stream) + 2 * usize::from(warm);
    let mut child = match start(program, "ask", url, how) {
        Ok(child) => child,
        Err(error) => return Did::Died(error.to_string()),
    };
    let began = Instant::now();
    // What is told is a line, or an event of 8 MiB: somebody must read it.
    let mut told = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = told.as_mut().map(|it| it.read_to_end(&mut all));
        all
    });
    let mut complaint = child.stderr.take();
    let complaints = std::thread::spawn(move || {
        let mut all = String::new();
        let _ = complaint.as_mut().map(|it| it.read_to_string(&mut all));
        all
    });
    loop {
        match child.try_wait() {
            Ok(None) if began.elapsed() < bound => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Did::Hung;
            }
            _ => break,
        }
    }
    let told = reader.join().unwrap_or_default();
    match serde_json::from_slice(&told) {
        Ok(asked) => Did::Told(asked),
        Err(_) => Did::Died(complaints.join().unwrap_or_default()),
    }
}

/// Has a client ask, and drop what it asked for in the midst of it; how it went
/// wrong, where it ended before.
pub(crate) fn drop_midway(program: &Path, url: &str, mode: Mode) -> Result<Dropped, String> {
    let how = usize::from(mode == Mode::Stream);
    let child = start(program, "drop", url, how).map_err(|error| error.to_string())?;
    let mut dropped = Dropped(child);
    let told = dropped.0.stdout.take().ok_or("it is mute")?;
    let mut line = String::new();
    let _ = BufReader::new(told).read_line(&mut line);
    match &*line {
        line if line.contains("true") => Err("the call ended before".to_owned()),
        line if line.contains("false") => Ok(dropped),
        _ => Err("it ended without a word".to_owned()),
    }
}
