//! What a person configures of tools: `[tools]` and `[mcp]`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use parlor::config::{Limit, one_or_many};
use parlor::{Env, Problems};
use parlor_registry::{Findings, told};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::builtin::built_in;
use crate::setup;

/// Keys of `[tools]` that are settings; all others are tools.
const ON: &str = "on";
const MAX_STEPS: &str = "max_steps";

/// The word for all tools.
pub(crate) const ALL: &str = "all";

/// What is done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Policy {
    /// It runs.
    Allow,
    /// A person is asked.
    Ask,
    /// It doesn't run.
    Deny,
}

impl Policy {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// Whether a program changes anything in the world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    Read,
    #[default]
    Write,
}

/// Where the JSON Schema of a program's arguments is.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Parameters {
    File(PathBuf),
    Schema(serde_json::Map<String, Value>),
}

/// `[tools.NAME]`: a program by `command`; without, settings of the built-in
/// tool, the MCP server or the server's tool of this name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ToolTable {
    /// The program and its arguments. No shell is involved.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) command: Vec<String>,
    /// What the model is told of it.
    pub(crate) description: Option<String>,
    /// The JSON Schema of its arguments, or the file that has it; none takes none.
    pub(crate) parameters: Option<Parameters>,
    pub(crate) effect: Option<Effect>,
    /// How long a call may take.
    pub(crate) timeout: Option<Limit>,
    pub(crate) policy: Option<Policy>,
    /// Variables that the program gets beside what all need.
    pub(crate) env: Vec<String>,
    /// The folder that it runs in.
    pub(crate) cwd: Option<PathBuf>,
    /// Of `fetch_url`: addresses that it may connect to though they aren't public.
    pub(crate) addresses: Vec<IpAddr>,
    /// Of `fetch_url`: whether it may connect to any port.
    pub(crate) any_port: bool,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolSettings {
    /// What is on unless the command line says otherwise.
    pub(crate) on: Vec<String>,
    pub(crate) max_steps: Option<u32>,
    pub(crate) tools: BTreeMap<String, ToolTable>,
    pub(crate) servers: BTreeMap<String, Server>,
    /// The configuration's folder, where relative paths begin.
    pub(crate) folder: PathBuf,
}

/// What is configured of a server. A build without the feature knows its name only.
#[cfg(feature = "mcp")]
pub(crate) type Server = parlor::mcp::McpSettings;
#[cfg(not(feature = "mcp"))]
pub(crate) type Server = serde::de::IgnoredAny;

impl ToolSettings {
    /// What is configured in this file, or in the usual one. A file that isn't
    /// there configures nothing; whether it must be there is told elsewhere.
    pub(crate) fn load(config: Option<&Path>, env: &Env) -> Result<Self, Problems> {
        match setup::configuration_text(config, env) {
            Some((file, text)) => Self::read(&text, &file),
            None => Ok(Self::default()),
        }
    }

    /// What is configured in the text of this file.
    pub(crate) fn read(text: &str, file: &Path) -> Result<Self, Problems> {
        let mut settings = Self {
            folder: file.parent().unwrap_or(Path::new("")).to_owned(),
            ..Self::default()
        };
        // Most configurations have none of it, and are read once.
        if !["tools", "mcp"].iter().any(|table| text.contains(table)) {
            return Ok(settings);
        }
        let whole: toml::Table =
            parlor_registry::read_toml(text).map_err(|wrong| wrong.in_file(file))?;
        let mut findings = Findings::in_toml(text);
        for (name, value) in tables(&whole, "tools", &mut findings) {
            let place = ["tools", name.as_str()];
            let read = match name.as_str() {
                ON => one_or_many(value.clone()).map(|on| settings.on = on),
                MAX_STEPS => match u32::deserialize(value.clone()) {
                    Ok(0) => {
                        findings.add(&place, "must be at least 1");
                        continue;
                    }
                    steps => steps.map(|steps| settings.max_steps = Some(steps)),
                },
                _ => ToolTable::deserialize(value.clone()).map(|table| {
                    settings.tools.insert(name.clone(), table);
                }),
            };
            if let Err(error) = read {
                findings.add(&place, told(error.message()));
            }
        }
        for (name, value) in tables(&whole, "mcp", &mut findings) {
            match Server::deserialize(value.clone()) {
                Ok(server) => {
                    settings.servers.insert(name.clone(), server);
                }
                Err(error) => findings.add(&["mcp", name], told(error.message())),
            }
        }
        settings.judge(&mut findings);
        match findings.finish() {
            Ok(()) => Ok(settings),
            Err(wrong) => Err(wrong.in_file(file)),
        }
    }

