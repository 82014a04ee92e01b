//! Runs one client through one scenario.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use table::build::{Built, children, program};

/// The loopback server, while it runs.
pub(crate) struct Upstream {
    pub(crate) address: String,
    child: Mutex<(Child, BufReader<ChildStdout>)>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let mut child = pinned(&program("upstream").to_string_lossy(), 1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the upstream starts");
        let mut told = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        told.read_line(&mut line).expect("its address");
        Self {
            address: line.trim().to_owned(),
            child: Mutex::new((child, told)),
        }
    }

    /// When the last request came, in nanoseconds since 1970.
    fn last(&self) -> f64 {
        let mut child = self.child.lock().expect("nobody panics here");
        let (child, told) = &mut *child;
        let input = child.stdin.as_mut().expect("its input");
        writeln!(input).expect("it listens");
        let mut line = String::new();
        told.read_line(&mut line).expect("it answers");
        let last = line
            .split_whitespace()
            .nth(1)
            .and_then(|it| it.parse().ok());
        last.unwrap_or(0.0)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            let _ = child.0.kill();
            let _ = child.0.wait();
        }
    }
}

/// A command on one core, where there are two and `taskset` is installed.
fn pinned(program: &str, core: usize) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let has_taskset = Command::new("taskset")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if cores < 2 || !has_taskset.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// Runs a scenario once; `None`, aloud, where the client fails.
pub(crate) fn once(
    client: &Built,
    scenario: &str,
    dialect: &str,
    upstream: &Upstream,
    quick: bool,
) -> Option<BTreeMap<String, f64>> {
    let mut command = pinned(&client.path.to_string_lossy(), 0);
    command.args([scenario, dialect, &upstream.address]);
    if quick {
        let few = match scenario {
            "stream" | "single" => "4000",
            "open" => "100",
            _ => "10",
        };
        command.arg(few);
    }
    let output = command.stderr(Stdio::piped()).output().ok()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.lines().take(3).collect::<Vec<_>>().join(" ");
        eprintln!("  {} fails: {why}", client.name);
        return None;
    }
    figures(&output.stdout)
}

fn figures(json: &[u8]) -> Option<BTreeMap<String, f64>> {
    let read: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).ok()?;
    let figures = read.into_iter();
    Some(
        figures
            .filter_map(|(name, value)| Some((name, value.as_f64()?)))
            .collect(),
    )
}

/// From the start of the process to its first request: wall time, the least of
/// a few, and CPU time of the whole tiny program.
pub(crate) fn start(client: &Built, upstream: &Upstream) -> BTreeMap<String, f64> {
    const RUNS: usize = 10;
    let mut walls = Vec::new();
    let before = children();
    for _ in 0..RUNS {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0.0, |now| now.as_nanos() as f64);
        let mut command = pinned(&client.path.to_string_lossy(), 0);
        let status = command
            .args(["first", "open-ai", &upstream.address])
            .output();
        if status.is_ok_and(|output| output.status.success()) {
            walls.push(upstream.last() - now);
        }
    }
    let cpu = (children() - before) / RUNS as f64 * 1e9;
    let wall = walls.into_iter().fold(f64::INFINITY, f64::min);
    BTreeMap::from([("wall_ns".to_owned(), wall), ("cpu_ns".to_owned(), cpu)])
}

/// Instructions of each event, counted by cachegrind where it is installed: the
/// difference of a long run and a short one.
pub(crate) fn instructions(client: &Built, dialect: &str, upstream: &Upstream) -> Option<f64> {
    const FEW: u64 = 2000;
    const MANY: u64 = 10_000;
    let count = |deltas: u64| {
        let output = Command::new("valgrind")
            .args([
                "--tool=cachegrind",
                "--cache-sim=no",
                "--cachegrind-out-file=/dev/null",
            ])
            .arg(&client.path)
            .args(["stream", dialect, &upstream.address, &deltas.to_string()])
            .output()
            .ok()?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = told
            .lines()
            .find(|line| line.contains("I refs:") || line.contains("I   refs:"))?;
        let digits: String = line
            .rsplit(':')
            .next()?
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        digits.parse::<u64>().ok()
    };
    let (few, many) = (count(FEW)?, count(MANY)?);
    // Each run does its work twice: once to warm up.
    Some(many.checked_sub(few)? as f64 / (2 * (MANY - FEW)) as f64)
}
