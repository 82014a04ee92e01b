//! Ctrl-C, a request to end, a closed terminal: the answer stops and what came is kept.

use std::io;
use std::process::{self, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parlor::{Error, ErrorKind};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::terminal;

/// The exit code after an interruption.
pub(crate) const EXIT: i32 = 130;

/// How long the program may take to stop by itself. It is not in time when
/// nobody reads what it prints.
const GRACE: Duration = Duration::from_secs(5);

/// Two Ctrl-C within this time end a conversation.
pub(crate) const TWICE: Duration = Duration::from_secs(1);

/// What the first of them is answered with.
pub(crate) const ONCE_MORE: &str = "Ctrl-C once more, or Ctrl-D, quits.";

/// How long a Ctrl-C may be on its way here after it ended another program.
const LATE: Duration = Duration::from_millis(500);

/// Whether a program that was run for a person was ended by a Ctrl-C, which comes here too.
static SHARED: AtomicBool = AtomicBool::new(false);

/// Resolves at the first interruption.
pub(crate) type Interrupted = oneshot::Receiver<()>;

/// Listens from now on. A thread of its own does, so that a second Ctrl-C
/// ends the program even while it waits for the reader of its output.
pub(crate) fn listen() -> io::Result<Interrupted> {
    let (sender, receiver) = oneshot::channel();
    let (runtime, mut signals) = signals()?;
    thread::spawn(move || {
        runtime.block_on(async {
            signals.next().await;
            // The receiver is gone when the answer is just complete.
            let _ = sender.send(());
            let _ = tokio::time::timeout(GRACE, signals.next()).await;
            end_here();
        });
    });
    Ok(receiver)
}

/// Ends the program, the terminal being left as it was found, and no program that
/// was started left behind.
fn end_here() -> ! {
    crate::tools::end_all();
    let _ = crossterm::terminal::disable_raw_mode();
    terminal::speak();
    terminal::complain("\n");
    process::exit(EXIT);
}

/// Fails where a program that was run for a person was ended by Ctrl-C.
pub(crate) fn not_stopped(status: ExitStatus) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        let is_stopped = status.signal() == Some(rustix::process::Signal::INT.as_raw());
        // A shell tells so of what it ran.
        if is_stopped || status.code() == Some(EXIT) {
            SHARED.store(true, Ordering::Release);
        }
        if is_stopped {
            return Err(stopped());
        }
    }
    let _ = status;
    Ok(())
}

/// What was to be done was stopped by a person.
pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "stopped")
}

/// The interruptions of a conversation: one stops what is being done, and while nothing
/// is it ends the program; where a person types whole lines, the second one does.
#[derive(Debug)]
pub(crate) struct Interrupts {
    receiver: mpsc::UnboundedReceiver<()>,
    state: Arc<State>,
    ended: Arc<AtomicBool>,
}

/// What is going on when a signal comes.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Whether something is being done that can be stopped.
    is_busy: AtomicBool,
    /// Whether a whole line is waited for, which no signal ends.
    reads_lines: AtomicBool,
    /// Whether a Ctrl-C took back what was typed of it, as terminals do.
    took_back: AtomicBool,
}

impl Interrupts {
    /// Something is done from now on; what came before doesn't count.
    pub(crate) fn busy(&mut self) {
        while self.receiver.try_recv().is_ok() {}
        self.state.is_busy.store(true, Ordering::Release);
    }

    /// Nothing is done any more, and what ended a person's program ends no more than that.
    pub(crate) fn idle(&mut self, runtime: &Runtime) {
        if SHARED.swap(false, Ordering::AcqRel) {
            let late = async { tokio::time::timeout(LATE, self.next()).await };
            // Where none comes, that program was told to end by itself.
            let _ = runtime.block_on(late);
        }
        self.state.is_busy.store(false, Ordering::Release);
    }

    /// From now on a line is read that only its end gives, or is no longer.
    pub(crate) fn reads_lines(&self, reads: bool) {
        self.state.reads_lines.store(reads, Ordering::Release);
    }

    /// What is going on, as it is shared with the signals' thread.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// The next interruption of what is done.
    pub(crate) async fn next(&mut self) {
        if self.receiver.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Does this, unless it is interrupted, or was since `busy`.
    pub(crate) fn wait<T>(
        &mut self,
        runtime: &Runtime,
        done: impl Future<Output = T>,
    ) -> Option<T> {
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.next() => None,
                done = done => Some(done),
            }
        })
    }

    /// Whether the program was told to end, which it does when it has kept what
    /// there is.
    pub(crate) fn ended(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }
}

impl State {
    /// Whether what was typed since this was last asked was taken back.
    pub(crate) fn took_back(&self) -> bool {
        self.took_back.swap(false, Ordering::AcqRel)
    }
}

/// Listens from now on, for as long as the program runs. After the first Ctrl-C in a line
/// that a person types, `prompt` stands before the next.
pub(crate) fn watch(prompt: Option<&'static str>) -> io::Result<Interrupts> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let state = Arc::new(State::default());
    let ended = Arc::new(AtomicBool::new(false));
    let (shared, end) = (Arc::clone(&state), Arc::clone(&ended));
    let (runtime, mut signals) = signals()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let mut hinted: Option<Instant> = None;
            loop {
                let may_stay = signals.next().await == Told::Stop;
                let is_busy = shared.is_busy.load(Ordering::Acquire);
                let reads_lines = shared.reads_lines.load(Ordering::Acquire);
                // A line that came in between makes it the first again.
                let is_second = shared.took_back.load(Ordering::Acquire)
                    && hinted.is_some_and(|at| at.elapsed() < TWICE);
                if let Some(prompt) = prompt.filter(|_| may_stay && reads_lines && !is_second) {
                    hinted = Some(Instant::now());
                    shared.took_back.store(true, Ordering::Release);
                    terminal::complain(&format!("\n{ONCE_MORE}\n"));
                    let _ = terminal::say(prompt);
                    continue;
                }
                end.fetch_or(!may_stay || !is_busy, Ordering::Release);
                // The receiver is gone when the program is just ending.
                let _ = sender.send(());
                if may_stay && is_busy {
                    continue;
                }
                // Nothing is left to be kept, and nobody would see before the line's end.
                if reads_lines {
                    end_here();
                }
                let _ = tokio::time::timeout(GRACE, signals.next()).await;
                end_here();
            }
        });
    });
    Ok(Interrupts {
        receiver,
        state,
        ended,
    })
}

/// The signals from now on, and what they are awaited with. Whoever is asked for
/// something after this is stopped by them, not killed.
fn signals() -> io::Result<(Runtime, Signals)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    Ok((runtime, signals))
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Stop what you do (Ctrl-C).
    Stop,
    /// End.
    End,
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) -> Told {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => Told::Stop,
            _ = terminate.recv() => Told::End,
            _ = hangup.recv() => Told::End,
        }
    }
}

#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    /// The window is closed, the person logs off, the machine stops.
    close: tokio::signal::windows::CtrlClose,
    logoff: tokio::signal::windows::CtrlLogoff,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
        Ok(Self {
            ctrl_c: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.ctrl_c.recv() => Told::Stop,
            _ = self.ctrl_break.recv() => Told::Stop,
            _ = self.close.recv() => Told::End,
            _ = self.logoff.recv() => Told::End,
            _ = self.shutdown.recv() => Told::End,
        }
    }
}
