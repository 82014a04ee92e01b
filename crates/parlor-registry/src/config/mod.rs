//! The configuration: provider instances, model mapping, routes and layer settings, as typed data.
//!
//! It is written in TOML; the JSON mapping `{"models": [{"id", "name", "type",
//! "envKey", …}]}` is read too. Any host that speaks the most common chat dialect is
//! three lines:
//!
//! ```
//! let config = parlor_registry::Config::from_toml(r#"
//!     [providers.mine]
//!     base_url = "http://localhost:8000/v1"
//!     api_key_env = "MINE_KEY"
//! "#)?;
//! assert!(config.providers.contains_key("mine"));
//! # Ok::<(), parlor_registry::Problems>(())
//! ```

mod layers;
mod mapping;
mod models;
mod provider;
mod scalar;
mod validate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parlor_core::{Error, ErrorKind};
use serde::Deserialize;
use toml::de::DeTable;

pub use layers::{LayerSettings, RetrySettings};
pub(crate) use models::complete;
pub use models::{ModelSettings, Parameters, Route, RouteTarget, Strategy};
pub use provider::{ProviderSettings, secret};
pub use scalar::{Limit, Timeouts, one_or_many};
pub use validate::{is_variable, wrong_address};

use crate::problem::{Problems, from_json_error, from_toml_error};

/// What a person has configured. All of it is optional; an empty configuration
/// leaves every provider at its defaults, with keys from the environment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// The model to use when none is named: `provider/model` or a name from `models`.
    pub default_model: Option<String>,
    /// A catalogue file laid over the built-in catalogue, in TOML or JSON.
    /// A relative path starts at the configuration's folder.
    pub catalogue: Option<PathBuf>,
    /// Provider instances by name. An instance named as a known provider
    /// configures that provider; any other is a host of its own.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Own names for models, each with its target and default parameters.
    pub models: BTreeMap<String, ModelSettings>,
    /// Fallback chains and weighted groups of models, by name.
    pub routes: BTreeMap<String, Route>,
    /// Settings for the layers around every model.
    pub layers: LayerSettings,
    /// Configurations by name, one of which may be laid over the rest: see
    /// [`with_profile`](Self::with_profile).
    pub profiles: BTreeMap<String, Config>,
    /// Keys of a JSON mapping that were passed over, each said once.
    #[serde(skip)]
    pub ignored: Vec<String>,
}

impl Config {
    /// Reads TOML.
    ///
    /// # Errors
    /// Everything found wrong, each with line and column and what was expected.
    /// A key that isn't known is an error. Values are never repeated in a
    /// message where they might be secret.
    pub fn from_toml(text: &str) -> Result<Self, Problems> {
        Self::from_toml_beside(text, &[])
    }

    /// Reads TOML that also holds top-level tables of others, such as a
    /// program's own settings; the tables named are left to their owners.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml).
    pub fn from_toml_beside(text: &str, others: &[&str]) -> Result<Self, Problems> {
        let mut document =
            DeTable::parse(text).map_err(|error| from_toml_error(text, &error, &[]))?;
        for other in others {
            document.get_mut().remove(*other);
        }
        let tables = document.get_ref().keys().map(|name| name.span().start);
        let tables: Vec<usize> = tables.collect();
        let config = Self::deserialize(toml::Deserializer::from(document));
        let config = config.map_err(|error| {
            let at = error.span().map(|span| span.start);
            let is_top = at.is_some_and(|at| tables.contains(&at));
            from_toml_error(text, &error, if is_top { others } else { &[] })
        })?;
        validate::validate(&config, Some(text))?;
        Ok(config)
    }

    /// Reads the JSON mapping of model names.
    ///
    /// `id` is both the name that callers use and the provider's own id, unless
    /// `model` gives the latter; `type` is the provider; `name` is a label;
    /// `envKey` names the environment variable with the key.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), save that unknown keys are collected
    /// in [`ignored`](Self::ignored).
    pub fn from_json(text: &str) -> Result<Self, Problems> {
        let config = mapping::read(text).map_err(|error| from_json_error(&error))?;
        validate::validate(&config, None)?;
        Ok(config)
    }

