//! A text in the person's own editor.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

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

/// The command of an editor, which may bring options, as in `code --wait`. What only a
/// shell understands, such as quotes, is left to one.
pub(crate) fn command(editor: &str) -> Command {
    if Path::new(editor).is_file() {
        return Command::new(editor);
    }
    if cfg!(unix) && editor.contains(|c: char| "\"'\\$`~*?[;&|<>()#%=".contains(c)) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{editor} \"$@\""), editor]);
        return command;
    }
    let mut words = editor.split_whitespace();
    let name = words.next().unwrap_or_default();
    // Windows itself finds no `code.cmd`.
    let found = cfg!(windows).then(|| parlor::find_program(name)).flatten();
    let mut command = found.map_or_else(|| Command::new(name), Command::new);
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
/// When the editor can't be run, or fails, or what was written is no UTF-8: then it is
/// kept, in a file that is named.
pub(crate) fn text(before: &str) -> Result<String, Failure> {
    let file = file();
    let edited = edited(&file, before);
    let edited = edited.map(String::from_utf8);
    if let Ok(Err(_)) = &edited {
        let kept = kept(&file);
        return Err(wrong("what was written isn't UTF-8".to_owned())
            .help(format!("it is kept in {}", kept.display())));
    }
    // A text that can't be removed is in a folder that only its owner enters.
    let _ = fs::remove_file(&file);
    edited.map(Result::unwrap_or_default)
}

/// Puts a file where the next text doesn't replace it, and gives its place.
fn kept(file: &Path) -> PathBuf {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let kept = file.with_file_name(format!("kept-{}.md", now.as_millis()));
    match fs::rename(file, &kept) {
        Ok(()) => kept,
        Err(_) => file.to_owned(),
    }
}

fn edited(file: &Path, before: &str) -> Result<Vec<u8>, Failure> {
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
    fs::read(file).map_err(failed)
}

fn wrong(fact: String) -> Failure {
    Error::new(ErrorKind::Configuration, fact).into()
}
