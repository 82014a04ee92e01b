//! A sign that moves on stderr while an answer is awaited, gone before anything is said.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::converse::{dimmed, moving_sign};
use crate::terminal::Terminal;

/// What comes within this time needs no sign.
const PATIENCE: Duration = Duration::from_millis(300);

const STEP: Duration = Duration::from_millis(120);

/// Whether nothing of the answer has come yet.
static AWAITED: AtomicBool = AtomicBool::new(false);

/// Whether the sign is on the screen.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Awaits this, with a sign beside it where a person looks at a terminal.
pub(crate) async fn with_sign<T>(terminal: &Terminal, asked: impl Future<Output = T>) -> T {
    if terminal.quiet || terminal.dumb || !terminal.stderr {
        return asked.await;
    }
    AWAITED.store(true, Ordering::Release);
    let began = Instant::now();
    let mut asked = std::pin::pin!(asked);
    let mut pause = PATIENCE;
    loop {
        tokio::select! {
            biased;
            done = &mut asked => {
                end();
                return done;
            }
            () = tokio::time::sleep(pause) => {
                if AWAITED.load(Ordering::Acquire) {
                    SHOWN.store(true, Ordering::Release);
                    let sign = dimmed(&moving_sign(began.elapsed(), ""), terminal.colour);
                    write(&format!("\r{sign}\u{1b}[K"));
                }
                pause = STEP;
            }
        }
    }
}

/// Something is about to be said: the sign goes, and may come back.
pub(crate) fn clear() {
    if SHOWN.swap(false, Ordering::AcqRel) {
        write("\r\u{1b}[K");
    }
}

/// The answer comes, or a person is asked: the sign goes for good.
pub(crate) fn end() {
    AWAITED.store(false, Ordering::Release);
    clear();
}

fn write(text: &str) {
    // Where stderr is closed, there is nobody to wait with.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
