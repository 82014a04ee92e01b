//! A server's tool, as a conversation takes it.

use crate::client::Shared;
use crate::listing::Listed;
use async_trait::async_trait;
use parlor_agent::{Effect, Tool, ToolContext, ToolOutput};
use parlor_core::{Error, ErrorKind, Result, ToolDefinition};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A tool of a server.
///
/// It keeps the connection open as long as it lives. Where the server has ended,
/// a call starts it again.
#[derive(Clone)]
pub struct McpTool {
    shared: Arc<Shared>,
    listed: Listed,
}

impl McpTool {
    pub(crate) fn new(shared: Arc<Shared>, listed: &Listed) -> Self {
        Self {
            shared,
            listed: listed.clone(),
        }
    }

    /// The name that people are shown: `files.read_file`, in the server's own
    /// spelling.
    pub fn shown_name(&self) -> String {
        let tool = crate::tail::clean(&self.listed.tool);
        format!("{}.{tool}", self.shared.server().name())
    }

    /// The server's name for it.
    pub fn remote_name(&self) -> &str {
        &self.listed.tool
    }

    /// The name of its server.
    pub fn server(&self) -> &str {
        self.shared.server().name()
    }
}

#[async_trait]
impl Tool for McpTool {
    fn definition(&self) -> ToolDefinition {
        self.listed.definition.clone()
    }

    fn effect(&self) -> Effect {
        self.listed.effect
    }

    async fn call(&self, arguments: Value, _context: &ToolContext) -> Result<ToolOutput> {
        let Value::Object(arguments) = arguments else {
            let message = "the arguments are no JSON object";
            return Err(Error::new(ErrorKind::Validation, message));
        };
        self.shared.call(&self.listed.tool, arguments).await
    }
}

impl fmt::Debug for McpTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("McpTool").field(&self.shown_name()).finish()
    }
}
