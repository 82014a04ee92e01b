//! What can be asked of the conversations that are kept.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{Common, Listing};
use crate::complete;

/// Which conversations to list, or what to do with one.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only conversations where all of these words are said
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Print a conversation as Markdown
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(complete::conversations))]
    pub(crate) show: Option<String>,
    /// Remove a conversation
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "show",
        add = ArgValueCompleter::new(complete::conversations)
    )]
    pub(crate) delete: Option<String>,
    /// List them even where one could be picked
    #[arg(long)]
    pub(crate) list: bool,
    /// The most conversations to list
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}
