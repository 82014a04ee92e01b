//! What became of the cases that a suite played.

use std::fmt;

use super::{Fault, Mode, Wire};

/// What became of the cases of one dialect. [`Display`](fmt::Display) shows the count by number,
/// then each difference.
#[derive(Debug)]
#[non_exhaustive]
pub struct FaultReport {
    /// The dialect.
    pub wire: Wire,
    /// The cases in the table's order, each in both modes.
    pub rows: Vec<FaultRow>,
}

/// What became of one case in one mode.
#[derive(Debug)]
#[non_exhaustive]
pub struct FaultRow {
    /// The case.
    pub fault: &'static Fault,
    /// What was asked for.
    pub mode: Mode,
    /// What became of it.
    pub outcome: FaultOutcome,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultOutcome {
    /// The client did what is right.
    Passed,
    /// The case can't occur there, for this reason.
    Absent(&'static str),
    /// What the client did otherwise.
    Failed(Vec<String>),
}

impl FaultReport {
    /// The rows in which the client did something wrong.
    pub fn failures(&self) -> impl Iterator<Item = &FaultRow> {
        let failed = |row: &&FaultRow| matches!(row.outcome, FaultOutcome::Failed(_));
        self.rows.iter().filter(failed)
    }

    /// For each number of a kind of fault: how many rows passed, and how many failed.
    pub fn counts(&self) -> Vec<(u8, usize, usize)> {
        let mut counts: Vec<(u8, usize, usize)> = Vec::new();
        for row in &self.rows {
            let number = row.fault.number;
            if counts.last().is_none_or(|it| it.0 != number) {
                counts.push((number, 0, 0));
            }
            if let Some(count) = counts.last_mut() {
                count.1 += usize::from(row.outcome == FaultOutcome::Passed);
                count.2 += usize::from(matches!(row.outcome, FaultOutcome::Failed(_)));
            }
        }
        counts
    }

    /// # Panics
    /// With the report, where any case failed.
    pub fn assert(&self) {
        assert!(self.failures().next().is_none(), "{self}");
    }
}

impl fmt::Display for FaultReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        let passed: usize = counts.iter().map(|it| it.1).sum();
        let failed: usize = counts.iter().map(|it| it.2).sum();
        let name = self.wire.name();
        writeln!(f, "{name}: {passed} passed, {failed} failed")?;
        for (number, passed, failed) in counts.iter().filter(|it| it.2 > 0) {
            writeln!(f, "{number:>4}: {passed} passed, {failed} failed")?;
        }
        for row in self.failures() {
            let FaultOutcome::Failed(wrong) = &row.outcome else {
                continue;
            };
            let fault = row.fault;
            let mode = row.mode;
            writeln!(
                f,
                "{:>4} {} ({mode:?}): {}",
                fault.number, fault.name, fault.what
            )?;
            for line in wrong {
                writeln!(f, "       {line}")?;
            }
        }
        Ok(())
    }
}
