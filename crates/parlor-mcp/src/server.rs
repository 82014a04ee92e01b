//! A server as it is set up: where it is, how long to wait, whom to trust.

use crate::address::Address;
use crate::client::McpClient;
use crate::error::wrong;
use crate::name;
use crate::program::Program;
use parlor_agent::Effect;
use parlor_core::{Result, Secret};
use parlor_registry::{Env, KeySource};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which tools of a server run without somebody being asked.
///
/// A tool says of itself that it only reads (`readOnlyHint`), but nothing holds
/// the server to it. [`McpServer::with_read_only`] names tools one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trust {
    /// None of them.
    #[default]
    Nothing,
    /// Those that say that they only read.
    Hints,
    /// All of them.
    Everything,
}

/// Where a server is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Program(Program),
    Address(Address),
}

/// A server that is to be connected to.
#[derive(Debug, Clone)]
pub struct McpServer {
    name: String,
    pub(crate) place: Place,
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) restarts: u32,
    allowed: Option<Vec<String>>,
    denied: Vec<String>,
    read_only: Vec<String>,
    trust: Trust,
    env: Env,
}

impl McpServer {
    /// A program that serves over its input and output. The name stands before
    /// those of its tools: letters, digits, `-` and `_`, at most 32.
    pub fn stdio(name: impl Into<String>, program: impl Into<Program>) -> Self {
        Self::new(name.into(), Place::Program(program.into()))
    }

    /// A server at an address, over streamable HTTP.
    pub fn http(name: impl Into<String>, address: impl Into<Address>) -> Self {
        Self::new(name.into(), Place::Address(address.into()))
    }

    fn new(name: String, place: Place) -> Self {
        Self {
            name,
            place,
            start_timeout: Some(Duration::from_secs(60)),
            call_timeout: None,
            restarts: 3,
            allowed: None,
            denied: Vec::new(),
            read_only: Vec::new(),
            trust: Trust::default(),
            env: Env::process(),
        }
    }

    /// The same with another limit for starting and listing the tools; `None` is
    /// no limit. A minute by default, since `npx` and `uvx` may have to fetch
    /// the program first.
    #[must_use]
    pub fn with_start_timeout(mut self, limit: Option<Duration>) -> Self {
        self.start_timeout = limit;
        self
    }

    /// The same with a limit for each call. None by default: a conversation has
    /// its own ([`Limits::tool_time`](parlor_agent::Limits::tool_time)). The
    /// server is told that a call is given up. A message of over 16 MiB is
    /// passed over, so that the call for it ends only by a limit.
    #[must_use]
    pub fn with_call_timeout(mut self, limit: Option<Duration>) -> Self {
        self.call_timeout = limit;
        self
    }

    /// The same that is started again so many times after it ended, each time by
    /// the next call; 3 by default. A call that was answered sets the count back.
    /// The call during which it ended isn't made again: it may have done its work.
    #[must_use]
    pub fn with_restarts(mut self, restarts: u32) -> Self {
        self.restarts = restarts;
        self
    }

    /// The same with these tools alone, by the server's names for them; a `*` at
    /// the end stands for any rest.
    #[must_use]
    pub fn with_allowed<S: Into<String>>(mut self, tools: impl IntoIterator<Item = S>) -> Self {
        let tools = tools.into_iter().map(Into::into);
        self.allowed.get_or_insert_default().extend(tools);
        self
    }

    /// The same without these tools; wins over [`with_allowed`](Self::with_allowed).
    #[must_use]
    pub fn with_denied<S: Into<String>>(mut self, tools: impl IntoIterator<Item = S>) -> Self {
        self.denied.extend(tools.into_iter().map(Into::into));
        self
    }

    /// The same with tools that the caller knows to change nothing: they run
    /// without somebody being asked.
    #[must_use]
    pub fn with_read_only<S: Into<String>>(mut self, tools: impl IntoIterator<Item = S>) -> Self {
        self.read_only.extend(tools.into_iter().map(Into::into));
        self
    }

