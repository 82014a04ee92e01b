//! `parlor templates`: the templates with their parameters.

use serde_json::{Value, json};

use crate::args::{ListForm, TemplatesArgs};
use crate::failure::Failure;
use crate::template::{self, Template};
use crate::terminal;

/// Lists the templates.
pub(crate) fn templates(args: &TemplatesArgs) -> Result<(), Failure> {
    let mut found = Vec::new();
    for name in template::names() {
        match template::load(&name) {
            Ok(template) => found.push(template),
            // One that is wrong doesn't hide the others.
            Err(failure) => terminal::complain(&failure.text()),
        }
    }
    match args.listing.form() {
        ListForm::Json => {
            let all: Vec<Value> = found.iter().map(object).collect();
            Ok(terminal::say(&format!("{}\n", Value::from(all)))?)
        }
        ListForm::Text => {
            let has_files = found.iter().any(|it| !it.is_built_in);
            if !has_files && !args.common.quiet {
                let folder = template::folder().unwrap_or_default();
                let folder = folder.display().to_string();
                let told = format!("There is no template in {folder}.\n");
                terminal::complain(&terminal::printable(&told));
            }
            let lines: String = found.iter().map(listed).collect();
            Ok(terminal::say(&terminal::printable(&lines))?)
        }
    }
}

/// A template as lines: its name and parameters, then what it is for.
pub(crate) fn listed(template: &Template) -> String {
    let mut text = template.name.clone();
    for parameter in template.parameters() {
        text.push_str(&format!("  {}", template::told(parameter)));
    }
    if template.is_built_in {
        text.push_str("  (built in)");
    }
    text.push('\n');
    if let Some(about) = &template.description {
        text.push_str(&format!("    {}\n", about.trim()));
    }
    for parameter in template.parameters() {
        if let Some(about) = &parameter.description {
            text.push_str(&format!("    {}: {}\n", parameter.name, about.trim()));
        }
    }
    text
}

fn object(template: &Template) -> Value {
    let parameters: Vec<Value> = template
        .parameters()
        .map(|it| {
            json!({
                "name": it.name,
                "type": template::kind(it.kind),
                "required": it.default.is_none(),
                "default": it.default,
                "description": it.description,
            })
        })
        .collect();
    json!({
        "name": template.name,
        "description": template.description,
        "model": template.model,
        "schema": template.schema.as_ref().map(|it| &it.schema),
        "think": template.thinks,
        "files": template.reads,
        "built_in": template.is_built_in,
        "parameters": parameters,
    })
}
