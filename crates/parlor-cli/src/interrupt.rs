//! Ctrl-C, a request to end, a closed terminal: the answer stops and what came is kept.

use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::terminal;

/// The exit code after an interruption.
pub(crate) const EXIT: i32 = 130;

/// How long the program may take to stop by itself. It is not in time when
/// nobody reads what it prints.
const GRACE: Duration = Duration::from_secs(5);

/// Resolves at the first interruption.
pub(crate) type Interrupted = oneshot::Receiver<()>;

/// Listens from now on. A thread of its own does, so that a second Ctrl-C
/// ends the program even while it waits for the reader of its output.
pub(crate) fn listen() -> io::Result<Interrupted> {
    let (sender, receiver) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let Ok(mut signals) = Signals::new() else {
                return;
            };
            signals.next().await;
            // The receiver is gone when the answer is just complete.
            let _ = sender.send(());
            let _ = tokio::time::timeout(GRACE, signals.next()).await;
            terminal::complain("\n");
            process::exit(EXIT);
        });
    });
    Ok(receiver)
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

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