    /// The same that is trusted so far.
    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// The same that looks its values up in this environment; the process's by
    /// default. It isn't what a program gets.
    #[must_use]
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts it or connects to it, and lists its tools.
    ///
    /// It must run within a tokio runtime with time and I/O, and the client lives
    /// no longer than that.
    ///
    /// # Errors
    /// [`Configuration`](parlor_core::ErrorKind::Configuration) for a name, a
    /// program, an address or a variable that won't do;
    /// [`Authentication`](parlor_core::ErrorKind::Authentication) where a token is
    /// missing or refused; [`Timeout`](parlor_core::ErrorKind::Timeout),
    /// [`Connection`](parlor_core::ErrorKind::Connection) and the like where it
    /// doesn't answer, with the last lines of the program's error output.
    pub async fn connect(self) -> Result<McpClient> {
        name::check(&self.name)
            .map_err(|reason| wrong(format!("the MCP server's name `{}` {reason}", self.name)))?;
        McpClient::start(self).await
    }

    /// Whether the tool may be used at all.
    pub(crate) fn allows(&self, tool: &str) -> bool {
        let allowed = self.allowed.as_ref();
        allowed.is_none_or(|allowed| is_named(allowed, tool)) && !is_named(&self.denied, tool)
    }

    /// Whether somebody is asked before the tool runs.
    pub(crate) fn effect(&self, tool: &str, hints: Option<&Value>) -> Effect {
        let hint = |name| hints.and_then(|it| it.get(name)).and_then(Value::as_bool);
        let says_so = hint("readOnlyHint") == Some(true) && hint("destructiveHint") != Some(true);
        let runs = is_named(&self.read_only, tool)
            || match self.trust {
                Trust::Nothing => false,
                Trust::Hints => says_so,
                Trust::Everything => true,
            };
        match runs {
            true => Effect::None,
            false => Effect::Changes,
        }
    }

    /// The values that sources give now. Looks at files and runs programs.
    pub(crate) fn look_up(&self) -> Result<Values> {
        let (named, what, token) = match &self.place {
            Place::Program(program) => (&program.env, "the variable", None),
            Place::Address(address) => (&address.headers, "the header", address.token.as_ref()),
        };
        let find = |what: &str, source: &KeySource| match source {
            // It may be empty on purpose.
            KeySource::Explicit(secret) => Ok(secret.clone()),
            _ => match source.find(&self.name, &self.env)? {
                Some(key) => Ok(key.secret),
                None => Err(wrong(format!(
                    "the MCP server `{}`: no value for {what}: nothing in {}",
                    self.name,
                    source.describe()
                ))),
            },
        };
        let mut values = Values {
            token: token.map(|source| find("the token", source)).transpose()?,
            ..Values::default()
        };
        for (name, source) in named {
            let value = find(&format!("{what} `{name}`"), source)?;
            values.named.insert(name.clone(), value);
        }
        Ok(values)
    }
}

/// What sources gave: variables of a program, or headers and the token.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pub(crate) named: BTreeMap<String, Secret>,
    pub(crate) token: Option<Secret>,
}

/// Whether a list names the tool.
fn is_named(list: &[String], tool: &str) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(beginning) => tool.starts_with(beginning),
        None => entry == tool,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_that_a_server_says_is_trusted_unless_asked_for() {
        let reads = json!({"readOnlyHint": true});
        let odd = json!({"readOnlyHint": true, "destructiveHint": true});
        let server = McpServer::stdio("x", "x").with_read_only(["list_*"]);
        assert_eq!(server.effect("get", Some(&reads)), Effect::Changes);
        assert_eq!(server.effect("list_all", None), Effect::None);
        let server = server.with_trust(Trust::Hints);
        assert_eq!(server.effect("get", Some(&reads)), Effect::None);
        assert_eq!(server.effect("get", Some(&odd)), Effect::Changes);
        assert_eq!(server.effect("get", None), Effect::Changes);
        let server = server.with_trust(Trust::Everything);
        assert_eq!(server.effect("get", None), Effect::None);
    }

    #[test]
    fn lists_choose_tools() {
        let server = McpServer::stdio("x", "x");
        assert!(server.allows("get"));
        let server = server
            .with_allowed(["get", "list_*"])
            .with_denied(["list_keys"]);
        assert!(server.allows("get") && server.allows("list_"));
        assert!(!server.allows("set") && !server.allows("list_keys"));
    }
}
