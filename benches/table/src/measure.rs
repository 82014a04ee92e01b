//! Runs one client through one scenario.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use table::build::{Built, children};
use table::upstream::{Upstream, pinned};

/// The most that a run may take, with what else the machine does.
const BOUND: Duration = Duration::from_secs(150);

/// What a run gives: figures by name, or why there are none.
pub(crate) type Run = Result<BTreeMap<String, f64>, String>;

/// Runs what a client is asked once, against a server of its own.
pub(crate) fn once(client: &Built, asks: &str, dialect: &str, count: Option<usize>) -> Run {
    let upstream = Upstream::start()?;
    let mut command = pinned(&client.path.to_string_lossy(), 0);
    command.args([asks, dialect, &upstream.address]);
    command.args(count.map(|count| count.to_string()));
    let (told, _) = run(command)?;
    figures(&told).ok_or_else(|| "it told no figures".to_owned())
}

/// What a command writes to its two outputs; why not, where it fails or takes
/// too long.
fn run(mut command: Command) -> Result<(Vec<u8>, Vec<u8>), String> {
    let child = command
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| error.to_string())?;
    let told = reader(child.stdout.take());
    let complaint = reader(child.stderr.take());
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if began.elapsed() < BOUND => std::thread::sleep(Duration::from_millis(10)),
            _ => break None,
        }
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("not done after {} seconds", BOUND.as_secs()));
    }
    let told = told.join().unwrap_or_default();
    let complaint = complaint.join().unwrap_or_default();
    if status.is_some_and(|status| status.success()) {
        return Ok((told, complaint));
    }
    let lines = String::from_utf8_lossy(&complaint).into_owned();
    let says = |line: &&str| {
        !line.is_empty() && !line.contains("panicked at") && !line.starts_with("note:")
    };
    let why: String = lines
        .lines()
        .find(says)
        .unwrap_or("it says nothing")
        .chars()
        .take(200)
        .collect();
    Err(why.replace('|', "/"))
}

fn reader(output: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = output.map(|mut output| output.read_to_end(&mut all));
        all
    })
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
pub(crate) fn start(client: &Built, dialect: &str) -> Run {
    const RUNS: usize = 10;
    let mut upstream = Upstream::start()?;
    let mut wall = f64::INFINITY;
    let mut cpu = 0.0;
    for _ in 0..RUNS {
        let mut command = pinned(&client.path.to_string_lossy(), 0);
        command.args(["first", dialect, &upstream.address]);
        let before = children();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0.0, |now| now.as_nanos() as f64);
        run(command)?;
        cpu += (children() - before) * 1e9;
        wall = wall.min(upstream.last().ok_or("the upstream is mute")? - now);
    }
    let cpu = cpu / RUNS as f64;
    Ok(BTreeMap::from([
        ("wall_ns".to_owned(), wall),
        ("cpu_ns".to_owned(), cpu),
    ]))
}

/// Instructions of each event, counted by cachegrind where it is installed: the
/// difference of a long run and a short one.
pub(crate) fn instructions(client: &Built, asks: &str, dialect: &str) -> Option<f64> {
    const FEW: u64 = 2000;
    const MANY: u64 = 8000;
    let upstream = Upstream::start().ok()?;
    let count = |deltas: u64| {
        let mut command = Command::new("valgrind");
        command
            .args([
                "--tool=cachegrind",
                "--cache-sim=no",
                "--cachegrind-out-file=/dev/null",
            ])
            .arg(&client.path)
            .args([asks, dialect, &upstream.address, &deltas.to_string()]);
        let (_, told) = run(command).ok()?;
        let told = String::from_utf8_lossy(&told).into_owned();
        let counted = |line: &&str| line.contains("I refs:") || line.contains("I   refs:");
        let (_, digits) = told.lines().find(counted)?.rsplit_once(':')?;
        let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    };
    let (few, many) = (count(FEW)?, count(MANY)?);
    // Each run does its work twice: once to warm up.
    Some(many.checked_sub(few)? as f64 / (2 * (MANY - FEW)) as f64)
}
