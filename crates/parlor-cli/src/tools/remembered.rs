//! What a person decided about tools for good, in a file beside what is kept.

use std::fs;
use std::io;
use std::path::PathBuf;

use parlor::{Error, ErrorKind, Result, data_folder};
use toml_edit::{DocumentMut, Item, Table, value};

use super::settings::Policy;
use crate::environment::env;
use crate::files;

const FILE: &str = "tools.toml";

/// What stands at the top of a file that is made.
const CAPTION: &str = "\
# What was decided about tools by \"always\" and \"never\", or by /tools. It holds as long as the
# tool's source stays the same; the configuration's `policy = \"deny\"` wins over it.

";

/// Where it is; `None` when the environment names no home.
pub(super) fn path() -> Option<PathBuf> {
    let env = env();
    Some(data_folder(|name| env.get(name))?.join(FILE))
}

/// What was decided about a tool from this source. A file that can't be read
/// decides nothing: the person is asked.
pub(super) fn of(shown: &str, source: &str) -> Option<Policy> {
    let document = read(&path()?).ok()?;
    let entry = document.get(shown)?;
    let is_same = entry.get("source").and_then(Item::as_str) == Some(source);
    let policy = entry.get("policy").and_then(Item::as_str)?;
    let all = [Policy::Allow, Policy::Ask, Policy::Deny];
    let policy = all.into_iter().find(|it| it.as_str() == policy)?;
    is_same.then_some(policy)
}

/// Keeps a decision, where anything is kept. What others decided meanwhile stays.
pub(super) fn keep(shown: &str, source: &str, policy: Policy) -> Result<()> {
    if files::leaves_nothing() {
        return Ok(());
    }
    let Some(path) = path() else {
        return Err(wrong("no folder is known to remember it in".to_owned()));
    };
    let written = (|| {
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        let mut document = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut document = DocumentMut::new();
                document.decor_mut().set_prefix(CAPTION);
                document
            }
            document => document?,
        };
        let mut entry = Table::new();
        entry.insert("policy", value(policy.as_str()));
        entry.insert("source", value(source));
        document.insert(shown, Item::Table(entry));
        files::replace(&path, &document.to_string(), true)
    })();
    written.map_err(|error: io::Error| {
        wrong(format!(
            "this can't be remembered in {}: {error}",
            path.display()
        ))
    })
}

fn read(path: &PathBuf) -> io::Result<DocumentMut> {
    let text = fs::read_to_string(path)?;
    text.parse().map_err(io::Error::other)
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}
