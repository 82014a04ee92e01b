//! The program in a terminal.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::Home;

/// How long anything may take to appear on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a terminal, which answers what terminals are asked, or doesn't.
pub struct Pty {
    pub screen: vt100::Parser,
    pub bytes: Receiver<Vec<u8>>,
    pub writer: Box<dyn std::io::Write + Send>,
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Box<dyn MasterPty + Send>,
    pub answers: bool,
    /// Whether it says that it speaks the kitty keyboard protocol.
    pub kitty: bool,
}

pub fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Pty {
    pub fn new(home: &Home, arguments: &[&str], env: &[(&str, &str)], answers: bool) -> Self {
        Self::sized(home, arguments, env, answers, 80)
    }

    /// The same in a terminal of so many columns.
    pub fn sized(
        home: &Home,
        arguments: &[&str],
        env: &[(&str, &str)],
        answers: bool,
        cols: u16,
    ) -> Self {
        let size = PtySize {
            rows: 24,
            cols,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(arguments);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("HTTPS_PROXY", "http://127.0.0.1:9");
        env.iter()
            .for_each(|(name, value)| command.env(name, value));
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self {
            screen: vt100::Parser::new(cells(24), cells(cols), 200),
            bytes,
            writer,
            child,
            master: pair.master,
            answers,
            kitty: false,
        }
    }

    /// Reads what comes until the screen is as wanted.
    pub fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.screen.screen().contents();
            if wanted(&shown) {
                return shown;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.bytes.recv_timeout(left) else {
                panic!("never came; the screen is:\n{shown}");
            };
            self.takes(&bytes);
        }
    }

    /// Puts on the screen what came, and answers what was asked in it.
    fn takes(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        let text = String::from_utf8_lossy(bytes);
        let asked = |what| {
            if self.answers {
                text.matches(what).count()
            } else {
                0
            }
        };
        let (flags, kind) = (asked("\x1b[?u"), asked("\x1b[c"));
        for _ in 0..asked("\x1b[6n") {
            let (row, column) = self.screen.screen().cursor_position();
            // Who asked may have ended meanwhile.
            let _ = write!(self.writer, "\x1b[{};{}R", row + 1, column + 1);
        }
        if self.kitty && flags > 0 {
            let _ = write!(self.writer, "\x1b[?0u");
        }
        if kind > 0 {
            let _ = write!(self.writer, "\x1b[?62c");
        }
    }

    pub fn shows(&mut self, wanted: &str) -> String {
        self.until(|shown| shown.contains(wanted))
    }

    pub fn types(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits for the prompt after an answer, then types a line.
    pub fn enters(&mut self, text: &str) {
        self.until(|shown| shown.trim_end().ends_with('›'));
        self.types(&format!("{text}\r"));
    }

    /// Waits until the program has ended, and gives its exit code.
    pub fn ended(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        // The terminal is read to its end, which is when the program is gone.
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.takes(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!(
                        "never ended; the screen is:\n{}",
                        self.screen.screen().contents()
                    )
                }
            }
        }
        self.child.wait().unwrap().exit_code()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
    }
}
