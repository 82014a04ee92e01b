//! What a person configures of the terminal: `[terminal]`.

use std::path::Path;

use parlor::{Env, Error, ErrorKind, Problems};
use parlor_registry::{Findings, told};
use serde::Deserialize;

use crate::failure::Failure;
use crate::setup;

/// The table's name.
const TABLE: &str = "terminal";

/// The variable that wins over `keys`.
const KEYS: &str = "PARLOR_KEYS";

/// Whose keys the line editor takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keys {
    #[default]
    Emacs,
    Vi,
}

/// All of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TerminalSettings {
    pub(crate) keys: Keys,
}

impl TerminalSettings {
    /// What is configured in this file, or in the usual one, and the environment
    /// over it.
    pub(crate) fn load(config: Option<&Path>, env: &Env) -> Result<Self, Failure> {
        let mut settings = match setup::configuration_text(config, env) {
            Some((file, text)) => Self::read(&text, &file)?,
            None => Self::default(),
        };
        match env.get(KEYS).as_deref() {
            None | Some("") => {}
            Some("emacs") => settings.keys = Keys::Emacs,
            Some("vi") => settings.keys = Keys::Vi,
            Some(other) => {
                let fact = format!("{KEYS} is `{other}`, and there are `emacs` and `vi`");
                let wrong = Error::new(ErrorKind::Configuration, fact);
                return Err(Failure::from(wrong).help(format!("Correct or unset {KEYS}.")));
            }
        }
        Ok(settings)
    }

    /// What is configured in the text of this file.
    pub(crate) fn read(text: &str, file: &Path) -> Result<Self, Problems> {
        // Most configurations have none of it, and are read once.
        if !text.contains(TABLE) {
            return Ok(Self::default());
        }
        let mut whole =
            parlor_registry::read_toml::<toml::Table>(text).map_err(|wrong| wrong.in_file(file))?;
        let mut findings = Findings::in_toml(text);
        let mut settings = Self::default();
        match whole.remove(TABLE).map(Self::deserialize) {
            None => {}
            Some(Ok(read)) => settings = read,
            Some(Err(error)) => findings.add(&[TABLE], told(error.message())),
        }
        findings
            .finish()
            .map_err(|wrong| wrong.in_file(file))
            .map(|()| settings)
    }
}
