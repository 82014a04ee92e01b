//! MCP servers: started when a tool of theirs is first wanted, and told of when they fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parlor::agent::{self, Tool as _};
use parlor::config::Limit;
use parlor::mcp::{McpClient, McpSettings, McpTool, tool_name};
use parlor::{Env, Result};
use tokio::task::JoinSet;

use super::settings::{ALL, Policy, ToolSettings};
use super::{Entry, Kit};
use crate::scrub::{command_line, without_secrets};

/// How long a call may take, unless the server's settings say otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long servers may take to end by themselves.
const END: Duration = Duration::from_secs(1);

/// The configured servers by name.
#[derive(Debug, Default)]
pub(super) struct Servers(BTreeMap<String, Server>);

#[derive(Debug)]
struct Server {
    settings: McpSettings,
    /// What of it is on: its own name for all of its tools, or `SERVER.TOOL`.
    wanted: BTreeSet<String>,
    /// Tools that were turned off one by one.
    off: BTreeSet<String>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Connected(McpClient),
    Failed(String),
}

impl Servers {
    pub(super) fn new(settings: &ToolSettings) -> Self {
        let servers = settings.servers.iter();
        let servers = servers.map(|(name, settings)| {
            let server = Server {
                settings: settings.clone(),
                wanted: BTreeSet::new(),
                off: BTreeSet::new(),
                state: State::Idle,
            };
            (name.clone(), server)
        });
        Self(servers.collect())
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.0.values().any(|server| !server.wanted.is_empty())
    }

    /// Turns a server, a tool of one, or all of them on or off. Whether there was one.
    pub(super) fn want(&mut self, name: &str, on: bool) -> bool {
        let mut found = false;
        for (own, server) in &mut self.0 {
            let whole = name == own || (name == ALL && server.settings.is_enabled());
            let is_tool = name.split_once('.').is_some_and(|(first, _)| first == own);
            if !whole && !is_tool {
                continue;
            }
            found = true;
            let name = if whole { own.as_str() } else { name };
            match (on, whole) {
                (true, _) => {
                    server.wanted.insert(name.to_owned());
                    match whole {
                        true => server.off.clear(),
                        false => drop(server.off.remove(name)),
                    }
                    // One that failed is tried again.
                    if matches!(server.state, State::Failed(_)) {
                        server.state = State::Idle;
                    }
                }
                (false, true) => server.wanted.clear(),
                (false, false) => {
                    server.wanted.remove(name);
                    server.off.insert(name.to_owned());
                }
            }
        }
        found
    }

    /// Those that are to be started.
    fn idle(&mut self) -> impl Iterator<Item = (&String, &mut Server)> {
        let servers = self.0.iter_mut();
        servers
            .filter(|(_, server)| !server.wanted.is_empty() && matches!(server.state, State::Idle))
    }
}

impl Server {
    fn has_on(&self, name: &str, shown: &str) -> bool {
        (self.wanted.contains(name) || self.wanted.contains(shown)) && !self.off.contains(shown)
    }
}

/// Where a server is, as it may be shown.
pub(crate) fn place(settings: &McpSettings) -> String {
    match (&settings.command, &settings.url) {
        (Some(command), _) => {
            let words = std::iter::once(command).chain(&settings.args);
            command_line(words.map(String::as_str))
        }
        (None, Some(url)) => without_secrets(url),
        (None, None) => "nowhere".to_owned(),
    }
}

/// Starts a server, or connects to it.
pub(crate) async fn connect(name: &str, settings: &McpSettings, env: &Env) -> Result<McpClient> {
    let mut settings = settings.clone();
    settings.call_timeout.get_or_insert(Limit::After(PATIENCE));
    let server = settings.server(name)?.with_env(env.clone());
    server.connect().await
}

impl Kit {
    /// Starts what is wanted, takes its tools, and gives what went wrong.
    pub(super) async fn connect(&mut self) -> Vec<String> {
        let mut starting = JoinSet::new();
        for (name, server) in self.servers.idle() {
            let (name, settings, env) = (name.clone(), server.settings.clone(), self.env.clone());
            starting.spawn(async move {
                let client = connect(&name, &settings, &env).await;
                (name, client)
            });
        }
        while let Some(started) = starting.join_next().await {
            let Ok((name, client)) = started else {
                continue;
            };
            if let Some(server) = self.servers.0.get_mut(&name) {
                server.state = match client {
                    Ok(client) => State::Connected(client),
                    Err(error) => State::Failed(told(&error)),
                };
            }
        }
        let mut notices = Vec::new();
        let names: Vec<String> = self.servers.0.keys().cloned().collect();
        for name in names {
            notices.extend(self.refresh(&name).await);
        }
        notices
    }