    /// What is wrong with values that each are of the right type.
    fn judge(&self, findings: &mut Findings<'_>) {
        for (name, table) in &self.tools {
            let place = ["tools", name.as_str()];
            let of_server = name.split('.').next().unwrap_or(name);
            let is_known = built_in(name).is_some() || self.servers.contains_key(of_server);
            let of_program = table.description.is_some()
                || table.parameters.is_some()
                || table.effect.is_some()
                || !table.env.is_empty()
                || table.cwd.is_some();
            let of_fetcher = !table.addresses.is_empty() || table.any_port;
            let wrong = match table.command.first().map(String::as_str) {
                Some(_) if is_known || name == ALL => "the name is taken: give the program another",
                Some(_) if !is_name(name) => {
                    "a program's name must have 1 to 64 letters, digits, `-` and `_`, without `__`"
                }
                Some("") => "`command` names no program",
                Some(_) if table.description.is_none() => {
                    "needs a `description`, by which the model knows when to call it"
                }
                None if !is_known => {
                    "needs a `command`, or the name of a built-in tool or an MCP server"
                }
                None if of_program => {
                    "`description`, `parameters`, `effect`, `env` and `cwd` are for tools with `command`"
                }
                _ if of_fetcher && name != "fetch_url" => {
                    "`addresses` and `any_port` are for `fetch_url`"
                }
                _ => continue,
            };
            findings.add(&place, wrong);
        }
        for name in self.on.iter().filter(|name| !self.knows(name)) {
            findings.add(&["tools", ON], format!("there is no tool `{name}`"));
        }
        #[cfg(feature = "mcp")]
        for (name, server) in &self.servers {
            if built_in(name).is_some() || name == ALL {
                findings.add(&["mcp", name], "the name is taken: give the server another");
            }
            if let Err(error) = server.server(name) {
                findings.add(&["mcp", name], error.message());
            }
        }
    }

    /// Whether something may be called so: a server's tools are known once it is
    /// connected.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let server = name.split('.').next().unwrap_or(name);
        let is_program = |table: &ToolTable| !table.command.is_empty();
        name == ALL
            || built_in(name).is_some()
            || self.servers.contains_key(server)
            || self.tools.get(name).is_some_and(is_program)
    }

    /// All names, for help.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let built_in = super::builtin::BUILT_IN.iter().map(|it| it.name);
        let programs = self.tools.iter().filter(|(_, it)| !it.command.is_empty());
        let programs = programs.map(|(name, _)| name.as_str());
        built_in
            .chain(programs)
            .chain(self.servers.keys().map(String::as_str))
    }

    /// What a tool of this name is, in a few words.
    pub(crate) fn about(&self, name: &str) -> String {
        let table = self.tools.get(name);
        let description = table.and_then(|table| table.description.clone());
        match description {
            Some(description) => description,
            None if built_in(name).is_some() => "built-in".to_owned(),
            None if self.servers.contains_key(name) => "MCP server".to_owned(),
            None => "all tools".to_owned(),
        }
    }

    /// A path of the configuration: from its folder on, `~/` from home.
    pub(crate) fn path(&self, path: &Path, env: &Env) -> PathBuf {
        match path.strip_prefix("~") {
            Ok(rest) => env
                .first(&["HOME", "USERPROFILE"])
                .map(|(_, home)| home)
                .map_or_else(|| path.to_owned(), |home| Path::new(&home).join(rest)),
            Err(_) => self.folder.join(path),
        }
    }
}

/// The entries of a table at the top, if it is one.
fn tables<'a>(
    whole: &'a toml::Table,
    name: &str,
    findings: &mut Findings<'_>,
) -> impl Iterator<Item = (&'a String, &'a toml::Value)> + use<'a> {
    let table = whole.get(name);
    if table.is_some_and(|it| !it.is_table()) {
        findings.add(&[name], "must be a table");
    }
    table.and_then(toml::Value::as_table).into_iter().flatten()
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.contains("__")
}
