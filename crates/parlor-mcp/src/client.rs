//! A connected server: its tools, its restarts, its end.

use crate::connection::Connection;
use crate::listing::LeftOut;
use crate::name::server_of;
use crate::server::McpServer;
use crate::tool::McpTool;
use parlor_agent::{Tool, ToolBox, ToolOutput};
use parlor_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A connection to a server.
///
/// Cheap to clone. The connection, and the program behind it, ends with
/// [`close`](Self::close), or once the last clone and the last of its tools are
/// dropped: the program's input is closed, it is told to end, and killed if it
/// hasn't within two seconds, with all that it has started.
#[derive(Clone)]
pub struct McpClient {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    server: McpServer,
    state: Mutex<State>,
}

struct State {
    connection: Option<Arc<Connection>>,
    /// How often it may be started again before a call is answered.
    restarts: u32,
    is_closed: bool,
}

impl McpClient {
    pub(crate) async fn start(server: McpServer) -> Result<Self> {
        let connection = Connection::start(&server).await?;
        connection.listing(&server).await?;
        let state = State {
            connection: Some(Arc::new(connection)),
            restarts: server.restarts,
            is_closed: false,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                server,
                state: Mutex::new(state),
            }),
        })
    }

    /// The server's name.
    pub fn name(&self) -> &str {
        self.shared.server.name()
    }

    /// The server's tools as they are now: where it said that they have changed,
    /// they are asked for again.
    ///
    /// # Errors
    /// Where it must be asked, or started again, and fails.
    pub async fn tools(&self) -> Result<Vec<McpTool>> {
        let connection = self.shared.connection().await?;
        let listing = connection.listing(&self.shared.server).await?;
        let tool = |listed| McpTool::new(self.shared.clone(), listed);
        Ok(listing.tools.iter().map(tool).collect())
    }

    /// Puts the server's tools into a box in place of those that it had there
    /// before, and says whether any came, went or changed. Call it before each
    /// turn of a long conversation.
    ///
    /// # Errors
    /// As [`tools`](Self::tools); the box stays as it was then.
    pub async fn register(&self, tools: &mut ToolBox) -> Result<bool> {
        let now = self.tools().await?;
        let is_mine = |name: &&str| server_of(name) == Some(self.name());
        let before: Vec<String> = tools.names().filter(is_mine).map(str::to_owned).collect();
        let mut gone: Vec<_> = before
            .iter()
            .filter_map(|name| tools.remove(name))
            .collect();
        let mut changed = gone.len() != now.len();
        for tool in now {
            let (definition, effect) = (tool.definition(), tool.effect());
            let same = gone.iter().position(|it| it.definition() == definition);
            changed |= same.is_none_or(|at| gone.swap_remove(at).effect() != effect);
            tools.register(tool);
        }
        Ok(changed)
    }

    /// The tools that the server lists and that can't be used, and why.
    ///
    /// # Errors
    /// As [`tools`](Self::tools).
    pub async fn left_out(&self) -> Result<Vec<LeftOut>> {
        let connection = self.shared.connection().await?;
        let listing = connection.listing(&self.shared.server).await?;
        Ok(listing.left_out.clone())
    }

    /// What the server says of how to use it, which may go into a system prompt
    /// of somebody who trusts it.
    ///
    /// # Errors
    /// Where it must be started again and fails.
    pub async fn instructions(&self) -> Result<Option<String>> {
        Ok(self.shared.connection().await?.instructions())
    }

    /// Ends the connection and waits for the end of the program. Tools that are
    /// called afterwards fail.
    pub async fn close(&self) {
        let mut state = self.shared.state.lock().await;
        state.is_closed = true;
        if let Some(connection) = state.connection.take() {
            connection.end().await;
        }
    }
}

impl Shared {
    pub(crate) fn server(&self) -> &McpServer {
        &self.server
    }

    /// The connection; a new one where the last is gone.
    async fn connection(&self) -> Result<Arc<Connection>> {
        let mut state = self.state.lock().await;
        let name = self.server.name();
        if state.is_closed {
            let message = format!("the connection to the MCP server `{name}` was closed");
            return Err(Error::new(ErrorKind::Connection, message).with_provider(name));
        }
        if let Some(connection) = &state.connection {
            if !connection.is_gone() {
                return Ok(connection.clone());
            }
            connection.end().await;
            state.connection = None;
        }
        if state.restarts == 0 {
            let message =
                format!("the MCP server `{name}` ended too often; it isn't started again");
            return Err(Error::new(ErrorKind::Connection, message).with_provider(name));
        }
        state.restarts -= 1;
        tracing::debug!(server = name, "starting an MCP server again");
        let connection = Arc::new(Connection::start(&self.server).await?);
        state.connection = Some(connection.clone());
        Ok(connection)
    }

    pub(crate) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<ToolOutput> {
        let connection = self.connection().await?;
        let limit = self.server.call_timeout;
        let output = connection.call(tool, arguments, limit).await?;
        self.state.lock().await.restarts = self.server.restarts;
        Ok(output)
    }
}

impl fmt::Debug for McpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpClient")
            .field("server", &self.shared.server)
            .finish_non_exhaustive()
    }
}
