//! How far a batch is: a bar on a terminal, a line every so often elsewhere.

use std::time::{Duration, Instant};

use parlor::Cost;
use parlor::agent::Progress;

use crate::converse::money;
use crate::terminal::{self, Terminal, span};

/// How often a line is told where it isn't drawn over the one before.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How often a bar is drawn that nothing changed.
const BAR_EVERY: Duration = Duration::from_millis(500);

/// The most cells of a bar.
const CELLS: usize = 30;

/// The progress of a batch.
pub(super) struct Bar {
    terminal: Terminal,
    draws: bool,
    began: Instant,
    told: Instant,
    /// Counts, earlier runs' answers included.
    pub(super) progress: Progress,
    costs: Vec<Cost>,
    is_drawn: bool,
}

impl Bar {
    /// `shares` tells that the answers go to the same terminal.
    pub(super) fn new(terminal: Terminal, shares: bool, total: usize, reused: usize) -> Self {
        let mut progress = Progress::default();
        progress.total = total;
        progress.done = reused;
        progress.reused = reused;
        Self {
            terminal,
            draws: terminal.stderr && !terminal.dumb && !shares,
            began: Instant::now(),
            told: Instant::now(),
            progress,
            costs: Vec::new(),
            is_drawn: false,
        }
    }

    /// How often it wants to be shown though nothing ended.
    pub(super) fn pace(&self) -> Duration {
        match self.draws {
            true => BAR_EVERY,
            false => LINE_EVERY,
        }
    }

    pub(super) fn spend(&mut self, cost: &Cost) {
        match self
            .costs
            .iter_mut()
            .find(|it| it.currency == cost.currency)
        {
            Some(sum) => sum.amount += cost.amount,
            None => self.costs.push(cost.clone()),
        }
    }

    /// Draws the bar, or tells a line if it is time.
    pub(super) fn show(&mut self) {
        if self.terminal.quiet {
            return;
        }
        if self.draws {
            let width = crossterm::terminal::size().map_or(80, |(width, _)| usize::from(width));
            let text = format!("{}{}", self.counts(), self.rest());
            let cells = width.saturating_sub(text.chars().count() + 2).min(CELLS);
            let ended = self.progress.done + self.progress.failed;
            let full = cells * ended.min(self.progress.total) / self.progress.total.max(1);
            let (full, empty) = ("█".repeat(full), "░".repeat(cells - full));
            let line = format!("{full}{empty} {text}");
            let line: String = line.chars().take(width.saturating_sub(1)).collect();
            terminal::complain(&format!("\r{line}\u{1b}[K"));
            self.is_drawn = true;
        } else if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            self.terminal
                .notice(format!("{}{}", self.counts(), self.rest()));
        }
    }

    /// Says something in place of the bar, which comes back below.
    pub(super) fn say(&mut self, text: &str) {
        self.wipe();
        self.terminal.notice(text);
    }

    /// Takes the bar away.
    pub(super) fn wipe(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            terminal::complain("\r\u{1b}[K");
        }
    }

    /// What came of it all, on a line.
    pub(super) fn sum(&self) -> String {
        let costs = self.costs();
        let time = span(self.began.elapsed());
        let costs = if costs.is_empty() {
            String::new()
        } else {
            format!(", {costs}")
        };
        let kept = match self.progress.reused {
            0 => String::new(),
            kept => format!(" ({kept} from before)"),
        };
        format!("{}{kept} in {time}{costs}", self.counts())
    }

    /// As `9 of 12, 1 failed`.
    fn counts(&self) -> String {
        let progress = &self.progress;
        let failed = match progress.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let there = progress.provider.map_or_else(String::new, |counts| {
            format!(" ({} of {} done there)", counts.done(), counts.total)
        });
        format!("{} of {}{failed}{there}", progress.done, progress.total)
    }

    /// As ` · 3.2/s · $0.01 · 4 s left`.
    fn rest(&self) -> String {
        let progress = &self.progress;
        let ended = (progress.done + progress.failed).saturating_sub(progress.reused);
        let seconds = self.began.elapsed().as_secs_f64();
        let mut rest = String::new();
        if ended > 0 && seconds > 0.0 && progress.provider.is_none() {
            let rate = ended as f64 / seconds;
            rest.push_str(&match rate {
                rate if rate >= 10.0 => format!(" · {rate:.0}/s"),
                rate if rate >= 1.0 => format!(" · {rate:.1}/s"),
                rate => format!(" · {:.1}/min", rate * 60.0),
            });
            let left = Duration::try_from_secs_f64(progress.left() as f64 / rate);
            if let (Ok(left), true) = (left, progress.left() > 0) {
                rest.push_str(&format!(" · {} left", span(left)));
            }
        }
        let costs = self.costs();
        if !costs.is_empty() {
            rest.push_str(&format!(" · {costs}"));
        }
        rest
    }

    fn costs(&self) -> String {
        let costs: Vec<String> = self.costs.iter().map(money).collect();
        costs.join(" + ")
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.wipe();
    }
}
