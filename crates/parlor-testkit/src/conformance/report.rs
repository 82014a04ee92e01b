//! What became of the cases.

use std::fmt;
use std::time::Duration;

/// What became of the cases. [`Display`](fmt::Display) shows each that was skipped or failed, with
/// its reason.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConformanceReport {
    /// The model that was under test.
    pub model: String,
    /// The cases, in the order in which they ran.
    pub cases: Vec<CaseReport>,
}

/// What became of one case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CaseReport {
    /// The case's name.
    pub name: &'static str,
    /// What it checks.
    pub about: &'static str,
    /// What became of it.
    pub outcome: CaseOutcome,
    /// How long it took.
    pub took: Duration,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseOutcome {
    /// All is as it should be.
    Passed,
    /// It couldn't be tried, for this reason.
    Skipped(String),
    /// What is not as it should be.
    Failed(String),
}

impl ConformanceReport {
    /// The names of the cases that passed.
    pub fn passed(&self) -> Vec<&'static str> {
        self.names(|outcome| *outcome == CaseOutcome::Passed)
    }

    /// The names of the cases that were skipped.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, CaseOutcome::Skipped(_)))
    }

    /// The names of the cases that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, CaseOutcome::Failed(_)))
    }

    /// # Panics
    /// With the report, where any case failed or none passed.
    pub fn assert(&self) {
        assert!(
            self.failed().is_empty() && !self.passed().is_empty(),
            "{self}"
        );
    }

    fn names(&self, which: impl Fn(&CaseOutcome) -> bool) -> Vec<&'static str> {
        let chosen = self.cases.iter().filter(|case| which(&case.outcome));
        chosen.map(|case| case.name).collect()
    }
}

impl fmt::Display for ConformanceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, skipped) = (self.passed().len(), self.skipped().len());
        let failed = self.failed().len();
        let model = &self.model;
        writeln!(
            f,
            "{model}: {passed} passed, {skipped} skipped, {failed} failed"
        )?;
        for case in &self.cases {
            let (name, about) = (case.name, case.about);
            match &case.outcome {
                CaseOutcome::Passed => {}
                CaseOutcome::Skipped(why) => writeln!(f, "  skipped {name} ({about}): {why}")?,
                CaseOutcome::Failed(why) => writeln!(f, "  FAILED {name} ({about}): {why}")?,
            }
        }
        Ok(())
    }
}
