//! Runs a client once against a case.

use kit::Asked;
use parlor_testkit::fault::Mode;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a client may take. The server itself hangs up after ten seconds.
const BOUND: Duration = Duration::from_secs(20);

/// The most memory a client may take, in KiB.
const MEMORY: usize = 1 << 20;

/// What a client did.
pub(crate) enum Did {
    Told(Asked),
    /// It ended without a word, as by a panic or for want of memory.
    Died(String),
    /// It was still at it.
    Hung,
}

pub(crate) fn ask(program: &Path, url: &str, mode: Mode, warm: bool) -> Did {
    let how = usize::from(mode == Mode::Stream) + 2 * usize::from(warm);
    let limited = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &limited])
        .arg(program)
        .args(["ask", "open-ai", url, &how.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Did::Died(error.to_string()),
    };
    let began = Instant::now();
    // What is told is a line, or an event of 8 MiB: somebody must read it.
    let mut told = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = told
            .as_mut()
            .map(|it| std::io::Read::read_to_end(it, &mut all));
        all
    });
    let mut complaint = child.stderr.take();
    let complaints = std::thread::spawn(move || {
        let mut all = String::new();
        let _ = complaint
            .as_mut()
            .map(|it| std::io::Read::read_to_string(it, &mut all));
        all
    });
    loop {
        match child.try_wait() {
            Ok(None) if began.elapsed() < BOUND => {
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
