//! What can be asked of the demonstration.

use clap::Args;

use super::Common;

pub(super) const EXAMPLES: &str = "\
Servers on this machine stand in for the providers and speak their protocols; what they answer is
scripted. No key is needed, nothing leaves this machine, and nothing is kept:
  parlor demo
  parlor demo --fast | head -40
  parlor demo --browser
  parlor demo --json | jq -c '.wire[].request.path'";

/// How to show it.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Don't wait between the steps
    #[arg(long)]
    pub(crate) fast: bool,
    /// A JSON object for each step, with everything that went over the wire
    #[arg(long)]
    pub(crate) json: bool,
    /// Open the page instead, with the same stand-ins for its models; nothing is kept
    #[arg(long, conflicts_with_all = ["fast", "json"])]
    pub(crate) browser: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}
