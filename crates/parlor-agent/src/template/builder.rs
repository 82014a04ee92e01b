//! A template as it is put together.

use super::{Piece, Template, Variable, VariableKind, environment, quoted};
use minijinja::Environment;
use parlor_core::{Error, ErrorKind, Message, Result, Role};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Puts a [`Template`] together: variables in any order, messages in theirs.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is a template before it is built"]
pub struct TemplateBuilder {
    variables: Vec<Variable>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(Role, String),
    Examples {
        user: String,
        assistant: String,
        values: Vec<Map<String, Value>>,
    },
    Literal(Vec<Message>),
    Placeholder(String, Vec<Message>),
}

impl TemplateBuilder {
    /// The same with a variable.
    pub fn with_variable(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// The same with a message, in the template's language.
    pub fn with_message(mut self, role: Role, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(role, text.into()));
        self
    }

    /// The same with instructions.
    pub fn with_system(self, text: impl Into<String>) -> Self {
        self.with_message(Role::System, text)
    }

    /// The same with what the person says.
    pub fn with_user(self, text: impl Into<String>) -> Self {
        self.with_message(Role::User, text)
    }

    /// The same with what the model said.
    pub fn with_assistant(self, text: impl Into<String>) -> Self {
        self.with_message(Role::Assistant, text)
    }

    /// The same with a worked example: what a person said, and what the model
    /// answered. Both are taken as they are, braces and all.
    pub fn with_example(mut self, user: impl Into<String>, assistant: impl Into<String>) -> Self {
        let example = [Message::user(user), Message::assistant(assistant)];
        self.parts.push(Part::Literal(example.into()));
        self
    }

    /// The same with worked examples that are made alike: two templates, and
    /// the values of each example. They see no other variables.
    pub fn with_examples(
        mut self,
        user: impl Into<String>,
        assistant: impl Into<String>,
        values: impl IntoIterator<Item = Map<String, Value>>,
    ) -> Self {
        self.parts.push(Part::Examples {
            user: user.into(),
            assistant: assistant.into(),
            values: values.into_iter().collect(),
        });
        self
    }

    /// The same with a place for messages from elsewhere, and the messages that
    /// stand there where none are given.
    pub fn with_placeholder(
        mut self,
        name: impl Into<String>,
        default: impl IntoIterator<Item = Message>,
    ) -> Self {
        let default = default.into_iter().collect();
        self.parts.push(Part::Placeholder(name.into(), default));
        self
    }

    /// The template, checked.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) for a text that isn't in the
    /// template's language, a variable that is used and not declared, a name
    /// that is declared twice, a default of another type, a message of a tool,
    /// an example whose values don't suit its templates, and for no message at
    /// all.
    pub fn build(self) -> Result<Template> {
        let mut environment = environment();
        let mut variables = BTreeMap::new();
        for variable in self.variables {
            let null = variable.default.as_ref().filter(|it| !it.is_null());
            if let Some(wrong) = null.and_then(|it| variable.mismatch(it)) {
                return Err(wrong_with(format!("the default of {wrong}")));
            }
            if let Some(twice) = variables.insert(variable.name.clone(), variable) {
                let name = twice.name;
                return Err(wrong_with(format!(
                    "the variable `{name}` is declared twice"
                )));
            }
        }
        let known: BTreeSet<&str> = variables.keys().map(|name| &**name).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        for (number, part) in (1..).zip(self.parts) {
            let name = format!("message {number}");
            pieces.push(match part {
                Part::Text(Role::Tool, _) => {
                    let message = format!("{name} is a tool's: results answer calls only");
                    return Err(wrong_with(message));
                }
                Part::Text(role, text) => {
                    add(&mut environment, &name, text, &known)?;
                    Piece::Text(role, name)
                }
                Part::Literal(messages) => Piece::Examples(messages),
                Part::Examples {
                    user,
                    assistant,
                    values,
                } => Piece::Examples(examples(&name, &user, &assistant, values)?),
                Part::Placeholder(name, default) => {
                    let same = |it: &Piece| matches!(it, Piece::Placeholder(it, _) if *it == name);
                    if pieces.iter().any(same) {
                        let message = format!("the placeholder `{name}` is there twice");
                        return Err(wrong_with(message));
                    }
                    Piece::Placeholder(name, default)
                }
            });
        }
        if pieces.is_empty() {
            return Err(wrong_with("the template has no message".to_owned()));
        }
        Ok(Template {
            environment,
            variables,
            pieces,
        })
    }
}

/// Adds a text that may use these variables.
fn add(
    environment: &mut Environment<'static>,
    name: &str,
    text: String,
    known: &BTreeSet<&str>,
) -> Result<()> {
    let parsed = environment.add_template_owned(name.to_owned(), text);
    parsed.map_err(|error| wrong_with(error.to_string()).with_source(error))?;
    let template = environment.get_template(name);
    let template = template.map_err(|error| wrong_with(error.to_string()).with_source(error))?;
    let globals: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let used = template.undeclared_variables(false);
    let strange: BTreeSet<&str> = used
        .iter()
        .map(|name| &**name)
        .filter(|name| !known.contains(name) && !globals.contains(name))
        .collect();
    match strange.is_empty() {
        true => Ok(()),
        false => Err(wrong_with(format!(
            "{name} uses {}, which is not declared; there is {}",
            quoted(strange),
            quoted(known.iter().copied())
        ))),
    }
}

/// Examples made alike, as messages.
fn examples(
    name: &str,
    user: &str,
    assistant: &str,
    values: Vec<Map<String, Value>>,
) -> Result<Vec<Message>> {
    // The first example says what the others must have.
    let names: BTreeSet<String> = match values.first() {
        Some(first) => first.keys().cloned().collect(),
        None => return Ok(Vec::new()),
    };
    let variable = |name: &String| Variable::new(name, VariableKind::Any);
    let builder = TemplateBuilder {
        variables: names.iter().map(variable).collect(),
        parts: vec![
            Part::Text(Role::User, user.to_owned()),
            Part::Text(Role::Assistant, assistant.to_owned()),
        ],
    };
    let within = |error: Error| {
        let message = format!("{name}, examples: {}", error.message());
        wrong_with(message).with_source(error)
    };
    let template = builder.build().map_err(within)?;
    let mut messages = Vec::new();
    for values in values {
        messages.extend(template.format(values).map_err(within)?);
    }
    Ok(messages)
}

fn wrong_with(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message).with_help("Correct the template.")
}
