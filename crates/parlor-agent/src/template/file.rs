//! Templates as they stand in TOML.

use super::{TemplateBuilder, Variable, VariableKind};
use parlor_core::{Error, ErrorKind, Message, Result, Role};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateForm {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
    messages: Vec<MessageForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableForm {
    r#type: VariableKind,
    default: Option<Value>,
    #[serde(default)]
    optional: bool,
    description: Option<String>,
}

/// One of three: a role and a text, a placeholder, or examples.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageForm {
    role: Option<Role>,
    text: Option<String>,
    placeholder: Option<String>,
    default: Option<Vec<Message>>,
    examples: Option<Vec<Map<String, Value>>>,
    user: Option<String>,
    assistant: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<TemplateBuilder> {
    let form: TemplateForm = toml::from_str(text).map_err(|error| {
        let message = error.to_string();
        wrong(message.trim_end().to_owned()).with_source(error)
    })?;
    builder(form)
}

pub(super) fn form(value: Value) -> Result<TemplateBuilder> {
    let form = serde_json::from_value(value)
        .map_err(|error| wrong(error.to_string()).with_source(error))?;
    builder(form)
}

fn builder(form: TemplateForm) -> Result<TemplateBuilder> {
    let mut builder = TemplateBuilder::default();
    for (name, form) in form.variables {
        builder = builder.with_variable(variable(name, form)?);
    }
    for (number, form) in (1..).zip(form.messages) {
        builder = message(builder, number, form)?;
    }
    Ok(builder)
}

fn variable(name: String, form: Value) -> Result<Variable> {
    // A type alone is short for an object that has it.
    let form = match form {
        Value::String(kind) => Value::Object(Map::from_iter([("type".to_owned(), kind.into())])),
        form => form,
    };
    let form: VariableForm = serde_json::from_value(form)
        .map_err(|error| wrong(format!("the variable `{name}`: {error}")).with_source(error))?;
    let mut variable = Variable::new(name, form.r#type);
    variable.default = form.default;
    if form.optional && variable.default.is_none() {
        variable = variable.optional();
    }
    variable.description = form.description;
    Ok(variable)
}

fn message(builder: TemplateBuilder, number: usize, form: MessageForm) -> Result<TemplateBuilder> {
    Ok(match form {
        MessageForm {
            role: Some(role),
            text: Some(text),
            placeholder: None,
            default: None,
            examples: None,
            user: None,
            assistant: None,
        } => builder.with_message(role, text),
        MessageForm {
            role: None,
            text: None,
            placeholder: Some(name),
            default,
            examples: None,
            user: None,
            assistant: None,
        } => builder.with_placeholder(name, default.unwrap_or_default()),
        MessageForm {
            role: None,
            text: None,
            placeholder: None,
            default: None,
            examples: Some(examples),
            user,
            assistant,
        } => {
            let user = user.unwrap_or_else(|| "{{ user }}".to_owned());
            let assistant = assistant.unwrap_or_else(|| "{{ assistant }}".to_owned());
            builder.with_examples(user, assistant, examples)
        }
        _ => {
            return Err(wrong(format!(
                "message {number} must have `role` and `text`, or `placeholder` and perhaps \
                 `default`, or `examples` and perhaps `user` and `assistant`, and nothing else"
            )));
        }
    })
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message).with_help("Correct the template.")
}
