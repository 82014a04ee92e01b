//! Which template a question is put by.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{Common, Listing};
use crate::complete;

/// A template and its parameters.
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// Ask by a template: its name, as `parlor templates` lists them, or its file
    #[arg(
        short,
        long,
        value_name = "NAME|FILE",
        add = ArgValueCompleter::new(complete::templates)
    )]
    pub(crate) template: Option<String>,
    /// A parameter of the template (repeatable)
    #[arg(
        short,
        long,
        value_name = "NAME=VALUE",
        requires = "template",
        value_parser = pair,
        add = ArgValueCompleter::new(complete::parameters)
    )]
    pub(crate) param: Vec<(String, String)>,
}

/// How to list the templates.
#[derive(Debug, Args)]
pub(crate) struct TemplatesArgs {
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
