//! Servers as a person configures them: `[mcp.NAME]` in TOML.

use crate::address::Address;
use crate::error::wrong;
use crate::name;
use crate::program::Program;
use crate::server::{McpServer, Trust};
use parlor_core::{Result, Secret};
use parlor_registry::KeySource;
use parlor_registry::config::Limit;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What begins the name of a variable in place of a value.
const FROM_ENV: &str = "env:";

/// What is configured of one server: a program by `command`, or an address by `url`.
///
/// A value of `env`, of `headers` and of `token` that is written `env:NAME` is
/// that of the variable, looked up at each start. A key that isn't known is an
/// error, and values are never repeated in one.
///
/// ```
/// use parlor_mcp::McpSettings;
/// use std::collections::BTreeMap;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     mcp: BTreeMap<String, McpSettings>,
/// }
///
/// let settings: Settings = toml::from_str(r#"
///     [mcp.github]
///     command = "npx"
///     args = ["-y", "@modelcontextprotocol/server-github"]
///     env = { GITHUB_TOKEN = "env:GITHUB_TOKEN" }
///     read_only = ["get_*", "list_*", "search_*"]
///
///     [mcp.docs]
///     url = "https://mcp.example.com/mcp"
///     token = "env:DOCS_TOKEN"
///     trust = "hints"
///     call_timeout = "30s"
/// "#)?;
/// for (name, settings) in &settings.mcp {
///     let server = settings.server(name)?;
///     assert_eq!(server.name(), name);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct McpSettings {
    /// Whether it is used; the default is yes. It is the program's to ask.
    pub enabled: Option<bool>,
    /// The program, by its path or its name in `PATH`. No shell is involved.
    pub command: Option<String>,
    /// The program's arguments.
    pub args: Vec<String>,
    /// What the program gets of the environment beside what all need.
    pub env: BTreeMap<String, SecretValue>,
    /// The folder that the program runs in.
    pub cwd: Option<PathBuf>,
    /// The whole address, with `http` or `https`.
    pub url: Option<String>,
    /// Headers sent with every request.
    pub headers: BTreeMap<String, SecretValue>,
    /// The token, sent as `Authorization: Bearer`.
    pub token: Option<SecretValue>,
    /// A program and its arguments; it prints the token. No shell is involved.
    pub token_command: Vec<String>,
    /// A file that holds nothing but the token. A leading `~/` is the home folder.
    pub token_file: Option<PathBuf>,
    /// The tools to use, all of them by default; a `*` at the end stands for any rest.
    pub allow: Option<Vec<String>>,
    /// The tools not to use.
    pub deny: Vec<String>,
    /// Tools that run without asking, being known to change nothing.
    pub read_only: Vec<String>,
    /// Which tools run without asking: `nothing`, `hints` or `everything`.
    pub trust: Trust,
    /// Until it has started and listed its tools; a minute by default.
    pub start_timeout: Option<Limit>,
    /// For each call; none by default.
    pub call_timeout: Option<Limit>,
    /// How often it is started again in a row; 3 by default.
    pub restarts: Option<u32>,
}

impl McpSettings {
    /// Whether the server is to be used.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// The server that is configured under this name.
    ///
    /// # Errors
    /// [`Configuration`](parlor_core::ErrorKind::Configuration) for settings that
    /// contradict each other, and for a name that can't stand before those of
    /// tools.
    pub fn server(&self, name: &str) -> Result<McpServer> {
        let fault = |text: &str| Err(wrong(format!("[mcp.{name}]: {text}")));
        if let Err(reason) = name::check(name) {
            return fault(&format!("the name {reason}"));
        }
        let is_token = [
            self.token.is_some(),
            !self.token_command.is_empty(),
            self.token_file.is_some(),
        ];
        let tokens = is_token.iter().filter(|given| **given).count();
        let of_program = !self.args.is_empty() || !self.env.is_empty() || self.cwd.is_some();
        let mut server = match (&self.command, &self.url) {
            (Some(_), Some(_)) => return fault("`command` and `url` contradict each other"),
            (None, None) => return fault("needs `command` or `url`"),
            (Some(_), None) if !self.headers.is_empty() || tokens > 0 => {
                return fault("headers and tokens are for servers with `url`; use `env`");
            }
            (Some(command), None) if command.trim().is_empty() => {
                return fault("`command` names no program");
            }
            (Some(command), None) => McpServer::stdio(name, self.program(command)),
            (None, Some(_)) if of_program => {
                return fault("`args`, `env` and `cwd` are for servers with `command`");
            }
            (None, Some(_)) if tokens > 1 => {
                return fault("`token`, `token_command` and `token_file` contradict each other");
            }
            (None, Some(url)) => {
                let address = self.address(url);
                match address.shown() {
                    Ok(_) => McpServer::http(name, address),
                    Err(error) => return fault(&format!("`url`: {}", error.message())),
                }
            }
        };
        if let Some(allowed) = &self.allow {
            server = server.with_allowed(allowed);
        }
        if let Some(limit) = self.start_timeout {
            server = server.with_start_timeout(limit.duration());
        }
        if let Some(limit) = self.call_timeout {
            server = server.with_call_timeout(limit.duration());
        }
        if let Some(restarts) = self.restarts {
            server = server.with_restarts(restarts);
        }
        let server = server.with_denied(&self.deny);
        Ok(server
            .with_read_only(&self.read_only)
            .with_trust(self.trust))
    }

    fn program(&self, command: &str) -> Program {
        let mut program = Program::new(command).with_args(&self.args);
        program.folder.clone_from(&self.cwd);
        for (name, value) in &self.env {
            program = program.with_env_from(name, value.0.clone());
        }
        program
    }

    fn address(&self, url: &str) -> Address {
        let mut address = Address::new(url);
        for (name, value) in &self.headers {
            address = address.with_header_from(name, value.0.clone());
        }
        let command = (!self.token_command.is_empty())
            .then(|| KeySource::Command(self.token_command.clone()));
        let file = self.token_file.clone().map(KeySource::File);
        let token = self.token.as_ref().map(|value| value.0.clone());
        match token.or(command).or(file) {
            Some(source) => address.with_token_from(source),
            None => address,
        }
    }
}

/// A value that may be secret: itself, or `env:NAME`.
#[derive(Debug, Clone)]
pub struct SecretValue(KeySource);

impl SecretValue {
    /// Where the value comes from.
    pub fn source(&self) -> &KeySource {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = SecretValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            // A number may be a secret that somebody forgot the quotes of.
            fn visit_i64<E: Error>(self, _number: i64) -> Result<SecretValue, E> {
                Err(E::invalid_type(Unexpected::Other("number"), &self))
            }
            fn visit_f64<E: Error>(self, _number: f64) -> Result<SecretValue, E> {
                Err(E::invalid_type(Unexpected::Other("number"), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<SecretValue, E> {
                Ok(SecretValue(
                    match text.strip_prefix(FROM_ENV).map(str::trim) {
                        Some("") => return Err(E::custom("`env:` names no variable")),
                        Some(name) => KeySource::Env(vec![name.to_owned()]),
                        None => KeySource::Explicit(Secret::new(text)),
                    },
                ))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}
