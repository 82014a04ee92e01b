//! The conversation in a terminal: what is seen there, and what is kept.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use common::server::read_request;
use common::{Home, Ran};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take to appear on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a terminal, which answers what terminals are asked, or doesn't.
struct Pty {
    screen: vt100::Parser,
    bytes: Receiver<Vec<u8>>,
    writer: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    answers: bool,
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Pty {
    fn new(home: &Home, arguments: &[&str], env: &[(&str, &str)], answers: bool) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
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
            screen: vt100::Parser::new(cells(24), cells(80), 200),
            bytes,
            writer,
            child,
            master: pair.master,
            answers,
        }
    }

    /// Reads what comes until the screen is as wanted.
    fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
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
        let asked = String::from_utf8_lossy(bytes).matches("\x1b[6n").count();
        if self.answers {
            for _ in 0..asked {
                let (row, column) = self.screen.screen().cursor_position();
                // Who asked may have ended meanwhile.
                let _ = write!(self.writer, "\x1b[{};{}R", row + 1, column + 1);
            }
        }
    }

    fn shows(&mut self, wanted: &str) -> String {
        self.until(|shown| shown.contains(wanted))
    }

    fn types(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits for the prompt after an answer, then types a line.
    fn enters(&mut self, text: &str) {
        self.until(|shown| shown.trim_end().ends_with('›'));
        self.types(&format!("{text}\r"));
    }

    /// Waits until the program has ended, and gives its exit code.
    fn ended(&mut self) -> u32 {
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

fn history(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["history"], arguments].concat())
}

#[test]
fn a_conversation_remembers_and_is_kept() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], true);
    pty.shows("/help");
    pty.enters("my name is **Ann**");
    pty.shows("\nmy name is Ann\n");
    pty.enters("/und");
    pty.shows("Taken back: my name is **Ann**");
    pty.enters("second");
    pty.shows("\nsecond\n");
    pty.enters("/stauts");
    pty.shows("Did you mean /status?");
    pty.enters("//literal");
    pty.shows("\n/literal\n");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    let listed = history(&home, &[]);
    assert!(listed.stdout.contains("my name is **Ann**"), "{listed:?}");
    assert!(listed.stdout.contains("2 turns"), "{listed:?}");
    assert!(history(&home, &["literal"]).stdout.contains("Ann"));

    // What comes next goes on with it, from any folder and without a terminal too.
    let more = home.run(&["-m", "echo", "-c", "third"]);
    assert_eq!(more.code, Some(0), "{more:?}");
    assert!(history(&home, &[]).stdout.contains("3 turns"));
    let mut pty = Pty::new(&home, &["-m", "echo", "-c"], &[], true);
    let shown = pty.shows("third");
    assert!(
        shown.contains("3 turns") && !shown.contains("second"),
        "{shown}"
    );
}

#[test]
fn a_terminal_that_answers_nothing_gets_plain_lines() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], false);
    pty.enters("one");
    pty.shows("\none\n");
    pty.enters("two \\");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("lines\r");
    pty.shows("two lines");
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn lines_from_a_pipe_are_a_conversation() {
    let home = Home::new();
    let ran = home.pipe(
        &["-m", "echo", "-i", "--quiet"],
        "one\n/system Be brief.\n\ntwo\n",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "one\ntwo\n");
    let kept = history(&home, &["--json"]).json();
    assert_eq!(kept[0]["turns"], 2);
}

/// Sends the beginning of an answer, then nothing more until it is told.
fn stalling() -> (String, std::thread::JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&stream).unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n";
        let message = "{\"role\":\"assistant\",\"content\":\"Some words\"}";
        let line = format!("{{\"model\":\"m\",\"message\":{message},\"done\":false}}\n");
        stream
            .write_all(format!("{head}{line}").as_bytes())
            .unwrap();
        // The client hangs up when the answer is stopped.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).is_ok()
    });
    (url, served)
}

#[test]
fn ctrl_c_stops_the_answer_and_keeps_it() {
    let home = Home::new();
    let (url, served) = stalling();
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &[("OLLAMA_HOST", &url)], true);
    pty.enters("Hi");
    pty.shows("Some words");
    pty.types("\x03");
    pty.shows("[interrupted]");
    served.join().unwrap();
    pty.enters("/status");
    pty.shows("1 turn, kept as");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x03");
    pty.shows("Ctrl-C once more");
    pty.types("\x03");
    assert_eq!(pty.ended(), 0);
    let found = history(&home, &["words"]);
    assert!(found.stdout.contains("Some words"), "{found:?}");
    let id: String = found.stdout.chars().take(4).collect();
    let shown = history(&home, &["--show", &id]).stdout;
    assert!(
        shown.contains("Some words") && shown.contains("[interrupted]"),
        "{shown}"
    );
}

#[test]
fn a_request_to_end_keeps_what_came() {
    let home = Home::new();
    let (url, _served) = stalling();
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &[("OLLAMA_HOST", &url)], true);
    pty.enters("Hi");
    pty.shows("Some words");
    // The terminal is closed: the program is told by a hang-up.
    let pid = pty.child.process_id().unwrap();
    common::signal_of(pid, "HUP");
    pty.ended();
    let found = history(&home, &["words"]);
    assert!(found.stdout.contains("Some words"), "{found:?}");
}

#[test]
fn a_narrower_terminal_shows_the_tail_anew() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], true);
    pty.shows("/help");
    let size = PtySize {
        rows: 24,
        cols: 30,
        ..PtySize::default()
    };
    pty.master.resize(size).unwrap();
    pty.screen.screen_mut().set_size(cells(24), cells(30));
    pty.enters("one **two three four** five six seven");
    pty.shows("\none two three four five six\nseven\n");
}

#[test]
fn what_cannot_be_kept_is_said_once() {
    let home = Home::new();
    let nowhere = home.file("file", "not a folder");
    let store = format!("{nowhere}/store.db");
    let mut command = home.parlor(&["-m", "echo", "-i"]);
    command
        .env("PARLOR_STORE", &store)
        .stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"one\ntwo\n")
        .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.stdout, "one\ntwo\n");
    assert_eq!(ran.stderr.matches("isn't kept").count(), 1, "{ran:?}");
    assert_eq!(history(&home, &[]).stdout, "");
}
