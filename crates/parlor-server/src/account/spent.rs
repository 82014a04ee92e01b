//! What a request came to, as far as it is known.

use parlor::{Cost, ErrorKind, Usage, estimate};
use parlor_store::Outcome;

use super::Asked;
use super::terms::Came;

impl Asked {
    /// Takes the larger one of each figure, beside those of the steps before.
    pub(super) fn count(&mut self, told: &Usage) {
        let (mine, before) = (&mut self.event.usage, &self.before);
        let figures = [
            (
                &mut mine.input_tokens,
                told.input_tokens,
                before.input_tokens,
            ),
            (
                &mut mine.output_tokens,
                told.output_tokens,
                before.output_tokens,
            ),
            (
                &mut mine.cached_input_tokens,
                told.cached_input_tokens,
                before.cached_input_tokens,
            ),
            (
                &mut mine.cache_write_tokens,
                told.cache_write_tokens,
                before.cache_write_tokens,
            ),
            (
                &mut mine.reasoning_tokens,
                told.reasoning_tokens,
                before.reasoning_tokens,
            ),
            (
                &mut mine.input_audio_tokens,
                told.input_audio_tokens,
                before.input_audio_tokens,
            ),
            (
                &mut mine.output_audio_tokens,
                told.output_audio_tokens,
                before.output_audio_tokens,
            ),
        ];
        for (mine, told, before) in figures {
            // What isn't known is less than nothing.
            let told = told.map(|told| told.saturating_add(before.unwrap_or(0)));
            *mine = (*mine).max(told);
        }
    }

    /// What all steps cost up to now, where that is known. A price may hold for so long a prompt only,
    /// so each step is reckoned by itself.
    pub(super) fn cost(&self) -> Option<Cost> {
        let (now, before) = (&self.event.usage, &self.before);
        let Some(spent) = &self.spent else {
            return self.price.as_ref()?.cost(now);
        };
        let step = since(now, before);
        if step.total_tokens().is_none_or(|it| it == 0) {
            return spent.clone();
        }
        let (mut sum, cost) = (spent.clone()?, self.price.as_ref()?.cost(&step)?);
        sum.amount += cost.amount;
        (sum.currency == cost.currency).then_some(sum)
    }

    /// What its limits are settled with.
    pub(super) fn came(&self) -> Came<'_> {
        let event = &self.event;
        match event.outcome {
            _ if event.is_reused || !self.was_sent => Came::Nothing,
            _ if event.usage.total_tokens().is_some() => Came::To(&event.usage),
            // It may have been worked at, and nobody stayed to hear what that took.
            Outcome::Left | Outcome::Failed(ErrorKind::Timeout(_)) => Came::Unknown,
            Outcome::Completed => Came::Unknown,
            _ => Came::Nothing,
        }
    }

    /// Says of an answer that broke off what it came to, as far as that was seen.
    pub(super) fn estimate(&mut self) {
        let usage = &mut self.event.usage;
        let received = estimate::whole(self.received);
        let is_short = usage.output_tokens.is_none_or(|told| told < received);
        if usage.input_tokens.is_none() || is_short {
            usage.input_tokens.get_or_insert(self.input);
            usage.output_tokens = usage.output_tokens.max(Some(received));
            self.event.is_estimated = true;
        }
    }
}

/// What was used between two counts.
fn since(now: &Usage, before: &Usage) -> Usage {
    let less = |now: Option<u64>, before: Option<u64>| {
        now.map(|now| now.saturating_sub(before.unwrap_or(0)))
    };
    let mut step = Usage::default();
    step.input_tokens = less(now.input_tokens, before.input_tokens);
    step.output_tokens = less(now.output_tokens, before.output_tokens);
    step.cached_input_tokens = less(now.cached_input_tokens, before.cached_input_tokens);
    step.cache_write_tokens = less(now.cache_write_tokens, before.cache_write_tokens);
    step.reasoning_tokens = less(now.reasoning_tokens, before.reasoning_tokens);
    step.input_audio_tokens = less(now.input_audio_tokens, before.input_audio_tokens);
    step.output_audio_tokens = less(now.output_audio_tokens, before.output_audio_tokens);
    step
}