    /// Takes a server's tools as they are now.
    async fn refresh(&mut self, name: &str) -> Vec<String> {
        let Some(server) = self.servers.0.get_mut(name) else {
            return Vec::new();
        };
        let is_wanted = !server.wanted.is_empty();
        let mut notices = Vec::new();
        let mut tools = Vec::new();
        match &server.state {
            State::Connected(client) if is_wanted => match client.tools().await {
                Ok(listed) => tools = listed,
                Err(error) => server.state = State::Failed(told(&error)),
            },
            State::Connected(_) => {
                server.state = State::Idle;
            }
            _ => {}
        }
        if let State::Failed(reason) = &server.state
            && is_wanted
        {
            notices.push(format!("warning: {name} can't be used: {reason}"));
            // It is told once, and tried again when it is turned on again.
            server.wanted.clear();
        }
        let shown: BTreeSet<String> = tools.iter().map(McpTool::shown_name).collect();
        for wanted in &server.wanted {
            let is_there = wanted == name || shown.contains(wanted);
            if matches!(server.state, State::Connected(_)) && !is_there {
                notices.push(format!("warning: {name} has no tool {wanted}"));
            }
        }
        let source = format!("MCP server {name}: {}", place(&server.settings));
        let mut entries = Vec::new();
        for tool in tools {
            let shown = tool.shown_name();
            let known_as = tool_name(name, tool.remote_name());
            let is_on = server.has_on(name, &shown);
            let tables = [shown.as_str(), name];
            let table = tables
                .iter()
                .find_map(|name| self.settings.tools.get(*name)?.policy);
            let effect = tool.effect();
            let usual = match effect {
                agent::Effect::None => Policy::Allow,
                agent::Effect::Changes => Policy::Ask,
            };
            let entry = Entry {
                tool: Arc::new(tool),
                shown,
                source: source.clone(),
                effect,
                policy: table.unwrap_or(usual),
                is_configured: table.is_some(),
                is_on,
            };
            entries.push((known_as, entry));
        }
        self.entries.retain(|_, entry| entry.source != source);
        for (known_as, entry) in entries {
            self.add(known_as, entry);
        }
        notices
    }

    /// Servers that must be started before the next turn, told of.
    pub(crate) fn waiting(&mut self) -> Vec<String> {
        let idle = self.servers.idle();
        idle.map(|(name, _)| format!("starting {name}…")).collect()
    }

    /// Ends the servers that were started. One that doesn't end is left to the end of
    /// the program, which doesn't wait for it.
    pub(crate) async fn end(&mut self) {
        let mut ending = JoinSet::new();
        for server in self.servers.0.values_mut() {
            if let State::Connected(client) = std::mem::take(&mut server.state) {
                ending.spawn(async move { client.close().await });
            }
        }
        // Whether they ended or not, there is nothing more to do.
        let _ = tokio::time::timeout(END, ending.join_all()).await;
    }

    /// The servers, a line each; with their tools, if they are to be told.
    pub(crate) fn server_lines(&self, with_tools: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, server) in &self.servers.0 {
            let state = match &server.state {
                State::Connected(_) => "connected".to_owned(),
                State::Failed(reason) => format!("failed: {reason}"),
                State::Idle if !server.wanted.is_empty() => "starts with the next turn".to_owned(),
                State::Idle if !server.settings.is_enabled() => "disabled".to_owned(),
                State::Idle => "off".to_owned(),
            };
            let is_told = with_tools || !matches!(server.state, State::Connected(_));
            if is_told {
                let place = place(&server.settings);
                lines.push(format!("  {name:<28} {state}  (MCP server: {place})"));
            }
            let start = format!("{name}.");
            let tools = self.entries.values();
            let tools = tools.filter(|entry| with_tools && entry.shown.starts_with(&start));
            for entry in tools {
                let state = if entry.is_on { "on" } else { "off" };
                lines.push(format!("    {state:<3} {}", entry.shown));
            }
        }
        lines
    }
}

fn told(error: &parlor::Error) -> String {
    super::show::clear(error.message()).replace('\n', " ")
}

/// How long a server may take to say that it is there.
const LOOK: Duration = Duration::from_secs(10);

/// Whether each server can be used, and how many tools it has.
pub(crate) async fn look_at(
    settings: &ToolSettings,
    env: &Env,
) -> Vec<(String, String, std::result::Result<usize, String>)> {
    let mut looking = JoinSet::new();
    let enabled = settings.servers.iter();
    for (name, settings) in enabled.filter(|(_, settings)| settings.is_enabled()) {
        let (name, mut settings, env) = (name.clone(), settings.clone(), env.clone());
        settings.start_timeout = Some(Limit::After(LOOK));
        looking.spawn(async move {
            let place = place(&settings);
            let tools = async {
                let client = connect(&name, &settings, &env).await?;
                let tools = client.tools().await?.len();
                client.close().await;
                Ok(tools)
            };
            let tools = tools.await.map_err(|error: parlor::Error| told(&error));
            (name, place, tools)
        });
    }
    let mut found = Vec::new();
    while let Some(looked) = looking.join_next().await {
        found.extend(looked.ok());
    }
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    found
}
