//! A server under way: its address, and what it takes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A server, until this is dropped.
pub(crate) struct Process {
    /// Host and port.
    pub(crate) address: String,
    child: Child,
}

impl Process {
    /// Starts a server that says its address in its first line.
    pub(crate) fn told(mut command: Command) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("it doesn't start: {error}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("it is mute")?;
        BufReader::new(out).read_line(&mut line).map_err(failed)?;
        let address = line.trim().trim_start_matches("http://").to_owned();
        Ok(Self { address, child })
    }

    /// Starts a server that listens at this port, and waits until it does.
    pub(crate) fn at(mut command: Command, port: u16, patience: Duration) -> Result<Self, String> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("it doesn't start: {error}"))?;
        let address = format!("127.0.0.1:{port}");
        let mut process = Self { address, child };
        let began = Instant::now();
        while TcpStream::connect(&process.address).is_err() {
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(format!("it ended at once: {status}"));
            }
            if began.elapsed() > patience {
                return Err(format!("it doesn't listen after {patience:?}"));
            }
            sleep(Duration::from_millis(100));
        }
        Ok(process)
    }

    /// Seconds of CPU time that it took so far, those of its threads that ended included.
    pub(crate) fn cpu(&self) -> f64 {
        let mut clock = 0;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let pid = self.child.id() as libc::pid_t;
        // SAFETY: both pointers are to values of this function.
        let is_told = unsafe {
            libc::clock_getcpuclockid(pid, &mut clock) == 0
                && libc::clock_gettime(clock, &mut time) == 0
        };
        match is_told {
            true => time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
            false => f64::NAN,
        }
    }

    /// Megabytes that are resident.
    pub(crate) fn resident(&self) -> f64 {
        let text = self.proc("status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib * 1024.0 / 1e6)
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        fs::read_dir(folder).map_or(0, |entries| entries.count())
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback interface that nobody uses now.
pub(crate) fn free_port() -> Result<u16, String> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no port is free: {error}"))
}
