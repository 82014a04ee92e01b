//! How a command prints a list.

use clap::{Args, ValueEnum};

/// The form of a list; the options stand after the words of an action, too.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// What to print: text, or JSON
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        hide_default_value = true,
        global = true
    )]
    output: ListForm,
    /// Short for `--output json`
    #[arg(long, conflicts_with = "output", global = true)]
    json: bool,
}

/// What to print of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListForm {
    Text,
    Json,
}

impl Listing {
    pub(crate) fn form(&self) -> ListForm {
        match self.json {
            true => ListForm::Json,
            false => self.output,
        }
    }
}
