//! What can be asked of the configuration.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::Common;
use crate::complete;

pub(super) const EXAMPLES: &str = "\
For instance:
  parlor config set default_model PROVIDER/MODEL
  parlor config set providers.mine.base_url http://localhost:8000/v1
  parlor config get providers.mine
  parlor config schema > config.schema.json

PATH is the name of a setting with its tables before it, as in `layers.retry`; a name with
dots stands in quotes. A value that is no TOML is taken as text.";

/// What to do with the configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ConfigAction>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Say which file it is
    Path,
    /// Say what is wrong in it, if anything
    Check,
    /// Open it in your editor (VISUAL, EDITOR), and check it afterwards
    Edit,
    /// Print what the file may say, as JSON Schema for editors
    Schema,
    /// Print what is set
    Get {
        /// Name of a setting or of a table
        #[arg(value_name = "PATH", add = ArgValueCompleter::new(complete::set))]
        path: String,
    },
    /// Set a value; comments stay, and nothing is written that would be wrong
    Set {
        /// Name of a setting
        #[arg(value_name = "PATH", add = ArgValueCompleter::new(complete::settable))]
        path: String,
        /// Its value, in TOML or as bare text
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
}
