//! What can be asked of keys.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::{Common, Listing};
use crate::complete;

pub(super) const EXAMPLES: &str = "\
A key is typed where nobody sees it, or read from stdin; it is never an argument:
  parlor keys set PROVIDER
  pass show api-key | parlor keys set PROVIDER
The provider is asked for its models once, to see whether it takes the key (--no-verify).

A key is looked for in the environment, in the configuration (key_command, key_file), then in
the saved keys: keys.toml in the configuration's folder, which its owner alone can read.";

/// What to do with keys.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) action: Option<KeysAction>,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Save a key: from a hidden prompt, or from stdin
    Set(SetKey),
    /// List which keys there are and where; never the key
    List,
    /// Ask a provider once whether it takes the key, or each that has one
    Check(KeysOf),
    /// Remove a saved key
    Remove(KeyOf),
}

/// Whose key to save.
#[derive(Debug, Args)]
pub(crate) struct SetKey {
    /// Provider, as `parlor providers` lists it
    #[arg(value_name = "PROVIDER", add = ArgValueCompleter::new(complete::providers))]
    pub(crate) provider: String,
    /// Save it without asking the provider whether it takes it
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Taken only to be refused without being repeated.
    #[arg(hide = true)]
    pub(crate) refused: Vec<String>,
}

/// Whose keys are meant.
#[derive(Debug, Args)]
pub(crate) struct KeysOf {
    /// Provider, as `parlor providers` lists it [default: all with a key]
    #[arg(value_name = "PROVIDER", add = ArgValueCompleter::new(complete::providers))]
    pub(crate) provider: Option<String>,
}

/// Whose key is meant.
#[derive(Debug, Args)]
pub(crate) struct KeyOf {
    /// Provider, as `parlor providers` lists it
    #[arg(value_name = "PROVIDER", add = ArgValueCompleter::new(complete::providers))]
    pub(crate) provider: String,
}
