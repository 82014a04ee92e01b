//! A conversation made shorter on purpose: a summary is sent in place of its older turns.

use super::Conversation;
use crate::stats::Ended;
use crate::window::{Summed, summarise};
use parlor_core::Result;

/// How long a text is taken to fit a model whose window isn't known, in tokens.
const USUAL_WINDOW: u64 = 32_768;

impl Conversation {
    /// Has the model sum up all turns but the last `keep`, and sends the summary
    /// in their place from now on. The history keeps every turn; taking one back
    /// that the summary is of takes the summary back too.
    ///
    /// It answers with how many more turns are summed up than before; none where
    /// there are no more.
    ///
    /// # Errors
    /// What the model failed with; then, and when the future is dropped, everything
    /// is as it was.
    pub async fn compact(&mut self, keep: usize) -> Result<usize> {
        let turns = self.history().turns();
        let until = turns.len().saturating_sub(keep);
        let before = self.history().summary().cloned();
        let was = before.as_ref().map_or(0, |summary| summary.turns);
        let mut summary = before;
        let mut covered = was;
        let model = self.model().clone();
        let limit = model.info().context_window.unwrap_or(USUAL_WINDOW);
        while covered < until {
            let left = turns.get(covered..until).unwrap_or_default();
            let mut watch = self.statistics().begin(&*model);
            let made = summarise(&model, summary.as_ref(), left, limit).await;
            match made {
                Ok(Summed {
                    summary: made,
                    response,
                }) => {
                    watch.answer(&response);
                    watch.end(Ended::Completed);
                    covered = made.turns;
                    summary = Some(made);
                }
                Err(error) => {
                    watch.end(Ended::Failed(error.kind()));
                    return Err(error);
                }
            }
        }
        if let Some(mut summary) = summary {
            summary.replaces = true;
            self.history_mut().set_summary(summary);
        }
        Ok(covered - was)
    }
}
