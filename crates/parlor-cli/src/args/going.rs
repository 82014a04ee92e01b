//! How a conversation that is kept is gone on with.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use crate::complete;

/// What to go on with, and how.
#[derive(Debug, Args)]
pub(crate) struct GoingArgs {
    /// Go on with the last conversation, with the one of this id, or with one that you
    /// pick: `-c=pick`; the model is the one that it was held with. Twice (`-c --continue`),
    /// and without a prompt, go on with its last answer, which was cut
    #[arg(
        short = 'c',
        long = "continue",
        value_name = "ID",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        action = ArgAction::Append,
        add = ArgValueCompleter::new(complete::conversations)
    )]
    pub(crate) go_on: Vec<String>,
    /// The turns that are shown again then
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 2,
        hide_default_value = true,
        value_parser = count
    )]
    pub(crate) replay: usize,
    /// Ask the last question of the conversation again
    #[arg(long, conflicts_with_all = ["prompt", "attach", "request", "template"])]
    pub(crate) retry: bool,
    /// Try again for so long what may work later, such as 90s, 2m or 1h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) retry_for: Option<Duration>,
    /// Leave out what was said first where not all of it fits the model
    #[arg(long, value_name = "WHAT")]
    pub(crate) trim: Option<Trim>,
}

impl GoingArgs {
    /// The conversation to go on with; the last one's name is empty.
    pub(crate) fn named(&self) -> Option<&str> {
        let last = (self.retry || !self.go_on.is_empty()).then_some("");
        let mut named = self.go_on.iter().map(String::as_str);
        named.find(|named| !named.is_empty()).or(last)
    }

    /// Whether the last answer of the conversation is gone on with.
    pub(crate) fn goes_on_within(&self) -> bool {
        self.go_on.len() > 1
    }

    /// Whether the last question of the conversation is asked again.
    pub(crate) fn asks_again(&self) -> bool {
        self.retry || self.goes_on_within()
    }
}

/// What is left out of a conversation that doesn't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trim {
    /// The oldest turns
    Oldest,
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse();
    count.map_err(|_| "expected a number of turns".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split).unwrap_or((text, ""));
    let seconds = match unit {
        "s" | "" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok();
    let time = number
        .zip(seconds)
        .and_then(|(it, unit)| it.checked_mul(unit));
    time.map(Duration::from_secs)
        .ok_or_else(|| "expected a time such as 90s, 2m or 1h".to_owned())
}
