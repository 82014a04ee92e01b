//! Servers of Redis and PostgreSQL of a test's own, where the programs are there.
#![allow(
    dead_code,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;

/// A port that is free and stays so: the system gives those below 32768 to nobody unasked, and a
/// server that is started again wants its own.
fn free_port() -> u16 {
    loop {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        let port = 15_000 + u16::try_from(now / 100 % 15_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A Redis or Valkey, which keeps nothing.
pub(crate) struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// Starts one, or says that the test is skipped.
    pub(crate) async fn start() -> Option<Self> {
        let port = free_port();
        let child = Self::run(port).await;
        if child.is_none() {
            eprintln!("skipped: there is no redis-server or valkey-server");
        }
        Some(Self {
            port,
            child: child?,
        })
    }

    async fn run(port: u16) -> Option<Child> {
        let start = |program: &str| {
            tokio::process::Command::new(program)
                .args(["--port", &port.to_string(), "--save", ""])
                .args(["--appendonly", "no", "--bind", "127.0.0.1"])
                .args(["--daemonize", "no"])
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
        };
        let child = start("redis-server").or_else(|_| start("valkey-server"));
        let mut child = child.ok()?;
        let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("Ready to accept connections") {
                // Read on, so that it can write on.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Some(child);
            }
        }
        panic!("the server ended");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What it answers to a command, as it is sent.
    async fn answer(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let line = format!("{command}\r\nQUIT\r\n");
        stream.write_all(line.as_bytes()).await.unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap();
        told
    }

    /// How many channels somebody is subscribed to.
    pub(crate) async fn channels(&self) -> u64 {
        let told = self.answer("PUBSUB CHANNELS").await;
        let count = told.lines().next().and_then(|it| it.strip_prefix('*'));
        count.unwrap().parse().unwrap()
    }

    /// How long it keeps what it keeps longest of all that it doesn't keep for ever.
    pub(crate) async fn longest(&self) -> Duration {
        let script = "local most = 0 for _, key in ipairs(redis.call('KEYS', '*')) do \
            most = math.max(most, redis.call('PTTL', key)) end return most";
        let told = self.answer(&format!("EVAL \"{script}\" 0")).await;
        let ms = told.lines().next().and_then(|it| it.strip_prefix(':'));
        Duration::from_millis(ms.unwrap().parse().unwrap())
    }

    /// How often a command was given so far.
    pub(crate) async fn calls(&self, command: &str) -> u64 {
        let told = self.answer("INFO commandstats").await;
        let begin = format!("cmdstat_{command}:calls=");
        let line = told.lines().find_map(|line| line.strip_prefix(&begin));
        let calls = line.and_then(|it| it.split(',').next());
        calls.map_or(0, |it| it.parse().unwrap())
    }

    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Has it stand still, as one whose machine is too busy, or go on.
    pub(crate) fn stand_still(&self, still: bool) {
        let signal = if still { "-STOP" } else { "-CONT" };
        let id = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(told.unwrap().success());
    }

    pub(crate) async fn restart(&mut self) {
        self.child = Self::run(self.port).await.unwrap();
    }
}

/// A PostgreSQL with an empty database, in a folder of its own.
pub(crate) struct Postgres {
    port: u16,
    programs: PathBuf,
    folder: TempDir,
}

impl Postgres {
    /// Starts one, or says that the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: there is no PostgreSQL");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // It doesn't run as root.
        if let Some((user, group)) = other_user() {
            let opened = std::os::unix::fs::PermissionsExt::from_mode(0o711);
            fs::set_permissions(folder.path(), opened).unwrap();
            let data = folder.path().join("data");
            fs::create_dir(&data).unwrap();
            std::os::unix::fs::chown(&data, Some(user), Some(group)).unwrap();
        }
        let started = Self {
            port: free_port(),
            programs,
            folder,
        };
        let options = ["-U", "parlor", "-A", "trust", "-E", "UTF8", "--locale=C"];
        started.run("initdb", &[&options[..], &["--no-sync"]].concat());
        started.restart();
        Some(started)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, program: &str, options: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-D").arg(self.data()).args(options);
        command.current_dir("/").stdin(Stdio::null());
        // The server would hold what is piped.
        command.stdout(Stdio::null());
        if let Some((user, group)) = other_user() {
            std::os::unix::process::CommandExt::uid(&mut command, user);
            std::os::unix::process::CommandExt::gid(&mut command, group);
        }
        let ended = command.status().unwrap();
        assert!(ended.success(), "{program} {options:?}: {ended}");
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://parlor@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as a crash does: at once, and without a word.
    pub(crate) fn kill(&self) {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"]);
    }

    pub(crate) fn restart(&self) {
        let log = self.data().join("log");
        let given = format!("-p {} -h 127.0.0.1 -k '' -F", self.port);
        let log = log.to_str().unwrap();
        self.run("pg_ctl", &["-l", log, "-o", &given, "-w", "start"]);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.kill();
        }
    }
}

/// The folder of the newest PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.flatten().map(|it| it.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = debian.chain(std::env::split_paths(&path));
    let mut here: Vec<_> = all.filter(|it| it.join("initdb").exists()).collect();
    here.sort();
    here.pop()
}

/// Whom a server runs as, where this is root: its own user, by what its package made.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|it| uid_of(&it) == 0);
    let users = fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let user = users.lines().find(|it| it.starts_with("postgres:"));
    let mut ids = user.filter(|_| is_root)?.split(':').skip(2);
    Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
}

fn uid_of(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}
