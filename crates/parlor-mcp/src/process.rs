//! A running program: its small environment, its last words, its end.

use crate::program::Program;
use crate::tail::Tail;
use parlor_core::Secret;
use parlor_registry::program_command;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a program may take to end, by itself and again once it was told to.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A program with all that it has started. Dropping it ends it: at once where no
/// runtime is left, else within [`GRACE`] of being told.
#[derive(Debug)]
pub(crate) struct Process {
    running: Option<Running>,
    said: Arc<Mutex<Tail>>,
    listener: Option<JoinHandle<()>>,
}

/// A program that is killed when this is dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    group: Group,
}

impl Process {
    /// Starts a program; what it has to read and write is given beside it.
    pub(crate) fn start(
        program: &Program,
        env: &[(String, Secret)],
    ) -> io::Result<(Self, ChildStdout, ChildStdin)> {
        let folder = program.folder.as_deref();
        let mut command = program_command(&program.command, &program.args, folder);
        command.envs(env.iter().map(|(name, value)| (name, value.expose())));
        let mut child = Command::from(command).kill_on_drop(true).spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let output = child.stdout.take().ok_or_else(missing)?;
        let input = child.stdin.take().ok_or_else(missing)?;
        let said = Arc::<Mutex<Tail>>::default();
        let listener = child.stderr.take().map(|stderr| {
            // Somebody must read, or the program stands still once the pipe is full.
            tokio::spawn(listen(stderr, said.clone()))
        });
        let process = Self {
            running: Some(Running {
                group: Group::of(&child),
                child,
            }),
            said,
            listener,
        };
        Ok((process, output, input))
    }

    /// The last lines that it wrote to its error output.
    pub(crate) fn said(&self) -> String {
        let said = self.said.lock();
        said.unwrap_or_else(PoisonError::into_inner).text()
    }

    /// Ends it, its input being closed, and gives how it ended: by itself within
    /// [`GRACE`], or as told.
    pub(crate) async fn end(&mut self) -> Option<ExitStatus> {
        let running = self.running.take()?;
        let status = running.end().await;
        if let Some(listener) = self.listener.take() {
            let stop = listener.abort_handle();
            // Something that it started may hold the pipe open.
            if timeout(LAST_WORDS, listener).await.is_err() {
                stop.abort();
            }
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
        if let (Some(running), Ok(runtime)) = (self.running.take(), Handle::try_current()) {
            runtime.spawn(running.end());
        }
    }
}

impl Running {
    async fn end(mut self) -> Option<ExitStatus> {
        for signal in [None, Some(Signal::Terminate), Some(Signal::Kill)] {
            if let Some(signal) = signal {
                self.group.send(signal);
            }
            if let Ok(ended) = timeout(GRACE, self.child.wait()).await {
                return ended.ok();
            }
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What it started and left behind, too.
        self.group.send(Signal::Kill);
    }
}

async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Tail>>) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(piece.get(..length).unwrap_or_default());
    }
}

#[derive(Debug, Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
}

/// All processes that a program has started, where the system knows of such groups.
#[derive(Debug)]
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(rustix::process::Pid::from_raw),
        }
    }

    #[cfg(unix)]
    fn send(&self, signal: Signal) {
        let Some(leader) = self.leader else { return };
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // Nobody is left where this fails.
        let _ = rustix::process::kill_process_group(leader, signal);
    }

    #[cfg(not(unix))]
    fn of(_child: &Child) -> Self {
        Self {}
    }

    /// Dropping the child kills it.
    #[cfg(not(unix))]
    fn send(&self, _signal: Signal) {}
}
