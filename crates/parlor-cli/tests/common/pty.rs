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
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::Home;

/// How long anything may take to appear on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What terminals are asked: the cursor's place, the keyboard's flags, their kind.
const CURSOR: &[u8] = b"\x1b[6n";
const FLAGS: &[u8] = b"\x1b[?u";
const KIND: &[u8] = b"\x1b[c";

/// The program in a terminal, which answers what terminals are asked, or doesn't.
pub struct Pty {
    screen: Arc<Mutex<vt100::Parser>>,
    writer: Writer,
    /// Tells that something came; closed at the terminal's end.
    came: Receiver<()>,
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Box<dyn MasterPty + Send>,
}

type Writer = Arc<Mutex<Box<dyn std::io::Write + Send>>>;

/// What it answers.
struct Speaks {
    answers: bool,
    /// Whether it says that it speaks the kitty keyboard protocol.
    kitty: bool,
}

/// What the thread that reads works with. It answers itself: a program waits for that
/// only so long.
struct Answering {
    screen: Arc<Mutex<vt100::Parser>>,
    writer: Writer,
    speaks: Speaks,
    /// A question that has come in part: reads end anywhere.
    begun: Vec<u8>,
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
        let speaks = Speaks {
            answers,
            kitty: false,
        };
        Self::start(home, arguments, env, speaks, cols)
    }

    /// The same in a terminal that speaks the kitty keyboard protocol.
    pub fn kitty(home: &Home, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let speaks = Speaks {
            answers: true,
            kitty: true,
        };
        Self::start(home, arguments, env, speaks, 80)
    }

    fn start(
        home: &Home,
        arguments: &[&str],
        env: &[(&str, &str)],
        speaks: Speaks,
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
        let screen = vt100::Parser::new(cells(24), cells(cols), 1000);
        let screen = Arc::new(Mutex::new(screen));
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let (sender, came) = channel();
        let mut answering = Answering {
            screen: Arc::clone(&screen),
            writer: Arc::clone(&writer),
            speaks,
            begun: Vec::new(),
        };
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                answering.takes(&buffer[..read]);
                if sender.send(()).is_err() {
                    break;
                }
            }
        });
        Self {
            screen,
            writer,
            came,
            child,
            master: pair.master,
        }
    }

    /// What is shown now.
    pub fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Does something with the screen.
    pub fn with_screen<T>(&self, act: impl FnOnce(&mut vt100::Screen) -> T) -> T {
        act(self.screen.lock().unwrap().screen_mut())
    }

    /// Lays what is shown out anew for so many columns, as terminals do when they are
    /// resized. The emulator would cut it.
    pub fn reflow(&self, cols: u16) {
        let mut screen = self.screen.lock().unwrap();
        let shown = screen.screen().contents().replace('\n', "\r\n");
        *screen = vt100::Parser::new(cells(24), cells(cols), 1000);
        screen.process(shown.as_bytes());
    }

    /// All rows that the terminal has seen, those that went out at its top first.
    pub fn rows(&self) -> String {
        self.with_screen(|screen| {
            screen.set_scrollback(usize::MAX);
            let above = screen.scrollback();
            let mut rows = Vec::new();
            for scrolled in (0..=above).rev() {
                screen.set_scrollback(scrolled);
                let shown = screen.contents();
                let mut shown = shown.lines().map(str::to_owned);
                match scrolled {
                    0 => rows.extend(shown),
                    _ => rows.push(shown.next().unwrap_or_default()),
                }
            }
            rows.join("\n")
        })
    }

    /// Reads what comes until the screen is as wanted.
    pub fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.contents();
            if wanted(&shown) {
                return shown;
            }
            let left = end.saturating_duration_since(Instant::now());
            if self.came.recv_timeout(left).is_err() {
                panic!("never came; the screen is:\n{}", self.contents());
            }
        }
    }

    pub fn shows(&mut self, wanted: &str) -> String {
        self.until(|shown| shown.contains(wanted))
    }

    pub fn types(&mut self, text: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Waits for the prompt after an answer, then types a line.
    pub fn enters(&mut self, text: &str) {
        self.until(|shown| shown.trim_end().ends_with('›'));
        self.types(&format!("{text}\r"));
    }

    /// Reads what comes until the screen is as wanted; whether the program ended before.
    pub fn ends_before(&mut self, wanted: impl Fn(&str) -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.contents()) {
            let left = end.saturating_duration_since(Instant::now());
            match self.came.recv_timeout(left) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("neither came; the screen is:\n{}", self.contents())
                }
            }
        }
        false
    }

    /// Waits until the program has ended, and gives its exit code.
    pub fn ended(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        // The terminal is read to its end, which is when the program is gone.
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.came.recv_timeout(left) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("never ended; the screen is:\n{}", self.contents())
                }
            }
        }
        self.child.wait().unwrap().exit_code()
    }
}

impl Answering {
    /// Puts on the screen what came, and answers what was asked in it.
    fn takes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.screen.lock().unwrap().process(&[*byte]);
            if *byte == 0x1b {
                self.begun.clear();
            }
            self.begun.push(*byte);
            let asked = &*self.begun;
            if [CURSOR, FLAGS, KIND].contains(&asked) {
                self.asked();
            } else if [CURSOR, FLAGS, KIND].iter().any(|it| it.starts_with(asked)) {
                continue;
            }
            self.begun.clear();
        }
    }

    fn asked(&mut self) {
        let answer = match &*self.begun {
            _ if !self.speaks.answers => return,
            CURSOR => {
                let screen = self.screen.lock().unwrap();
                let (row, column) = screen.screen().cursor_position();
                format!("\x1b[{};{}R", row + 1, column + 1)
            }
            FLAGS if self.speaks.kitty => "\x1b[?0u".to_owned(),
            FLAGS => return,
            _ => "\x1b[?62c".to_owned(),
        };
        // Who asked may have ended meanwhile.
        let _ = self.writer.lock().unwrap().write_all(answer.as_bytes());
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
    }
}
