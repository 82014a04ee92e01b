//! A server under way: started, awaited, stopped.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::folder::Folder;

/// How long one look at a server may take.
const GLANCE: Duration = Duration::from_secs(2);

/// How long a server has to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Ends a server when whoever started it has ended, in whatever way: the other end of its standard
/// input is then closed. A signal from the terminal ends the server too.
const GUARD: &str = r#"
trap : INT TERM HUP
read -r _
kill "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$1" 2>/dev/null || exit 0
    sleep 0.3
done
kill -9 "$1" 2>/dev/null
"#;

/// A server, and how to begin it.
pub(crate) struct SetUp {
    pub(crate) command: Command,
    pub(crate) port: u16,
}

/// A server that runs until this is dropped.
pub(crate) struct Running {
    url: String,
    server: Child,
    guard: Child,
}

impl Running {
    /// Starts a server and waits until it answers `ready` with success, at most so long.
    pub(crate) fn start(
        mut set_up: SetUp,
        folder: &Folder,
        ready: &str,
        patience: Duration,
    ) -> Result<Self, String> {
        let log = folder.file("log");
        let program = set_up.command.get_program().to_string_lossy().into_owned();
        let said = |error: std::io::Error| format!("{program} can't be run: {error}");
        let out = File::create(&log).map_err(said)?;
        let mut server = set_up
            .command
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(said)?)
            .stderr(out)
            .spawn()
            .map_err(said)?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard", &server.id().to_string()])
            .stdin(Stdio::piped())
            .spawn();
        let guard = match guard {
            Ok(guard) => guard,
            Err(error) => {
                let _ = server.kill();
                let _ = server.wait();
                return Err(format!("sh can't be run: {error}"));
            }
        };
        let mut running = Self {
            url: format!("http://127.0.0.1:{}", set_up.port),
            server,
            guard,
        };
        running.wait(set_up.port, ready, patience, &log)?;
        Ok(running)
    }

    /// Where the server listens, without a path.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn wait(
        &mut self,
        port: u16,
        ready: &str,
        patience: Duration,
        log: &PathBuf,
    ) -> Result<(), String> {
        let begun = Instant::now();
        let failed = loop {
            if answers(port, ready) {
                return Ok(());
            }
            match self.server.try_wait() {
                Ok(Some(status)) => break format!("the server ended: {status}"),
                Err(error) => break format!("the server is lost: {error}"),
                Ok(None) if begun.elapsed() > patience => {
                    break format!("the server doesn't answer after {patience:?}");
                }
                Ok(None) => thread::sleep(Duration::from_millis(200)),
            }
        };
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(20)..)
            .unwrap_or(&lines);
        Err(format!(
            "{failed}; {} ends:\n{}",
            log.display(),
            tail.join("\n")
        ))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The guard asks the server to end once its input is closed, and is not needed after.
        drop(self.guard.stdin.take());
        let begun = Instant::now();
        while matches!(self.server.try_wait(), Ok(None)) && begun.elapsed() < GRACE {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

/// A port of the loopback interface that nobody uses now.
pub(crate) fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no port is free: {error}"))
}

/// Whether a server answers a GET with a status of success.
fn answers(port: u16, path: &str) -> bool {
    let look = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, GLANCE)?;
        stream.set_read_timeout(Some(GLANCE))?;
        stream.set_write_timeout(Some(GLANCE))?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut head = [0; 10];
        stream.read_exact(&mut head)?;
        Ok(head.starts_with(b"HTTP/1.") && head.ends_with(b" 2"))
    };
    look().unwrap_or(false)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Folder {
        let name = format!("parlor-xtask-{name}-{}", std::process::id());
        Folder::open(&std::env::temp_dir(), &name).unwrap()
    }

    fn start(
        script: &str,
        port: u16,
        folder: &Folder,
        patience: Duration,
    ) -> Result<Running, String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let set_up = SetUp { command, port };
        Running::start(set_up, folder, "/health", patience)
    }

    #[test]
    fn a_server_that_ends_is_told_with_the_last_of_its_log() {
        let folder = folder("ends");
        let port = free_port().unwrap();
        let started = start(
            "echo no fixtures; exit 3",
            port,
            &folder,
            Duration::from_secs(60),
        );
        let error = started.err().unwrap();
        assert!(
            error.contains("no fixtures") && error.contains('3'),
            "{error}"
        );
        fs::remove_dir_all(&folder.path).unwrap();
    }

    #[test]
    fn a_server_that_is_silent_is_given_up_and_stopped() {
        let folder = folder("silent");
        let port = free_port().unwrap();
        let started = start(
            "echo $$; exec sleep 300",
            port,
            &folder,
            Duration::from_secs(2),
        );
        assert!(started.err().unwrap().contains("doesn't answer"));
        let pid = fs::read_to_string(folder.file("log")).unwrap();
        assert!(pid.trim().parse::<u32>().is_ok(), "{pid:?}");
        let alive = Command::new("kill")
            .args(["-0", pid.trim()])
            .output()
            .unwrap();
        assert!(!alive.status.success(), "the server still runs");
        fs::remove_dir_all(&folder.path).unwrap();
    }

    #[test]
    fn only_success_is_an_answer() {
        for (status, expected) in [("200 OK", true), ("503 Service Unavailable", false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(answers(port, "/health"), expected, "{status}");
            server.join().unwrap();
        }
    }
}