    /// Reads a file: the JSON mapping when its name ends in `.json`, else TOML.
    ///
    /// # Errors
    /// As the readers above, and when the file can't be read. Every message
    /// names the file.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        Self::load_beside(path, &[])
    }

    /// Reads a file, leaving the named top-level tables to their owners.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_beside(path: &Path, others: &[&str]) -> Result<Self, Problems> {
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Problems::at("", None, format!("cannot read: {error}")))?;
            match path.extension() {
                Some(end) if end.eq_ignore_ascii_case("json") => Self::from_json(&text),
                _ => Self::from_toml_beside(&text, others),
            }
        };
        let mut config = read(path).map_err(|problems| problems.in_file(path))?;
        if let Some(folder) = path.parent() {
            config.find_files_in(folder);
        }
        Ok(config)
    }

    /// Has files that are named without a folder looked for in this one.
    fn find_files_in(&mut self, folder: &Path) {
        let providers = self.providers.values_mut();
        let keys = providers.filter_map(|provider| provider.key_file.as_mut());
        // The home folder is found when the key is.
        let keys = keys.filter(|file| !file.starts_with("~"));
        for file in keys.chain(&mut self.catalogue) {
            *file = folder.join(&*file);
        }
        for profile in self.profiles.values_mut() {
            profile.find_files_in(folder);
        }
    }

    /// The variable that names the profile.
    pub const PROFILE_VARIABLE: &str = "PARLOR_PROFILE";

    /// This configuration with one of its profiles laid over it; what the profile
    /// says wins, entry by entry.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where there is no such profile;
    /// the help names those that there are.
    pub fn with_profile(mut self, name: &str) -> Result<Self, Error> {
        if let Some(profile) = self.profiles.remove(name) {
            return Ok(self.merged(profile));
        }
        let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        let help = match names.as_slice() {
            [] => format!("Write one: a table [profiles.{name}] with what differs."),
            names => format!("There is {}.", names.join(", ")),
        };
        let message = format!("there is no profile `{name}` in the configuration");
        Err(Error::new(ErrorKind::Configuration, message).with_help(help))
    }

    /// Joins a later configuration to this one; what the later one says wins,
    /// entry by entry.
    #[must_use]
    pub fn merged(mut self, later: Config) -> Self {
        self.default_model = later.default_model.or(self.default_model);
        self.catalogue = later.catalogue.or(self.catalogue);
        self.providers.extend(later.providers);
        self.models.extend(later.models);
        self.routes.extend(later.routes);
        self.layers = self.layers.merged(later.layers);
        self.profiles.extend(later.profiles);
        self.ignored.extend(later.ignored);
        self
    }
}

/// Where the configuration file is: `$PARLOR_CONFIG`, else
/// `$XDG_CONFIG_HOME/parlor/config.toml`, else `~/.config/parlor/config.toml`
/// (on Windows `%APPDATA%\parlor\config.toml`).
///
/// `None` when the environment names no home. Nothing is read, and the file
/// need not exist.
pub fn config_path(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(path) = set(&env, "PARLOR_CONFIG") {
        return Some(path);
    }
    Some(folder(&env, "XDG_CONFIG_HOME", "APPDATA", ".config")?.join("config.toml"))
}

/// The folder for what a program keeps, such as conversations:
/// `$XDG_DATA_HOME/parlor`, else `~/.local/share/parlor`, on Windows
/// `%LOCALAPPDATA%\parlor`. Nothing is made there; `None` where no home is known.
pub fn data_folder(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    folder(&env, "XDG_DATA_HOME", "LOCALAPPDATA", ".local/share")
}

/// The folder for what can be had again, such as lists of models:
/// `$XDG_CACHE_HOME/parlor`, else `~/.cache/parlor`, on Windows
/// `%LOCALAPPDATA%\parlor`. Nothing is made there; `None` where no home is known.
pub fn cache_folder(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    folder(&env, "XDG_CACHE_HOME", "LOCALAPPDATA", ".cache")
}

fn folder(
    env: &impl Fn(&str) -> Option<String>,
    xdg: &str,
    windows: &str,
    at_home: &str,
) -> Option<PathBuf> {
    let of_windows = |name: &str| if cfg!(windows) { set(env, name) } else { None };
    // By the XDG specification a relative path is to be ignored.
    let xdg = set(env, xdg).filter(|path| path.is_absolute());
    let home = || {
        let home = set(env, "HOME").or_else(|| of_windows("USERPROFILE"));
        home.map(|home| home.join(at_home))
    };
    let folder = xdg.or_else(|| of_windows(windows)).or_else(home)?;
    Some(folder.join("parlor"))
}

fn set(env: &impl Fn(&str) -> Option<String>, name: &str) -> Option<PathBuf> {
    env(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
