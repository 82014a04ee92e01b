//! Prompts with declared variables: messages made of a template and values.

mod builder;
mod file;
mod variable;

pub use builder::TemplateBuilder;
pub use variable::{Variable, VariableKind};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use parlor_core::{Error, ErrorKind, Message, Result, Role};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// How much work a template may be, in the engine's steps: no loop is endless.
const FUEL: u64 = 1_000_000;

/// A chat prompt: messages in Jinja's language, the variables in them, worked
/// examples, and places for messages from elsewhere.
///
/// ```
/// use parlor_agent::{Template, Variable, VariableKind};
/// use parlor_core::{ChatModelExt, Echo, Message};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let template = Template::builder()
///     .with_variable(Variable::new("language", VariableKind::Text).with_default("English"))
///     .with_variable(Variable::new("words", VariableKind::List))
///     .with_system("Answer in {{ language }}.")
///     .with_example("cold", "hot")
///     .with_placeholder("history", [])
///     .with_user("The opposite of {{ words | join(' and ') }}?")
///     .build()?;
/// let messages = template.format(json!({"words": ["up", "left"]}))?;
/// assert_eq!(messages[0], Message::system("Answer in English."));
/// let answer = Echo::new().ask(messages).await?;
/// assert_eq!(answer.text(), "The opposite of up and left?");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// Every variable is declared, with its type: one that is used and isn't
/// declared is an error of [`build`](TemplateBuilder::build), one that is
/// missing, unknown or of another type one of [`format`](Self::format). Values
/// are never read as templates, so what a user wrote may hold braces.
///
/// The language is [minijinja](https://docs.rs/minijinja)'s, with its filters
/// and with `tojson`, and without includes: a template reads no files. A field
/// that a value doesn't have is an error too; `default` stands in for it.
#[derive(Clone)]
pub struct Template {
    environment: Environment<'static>,
    variables: BTreeMap<String, Variable>,
    pieces: Vec<Piece>,
}

/// What messages are made of.
#[derive(Debug, Clone)]
enum Piece {
    /// A message of one text, by the name that its template has in the environment.
    Text(Role, String),
    Examples(Vec<Message>),
    /// Messages from elsewhere, and those that stand there otherwise.
    Placeholder(String, Vec<Message>),
}

impl Template {
    /// A template to be put together.
    pub fn builder() -> TemplateBuilder {
        TemplateBuilder::default()
    }

    /// A template from TOML.
    ///
    /// ```
    /// use parlor_agent::Template;
    /// use serde_json::json;
    ///
    /// let template = Template::from_toml(r#"
    /// [variables]
    /// text = "text"
    /// tone = { type = "text", default = "friendly", description = "How it sounds." }
    ///
    /// [[messages]]
    /// role = "system"
    /// text = "You write in a {{ tone }} tone."
    ///
    /// [[messages]]
    /// examples = [{ user = "No.", assistant = "I am afraid not." }]
    ///
    /// [[messages]]
    /// placeholder = "history"
    /// default = [{ role = "user", content = "Hi" }, { role = "assistant", content = "Hello!" }]
    ///
    /// [[messages]]
    /// role = "user"
    /// text = "{{ text }}"
    /// "#)?;
    /// assert_eq!(template.format(json!({"text": "Go."}))?.len(), 6);
    /// # Ok::<(), parlor_core::Error>(())
    /// ```
    ///
    /// A variable's type is `text`, `integer`, `number`, `boolean`, `list`,
    /// `object` or `any`; `optional = true` lets it be left out. Examples may
    /// have templates of their own, in `user` and `assistant` beside them; each
    /// example is then the values for both.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) for what isn't such a TOML,
    /// and as [`TemplateBuilder::build`].
    pub fn from_toml(text: &str) -> Result<Self> {
        file::parse(text)?.build()
    }

    /// A template from a value with the same form as the TOML of
    /// [`from_toml`](Self::from_toml), such as a part of a larger file.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml).
    pub fn from_value(value: Value) -> Result<Self> {
        file::form(value)?.build()
    }

