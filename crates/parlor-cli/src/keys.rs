//! Keys that are kept in a file, which its owner alone can read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use parlor::{Env, Error, ErrorKind, KeySource, Result, Secret, config_path};
use toml_edit::DocumentMut;

use crate::environment::env;
use crate::files;

/// The file's name in the configuration's folder.
const FILE: &str = "keys.toml";

/// The most bytes that are read of it.
const LIMIT: u64 = 1024 * 1024;

/// What stands at the top of a file that is made.
const CAPTION: &str = "\
# Keys by provider, saved by `parlor keys set`. Environment and configuration win over them.
";

/// The file of keys as it was read: comments and order are kept.
#[derive(Clone)]
pub(crate) struct KeyFile {
    path: PathBuf,
    document: DocumentMut,
}

/// Where keys are kept; `None` when the environment names no home.
pub(crate) fn path(env: &Env) -> Option<PathBuf> {
    // Of the folder for configuration, wherever the configuration itself is.
    let folder = |name: &str| (name != "PARLOR_CONFIG").then(|| env.get(name)).flatten();
    Some(config_path(folder)?.with_file_name(FILE))
}

/// Whether this place of a key is the file of keys.
pub(crate) fn is_kept_at(source: &str) -> bool {
    path(&env()).is_some_and(|path| path.display().to_string() == source)
}

/// Why a key counts: its variable is set, or a file has it.
pub(crate) fn because(source: &str) -> String {
    match source.contains(['/', '\\']) {
        true => format!("its key is in {source}"),
        false => format!("{source} is set"),
    }
}

/// A place for the registry to look in that has only a failure.
pub(crate) fn unreadable(error: Error) -> KeySource {
    let (message, help) = (error.message().to_owned(), error.help().to_owned());
    KeySource::kept(FILE, move |_| {
        Err(wrong(message.clone()).with_help(help.clone()))
    })
}

/// Has only its owner read the file of keys, where others could too. It gives the
/// file that was repaired.
pub(crate) fn close(env: &Env) -> Result<Option<PathBuf>> {
    let Some(path) = path(env) else {
        return Ok(None);
    };
    let closed = File::open(&path).and_then(|file| {
        let is_open = files::is_open_to_others(&file)?;
        if is_open {
            files::close_to_others(&file)?;
        }
        Ok(is_open)
    });
    match closed {
        Ok(true) => Ok(Some(path)),
        Ok(false) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(format!("cannot repair {}: {error}", path.display()))),
    }
}

impl KeyFile {
    /// The file where it usually is, which need not be there yet.
    ///
    /// # Errors
    /// When others can read it, and when it can't be read or isn't a table of keys.
    pub(crate) fn find(env: &Env) -> Result<Option<Self>> {
        path(env).map(Self::read).transpose()
    }

    fn read(path: PathBuf) -> Result<Self> {
        let text = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(wrong(format!("cannot read {}: {error}", path.display())));
            }
            Ok(Read::Open) => {
                let told = path.display();
                let message = format!("{told} holds keys and can be read by others than its owner");
                let help = format!("parlor doctor --fix, or: chmod 600 '{told}'");
                return Err(wrong(message).with_help(help));
            }
            Ok(Read::Text(text)) => text,
        };
        let document = text.parse::<DocumentMut>().map_err(|error| {
            // The error itself shows the line, which may be a key.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count() + 1);
            let message = format!("{}, line {line}: this is no TOML", path.display());
            wrong(message).with_help("Write a line for each key: PROVIDER = \"…\"")
        })?;
        let kept = Self { path, document };
        let wrong_one = kept.document.iter().find(|(_, item)| !item.is_str());
        if let Some((name, _)) = wrong_one {
            let message = format!("{}: `{name}` is no string", kept.path.display());
            return Err(wrong(message).with_help("Write a line for each key: PROVIDER = \"…\""));
        }
        Ok(kept)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.document.is_empty()
    }

    /// Providers and their keys, in the file's order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, Secret)> {
        let keys = self.document.iter();
        keys.filter_map(|(name, item)| Some((name, Secret::new(item.as_str()?))))
    }

    /// The keys as a place for the registry to look in.
    pub(crate) fn source(&self) -> KeySource {
        let keys = self.keys().map(|(name, key)| (name.to_owned(), key));
        let keys: BTreeMap<String, Secret> = keys.collect();
        let name = self.path.display().to_string();
        KeySource::kept(&name, move |instance| Ok(keys.get(instance).cloned()))
    }

    /// Keeps a key in place of the one before.
    pub(crate) fn set(&mut self, provider: &str, key: &str) -> Result<()> {
        if self.document.to_string().is_empty() {
            self.document.decor_mut().set_prefix(CAPTION);
        }
        self.document.insert(provider, toml_edit::value(key));
        self.write()
    }

    /// Removes a key; whether there was one.
    pub(crate) fn remove(&mut self, provider: &str) -> Result<bool> {
        let was_there = self.document.remove(provider).is_some();
        if was_there {
            self.write()?;
        }
        Ok(was_there)
    }

    fn write(&self) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        files::make_folder(folder)
            .and_then(|()| files::replace(&self.path, &self.document.to_string(), true))
            .map_err(|error| wrong(format!("cannot write {}: {error}", self.path.display())))
    }
}

enum Read {
    /// It isn't read, since others can read it too.
    Open,
    Text(String),
}

fn read(path: &Path) -> io::Result<Read> {
    let file = File::open(path)?;
    if files::is_open_to_others(&file)? {
        return Ok(Read::Open);
    }
    let mut text = String::new();
    file.take(LIMIT).read_to_string(&mut text)?;
    Ok(Read::Text(text))
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}
