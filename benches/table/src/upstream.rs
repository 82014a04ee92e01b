//! The loopback server as a process.

use crate::build::program;
use crate::machine::cores;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The loopback server, while it runs.
pub struct Upstream {
    /// Its base URL.
    pub address: String,
    child: Child,
    told: BufReader<ChildStdout>,
}

impl Upstream {
    /// Starts it on the second core.
    pub fn start() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the upstream doesn't start: {error}");
        let mut child = pinned(&program("upstream").to_string_lossy(), 1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut told = BufReader::new(child.stdout.take().ok_or("the upstream is mute")?);
        let mut line = String::new();
        told.read_line(&mut line).map_err(failed)?;
        let address = line.trim().to_owned();
        Ok(Self {
            address,
            child,
            told,
        })
    }

    /// When the last request came, in nanoseconds since 1970.
    pub fn last(&mut self) -> Option<f64> {
        writeln!(self.child.stdin.as_mut()?).ok()?;
        let mut line = String::new();
        self.told.read_line(&mut line).ok()?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command on one core, where there are two and `taskset` is installed.
pub fn pinned(program: &str, core: usize) -> Command {
    let has_taskset = Command::new("taskset")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if cores() < 2 || !has_taskset.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}