    /// A template from a TOML file.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), and
    /// [`Configuration`](ErrorKind::Configuration) for a file that can't be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let named = |message: &dyn fmt::Display| {
            let message = format!("{}: {message}", path.display());
            Error::new(ErrorKind::Configuration, message)
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            named(&error)
                .with_help("Name a template's file.")
                .with_source(error)
        })?;
        Self::from_toml(&text).map_err(|error| named(&error.message()).with_source(error))
    }

    /// The variables, by their names.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.values()
    }

    /// The names of the placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(name, _) => Some(&**name),
            _ => None,
        })
    }

    /// The messages with these values: a map or a struct. Placeholders have the
    /// messages that were declared for them. A system message that comes out
    /// blank is left out.
    ///
    /// # Errors
    /// [`Validation`](ErrorKind::Validation) for values that are missing,
    /// unknown or of another type, all of them by name; for a value that the
    /// template can't use, and for a message that comes out blank.
    pub fn format(&self, values: impl Serialize) -> Result<Vec<Message>> {
        self.format_with::<String>(values, [])
    }

    /// As [`format`](Self::format), with messages for placeholders in place of
    /// those declared, such as a conversation's
    /// [history](crate::History::messages).
    ///
    /// # Errors
    /// As [`format`](Self::format), and for a placeholder that isn't there.
    pub fn format_with<N: Into<String>>(
        &self,
        values: impl Serialize,
        placeholders: impl IntoIterator<Item = (N, Vec<Message>)>,
    ) -> Result<Vec<Message>> {
        let values = minijinja::Value::from(Serde(self.check(values)?));
        let placeholders = placeholders.into_iter();
        let mut given: BTreeMap<String, Vec<Message>> = placeholders
            .map(|(name, messages)| (name.into(), messages))
            .collect();
        let mut messages = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(role, name) => {
                    let text = self.render(name, &values)?;
                    match (text.trim().is_empty(), role) {
                        (true, Role::System) => {}
                        (true, _) => return Err(invalid(format!("{name} comes out blank"))),
                        _ => messages.push(Message::new(*role, vec![text.into()])),
                    }
                }
                Piece::Examples(examples) => messages.extend_from_slice(examples),
                Piece::Placeholder(name, default) => match given.remove(name) {
                    Some(given) => messages.extend(given),
                    None => messages.extend_from_slice(default),
                },
            }
        }
        match given.into_keys().next() {
            None => Ok(messages),
            Some(name) => {
                let known = quoted(self.placeholders());
                Err(invalid(format!(
                    "the template has no placeholder `{name}`; it has {known}"
                )))
            }
        }
    }

    /// All variables with their values.
    fn check(&self, values: impl Serialize) -> Result<Map<String, Value>> {
        let values = serde_json::to_value(values).map_err(|error| {
            invalid(format!("the values are no JSON: {error}")).with_source(error)
        })?;
        let mut given = match values {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            other => {
                let found = variable::kind_of(&other);
                return Err(invalid(format!(
                    "the values are {found}, not a map by name"
                )));
            }
        };
        let mut wrong = Vec::new();
        let mut missing = Vec::new();
        let mut values = Map::new();
        for (name, variable) in &self.variables {
            match given.shift_remove(name).filter(|value| !value.is_null()) {
                Some(value) => {
                    wrong.extend(variable.mismatch(&value));
                    values.insert(name.clone(), value);
                }
                None => match &variable.default {
                    Some(default) => {
                        values.insert(name.clone(), default.clone());
                    }
                    None => missing.push(&**name),
                },
            }
        }
        if !missing.is_empty() {
            wrong.push(format!("no value for {}", quoted(missing)));
        }
        if !given.is_empty() {
            let unknown = quoted(given.keys().map(|it| &**it));
            let known = quoted(self.variables.keys().map(|it| &**it));
            wrong.push(format!("no variable {unknown}; there is {known}"));
        }
        match wrong.is_empty() {
            true => Ok(values),
            false => Err(invalid(format!(
                "the template's values: {}",
                wrong.join("; ")
            ))),
        }
    }

    fn render(&self, name: &str, values: &minijinja::Value) -> Result<String> {
        let template = self.environment.get_template(name);
        let text = template.and_then(|it| it.render(values.clone()));
        text.map_err(|error| invalid(error.to_string()).with_source(error))
    }
}

/// An environment for templates of ours.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Validation, message)
}

/// Names for a person: `` `a`, `b` ``.
fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("variables", &self.variables)
            .field("pieces", &self.pieces)
            .finish_non_exhaustive()
    }
}
