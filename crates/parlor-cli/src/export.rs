//! A conversation written for others: Markdown to read, JSON to go on with.

use std::io;
use std::path::Path;

use parlor::ToolCall;
use parlor::agent::History;

use crate::tools;

/// Writes to a file, whole or not at all: JSON where its name ends so, else
/// Markdown.
///
/// # Errors
/// `AlreadyExists` for a file that is there, unless it may be written over.
pub(crate) fn write(history: &History, file: &Path, over: bool) -> io::Result<()> {
    if !over && file.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let is_json = file.extension().is_some_and(|ending| ending == "json");
    let text = match is_json {
        true => serde_json::to_string_pretty(history)?,
        false => markdown(history),
    };
    crate::files::replace(file, &text, false)
}

/// A call in short.
fn called(call: &ToolCall) -> String {
    let arguments = tools::on_a_line(&call.arguments);
    format!("{}({arguments})", tools::shown_name(&call.name))
}

/// The conversation as Markdown.
pub(crate) fn markdown(history: &History) -> String {
    history.to_markdown(called)
}
