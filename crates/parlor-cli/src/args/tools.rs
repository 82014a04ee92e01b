//! What a model may call.

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::complete;

/// Tools of one question or conversation.
#[derive(Debug, Args)]
pub(crate) struct ToolArgs {
    /// Let the model call a tool: time, calculator, read_file, fetch_url, one of the
    /// configuration, an MCP server, SERVER.TOOL, or `all` (repeatable)
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(complete::tools))]
    pub(crate) tool: Vec<String>,
    /// The same, and let it run without asking (repeatable)
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(complete::tools))]
    pub(crate) allow: Vec<String>,
    /// No tools, whatever the configuration turns on
    #[arg(long, conflicts_with_all = ["tool", "allow"])]
    pub(crate) no_tools: bool,
    /// How often the model may be asked in a turn with tools; 16 by default
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_steps: Option<u32>,
}
