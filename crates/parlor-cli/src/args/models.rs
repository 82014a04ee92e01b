//! `parlor models`: which of them to list.

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::{Common, Listing};
use crate::complete;

/// Which models to list.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ModelsAction>,
    /// Only models whose id has all of these words
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Only models of this provider; one on your own machine is asked which it has
    #[arg(long, value_name = "PROVIDER", add = ArgValueCompleter::new(complete::providers))]
    pub(crate) provider: Option<String>,
    /// Only models that can do this (repeatable)
    #[arg(long, value_name = "ABILITY")]
    pub(crate) ability: Vec<Ability>,
    /// What the providers say which models they have, instead of the catalogue; what they
    /// said within a day is kept
    #[arg(long)]
    pub(crate) live: bool,
    /// The same, asked for anew
    #[arg(long)]
    pub(crate) refresh: bool,
    /// Models of providers without a key, and retired ones, too
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What to do with models beside listing them.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// Say which model is asked where none is named, or have this one asked from now on
    #[command(
        after_help = "For instance:\n  parlor models default\n  parlor models default PROVIDER/MODEL"
    )]
    Default {
        /// Model, as `provider/model` or a name from the configuration
        #[arg(value_name = "MODEL", add = ArgValueCompleter::new(complete::models))]
        model: Option<String>,
    },
}

impl ModelsArgs {
    /// Whether providers tell which models they have, not the catalogue.
    pub(crate) fn is_live(&self) -> bool {
        self.live || self.refresh
    }
}

/// What a model can do, by the word that lists show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ability {
    /// Takes images
    #[value(alias = "vision")]
    Sees,
    /// Takes sound
    Hears,
    /// Takes video
    Watches,
    /// Takes documents
    Reads,
    /// Calls tools
    Tools,
    /// Thinks before it answers
    #[value(alias = "reasoning")]
    Thinks,
    /// Answers in JSON by a schema
    Schema,
}
