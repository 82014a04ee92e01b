//! One run of a program: what it is given, what is taken from it, its end.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use parlor::{find_program, program_command};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The most bytes of output that are kept.
const KEPT: usize = 128 * 1024;

/// The most bytes that a program may write before it is stopped.
const FLOOD: u64 = 16 << 20;

/// The most bytes of the end of its error output.
const LAST_WORDS: usize = 2000;

/// How long what it wrote is awaited after its end: something that it started may
/// hold the pipes open.
const REST: Duration = Duration::from_millis(500);

/// What to run.
#[derive(Debug)]
pub(super) struct Job {
    /// The tool's name, which the program gets as `PARLOR_TOOL`.
    pub(super) name: String,
    pub(super) command: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Variables that it gets beside what all need.
    pub(super) variables: Vec<(String, String)>,
    pub(super) folder: Option<PathBuf>,
    pub(super) limit: Option<Duration>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) ended: Ended,
    pub(super) output: Vec<u8>,
    /// Bytes of output that weren't kept.
    pub(super) left_out: u64,
    /// The end of its error output.
    pub(super) last_words: String,
}

#[derive(Debug)]
pub(super) enum Ended {
    By(ExitStatus),
    /// It took longer than this.
    Late(Duration),
    /// It wrote without end.
    Flooded,
}

impl Job {
    /// Runs it. Dropping the future stops it, with all that it has started.
    pub(super) async fn run(&self, input: Vec<u8>) -> io::Result<Ran> {
        let mut running = self.start()?;
        let missing = || io::Error::other("a pipe is missing");
        let child = &mut running.child;
        let mut stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let feeding = async move {
            // A program needn't read what it is given.
            let _ = stdin.write_all(&input).await;
        };
        let mut output = Kept::begin(KEPT);
        let mut said = Kept::end(LAST_WORDS);
        let working = async {
            let reading = async {
                let read = output.read(stdout);
                let ((), (), ()) = tokio::join!(feeding, read, said.read(stderr));
            };
            tokio::pin!(reading);
            tokio::select! {
                biased;
                () = &mut reading => {}
                ended = child.wait() => {
                    let _ = timeout(REST, reading).await;
                    return ended.map(Some);
                }
            }
            Ok::<_, io::Error>(None)
        };
        let limit = self.limit.unwrap_or(Duration::MAX);
        let worked = timeout(limit, working).await;
        let flooded = output.total > FLOOD || said.total > FLOOD;
        let ended = match worked {
            Err(_) => Ended::Late(limit),
            Ok(_) if flooded => Ended::Flooded,
            Ok(status) => match status? {
                Some(status) => Ended::By(status),
                // Its pipes are closed; it may go on without them.
                None => match timeout(limit, running.child.wait()).await {
                    Ok(status) => Ended::By(status?),
                    Err(_) => Ended::Late(limit),
                },
            },
        };
        Ok(Ran {
            ended,
            left_out: output.total - output.bytes.len() as u64,
            output: output.bytes,
            last_words: String::from_utf8_lossy(&said.bytes).trim().to_owned(),
        })
    }

    fn start(&self) -> io::Result<Running> {
        let folder = self.folder.as_deref();
        let mut command = program_command(&self.command, &self.arguments, folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("PARLOR_TOOL", &self.name);
        let child = Command::from(command).kill_on_drop(true).spawn()?;
        Ok(Running {
            #[cfg(unix)]
            group: group::Group::of(&child),
            child,
        })
    }

    /// What would keep it from being started.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(folder) = self.folder.as_ref().filter(|folder| !folder.is_dir()) {
            return Some(format!("there is no folder {}", folder.display()));
        }
        let told = self.command.display();
        let is_path = self.command.components().count() > 1;
        let found = find_program(&self.command).is_some();
        match (found, is_path) {
            (true, _) => None,
            (false, true) => Some(format!("{told} isn't there, or can't be run")),
            (false, false) => Some(format!("no program {told} is in PATH")),
        }
    }
}

/// A program with all that it has started; dropping it ends them.
#[derive(Debug)]
struct Running {
    child: Child,
    #[cfg(unix)]
    #[expect(dead_code, reason = "ends the group when it is dropped")]
    group: group::Group,
}

/// Ends all programs that are running, for an end of this one that drops nothing.
pub(crate) fn end_all() {
    #[cfg(unix)]
    group::end_all();
}

#[cfg(unix)]
mod group {
    //! Groups of processes that end together.

    use std::collections::BTreeSet;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::process::{Pid, Signal, kill_process_group};
    use tokio::process::Child;

    /// Those that are running.
    static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

    fn running() -> MutexGuard<'static, BTreeSet<i32>> {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(leader: i32) {
        if let Some(leader) = Pid::from_raw(leader) {
            // Nobody is left where this fails.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    pub(super) fn end_all() {
        running().iter().copied().for_each(end);
    }

    /// A program and what it has started; dropping it ends them.
    #[derive(Debug)]
    pub(super) struct Group(Option<i32>);

    impl Group {
        pub(super) fn of(child: &Child) -> Self {
            let leader = child.id().and_then(|id| i32::try_from(id).ok());
            running().extend(leader);
            Self(leader)
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(leader) = self.0 {
                end(leader);
                running().remove(&leader);
            }
        }
    }
}

/// What is kept of a stream: its beginning or its end.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    most: usize,
    keeps_end: bool,
    total: u64,
}

impl Kept {
    fn begin(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            keeps_end: false,
            total: 0,
        }
    }

    fn end(most: usize) -> Self {
        Self {
            keeps_end: true,
            ..Self::begin(most)
        }
    }

    /// Reads to the end, or until it is too much.
    async fn read(&mut self, mut stream: impl AsyncRead + Unpin) {
        let mut piece = [0; 8192];
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            let piece = piece.get(..length).unwrap_or_default();
            self.total += piece.len() as u64;
            if self.keeps_end {
                self.bytes.extend_from_slice(piece);
                let over = self.bytes.len().saturating_sub(self.most);
                self.bytes.drain(..over);
            } else {
                let room = self.most.saturating_sub(self.bytes.len());
                self.bytes.extend(piece.iter().take(room));
            }
            if self.total > FLOOD {
                return;
            }
        }
    }
}
