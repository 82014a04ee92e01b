//! What can be taken over from other programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::Common;

pub(super) const EXAMPLES: &str = "\
For instance:
  parlor import aichat --dry-run      say what would be taken over
  parlor import aichat --keys         its keys, too, into parlor's own file
  parlor import llm ~/old

Taken over are the default model, addresses of hosts, roles or templates, and
conversations with their titles, dates and models. What parlor has already stays
as it is, and a second time nothing comes twice. Keys are copied with --keys only,
and never printed. What can't be taken over is named. Of a proxy, litellm with its
config.yaml, they are models, routes, fallbacks, retries and the time limit.";

/// From which program, and from where.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The program
    #[arg(value_name = "PROGRAM")]
    pub(crate) from: From,
    /// Its folder, or of llm its logs.db, of litellm its config.yaml, where it isn't at the usual place
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) path: Option<PathBuf>,
    /// Say what would be taken over, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Copy its keys into parlor's file of keys
    #[arg(long)]
    pub(crate) keys: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// A program that something is taken over from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    Aichat,
    Litellm,
    Llm,
    Mods,
}
