//! Which template a question is put by.

use clap::Args;

use super::{Common, ListForm};

/// A template and its parameters.
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// Ask by a template: its name, as `parlor templates` lists them, or its file
    #[arg(short, long, value_name = "NAME|FILE")]
    pub(crate) template: Option<String>,
    /// A parameter of the template (repeatable)
    #[arg(
        short,
        long,
        value_name = "NAME=VALUE",
        requires = "template",
        value_parser = pair
    )]
    pub(crate) param: Vec<(String, String)>,
}

/// How to list the templates.
#[derive(Debug, Args)]
pub(crate) struct TemplatesArgs {
    /// What to print: a list or one JSON array
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        hide_default_value = true
    )]
    output: ListForm,
    /// Short for `--output json`
    #[arg(long, conflicts_with = "output")]
    json: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

impl TemplatesArgs {
    pub(crate) fn form(&self) -> ListForm {
        super::list_form(self.output, self.json)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
