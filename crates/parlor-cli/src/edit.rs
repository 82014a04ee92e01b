//! A text in the person's own editor.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use parlor::{Error, ErrorKind};

use crate::environment::env;
use crate::failure::Failure;
use crate::files;
use crate::interrupt;

/// The editor and its options: `VISUAL`, else `EDITOR`.
pub(crate) fn named() -> Option<String> {
    let (_, editor) = env().first(&["VISUAL", "EDITOR"])?;
    Some(editor).filter(|editor| !editor.trim().is_empty())
}

/// The same, or the one that every system has.
pub(crate) fn usual() -> String {
    named().unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned())
}

/// The command of an editor, which may bring options, as in `code --wait`.
pub(crate) fn command(editor: &str) -> Command {
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// A file for a text that is edited, where nobody else may put one.
pub(crate) fn file() -> PathBuf {
    let env = env();
    let folder = parlor::data_folder(|name| env.get(name)).unwrap_or_else(std::env::temp_dir);
    folder.join(format!("edit-{}.md", std::process::id()))
}

/// A text as the person leaves it in the editor.
///
/// # Errors
/// When the editor can't be run, or fails.
pub(crate) fn text(before: &str) -> Result<String, Failure> {
    let file = file();
    let edited = edited(&file, before);
    // A text that can't be removed is in a folder that only its owner enters.
    let _ = fs::remove_file(&file);
    edited
}

fn edited(file: &std::path::Path, before: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| wrong(format!("{}: {error}", file.display()));
    if let Some(folder) = file.parent() {
        files::make_folder(folder).map_err(failed)?;
    }
    files::replace(file, before, true).map_err(failed)?;
    let editor = usual();
    let status = command(&editor).arg(file).status().map_err(|error| {
        wrong(format!("cannot run the editor {editor}: {error}")).help("Set VISUAL or EDITOR.")
    })?;
    interrupt::not_stopped(status)?;
    if !status.success() {
        return Err(wrong(format!("the editor {editor} failed: {status}"))
            .help("Nothing was sent; set VISUAL or EDITOR to another one."));
    }
    fs::read_to_string(file).map_err(failed)
}

fn wrong(fact: String) -> Failure {
    Error::new(ErrorKind::Configuration, fact).into()
}
