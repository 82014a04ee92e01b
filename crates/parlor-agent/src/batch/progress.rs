//! How far a batch is, in figures and as a bar.

use parlor_core::BatchCounts;
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

/// Cells of a bar.
const CELLS: usize = 30;

/// How far a batch is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Progress {
    /// How many items there are.
    pub total: usize,
    /// How many have an answer, those from the file included.
    pub done: usize,
    /// How many have failed.
    pub failed: usize,
    /// How many of the answers were in the file.
    pub reused: usize,
    /// What the provider last told of its batch, where it answers the items as
    /// one: they are done here only once they were fetched.
    pub provider: Option<BatchCounts>,
}

impl Progress {
    /// How many are still to come.
    pub fn left(&self) -> usize {
        self.total.saturating_sub(self.done + self.failed)
    }
}

/// A line such as `█████████░░░ 9 of 12, 1 failed`.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.done.saturating_add(self.failed).min(self.total);
        let full = match self.total {
            0 => CELLS,
            total => CELLS.saturating_mul(ended) / total,
        };
        let (full, empty) = ("█".repeat(full), "░".repeat(CELLS.saturating_sub(full)));
        write!(f, "{full}{empty} {ended} of {}", self.total)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if let Some(counts) = &self.provider {
            write!(f, " ({} of {} done there)", counts.done(), counts.total)?;
        }
        Ok(())
    }
}

/// Draws a line over the one before, where stderr is a terminal.
pub(super) fn bar() -> impl FnMut(&Progress) + Send + 'static {
    let is_terminal = io::stderr().is_terminal();
    move |progress| {
        if is_terminal {
            let end = if progress.left() == 0 { "\n" } else { "" };
            // A bar that can't be seen is no reason to stop.
            let _ = write!(io::stderr(), "\r{progress}\u{1b}[K{end}");
        }
    }
}
