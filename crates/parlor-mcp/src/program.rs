//! A server that is a program on this machine.

use parlor_core::Secret;
use parlor_registry::KeySource;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A program that serves over its input and output.
///
/// It gets what of the environment programs need to run at all (`PATH`, `HOME`,
/// the language, folders for temporary files), and what is given here. Keys of
/// providers, proxies and all else that the environment holds stay behind.
///
/// ```
/// use parlor_mcp::Program;
///
/// let program = Program::new("npx")
///     .with_args(["-y", "@modelcontextprotocol/server-github"])
///     .with_env("LOG_LEVEL", "warn")
///     .with_env_from("GITHUB_TOKEN", parlor_registry::KeySource::Env(vec!["GITHUB_TOKEN".into()]));
/// assert!(!format!("{program:?}").contains("warn"));
/// ```
#[derive(Clone)]
pub struct Program {
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, KeySource>,
    pub(crate) folder: Option<PathBuf>,
}

impl Program {
    /// A program by its path, or its name in `PATH`. No shell is involved.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            folder: None,
        }
    }

    /// The same with these arguments after those it has.
    #[must_use]
    pub fn with_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same with an environment variable. Its value counts as a secret, and
    /// isn't shown.
    #[must_use]
    pub fn with_env(self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.with_env_from(name, KeySource::Explicit(value.into()))
    }

    /// The same with an environment variable whose value is looked up whenever
    /// the program is started. A source without one is an error then.
    #[must_use]
    pub fn with_env_from(mut self, name: impl Into<String>, source: KeySource) -> Self {
        self.env.insert(name.into(), source);
        self
    }

    /// The same in this folder; the program's own by default.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }
}

impl From<&str> for Program {
    fn from(command: &str) -> Self {
        Self::new(command)
    }
}

impl From<String> for Program {
    fn from(command: String) -> Self {
        Self::new(command)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments may carry what shouldn't be shown.
        f.debug_struct("Program")
            .field("command", &self.command)
            .field("env", &self.env)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
