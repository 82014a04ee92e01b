//! How a conversation that is kept is gone on with.

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::complete;

/// What to go on with, and how.
#[derive(Debug, Args)]
pub(crate) struct GoingArgs {
    /// Go on with the last conversation, with the one of this id, or with one
    /// that you pick: `-c=pick`
    #[arg(
        short = 'c',
        long = "continue",
        value_name = "ID",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        add = ArgValueCompleter::new(complete::conversations)
    )]
    pub(crate) go_on: Option<String>,
    /// The turns that are shown again then
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 2,
        hide_default_value = true
    )]
    pub(crate) replay: usize,
}
