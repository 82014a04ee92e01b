//! Tools and MCP servers, and what is wrong with each.

use std::path::Path;

use parlor::Registry;
use serde::Serialize;

use crate::tools::ToolSettings;

/// A program or a server that is configured.
#[derive(Debug, Serialize)]
pub(super) struct ToolState {
    pub(super) name: String,
    /// `program` or `mcp-server`.
    pub(super) kind: &'static str,
    /// The command, or the server's address without secrets.
    pub(super) source: String,
    /// How many tools a server has.
    pub(super) tools: Option<usize>,
    pub(super) problem: Option<String>,
}

/// Looks at all of them; servers are started, or connected to, for a moment.
pub(super) async fn tools(
    registry: &Registry,
    config: Option<&Path>,
) -> Result<Vec<ToolState>, parlor::Problems> {
    let settings = ToolSettings::load(config, registry.env())?;
    let programs = settings.programs(registry.env());
    #[cfg_attr(not(feature = "mcp"), expect(unused_mut, reason = "servers are added"))]
    let mut found: Vec<ToolState> = programs
        .map(|(name, source, problem)| ToolState {
            name: name.to_owned(),
            kind: "program",
            source,
            tools: None,
            problem,
        })
        .collect();
    #[cfg(feature = "mcp")]
    for (name, source, tools) in crate::tools::look_at(&settings, registry.env()).await {
        let (tools, problem) = match tools {
            Ok(tools) => (Some(tools), None),
            Err(problem) => (None, Some(problem)),
        };
        found.push(ToolState {
            name,
            kind: "mcp-server",
            source,
            tools,
            problem,
        });
    }
    Ok(found)
}

impl ToolState {
    /// Told on a line: a sign, and what there is to say.
    pub(super) fn told(&self) -> (char, String) {
        let Self { name, source, .. } = self;
        match (&self.problem, self.tools) {
            (Some(problem), _) => ('✗', format!("{name} ({source}): {problem}")),
            (None, Some(1)) => ('✓', format!("{name} ({source}): 1 tool")),
            (None, Some(count)) => ('✓', format!("{name} ({source}): {count} tools")),
            (None, None) => ('✓', format!("{name} ({source})")),
        }
    }
}
