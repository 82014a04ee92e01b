//! Keys that are kept: in a file, which its owner alone can read, or in the keychain.
//!
//! The file says of each key in the keychain that it is there, so that nobody is asked
//! only to know which keys there are.

mod keychain;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor::{Env, Error, ErrorKind, KeySource, Registry, Result, Secret, config_path};
use toml_edit::{DocumentMut, InlineTable, Item, Value};

use crate::environment::env;
use crate::files;
use keychain::Keychain;
pub(crate) use keychain::{IS_BUILT as HAS_KEYCHAIN, NAME as KEYCHAIN};

/// The file's name in the configuration's folder.
const FILE: &str = "keys.toml";

/// The most bytes that are read of it.
const LIMIT: u64 = 1024 * 1024;

/// What stands at the top of a file that is made.
const CAPTION: &str = "\
# Keys by provider, saved by `parlor keys set`. Environment and configuration win over them.
";

/// What a provider has in the file where its key is in the keychain:
/// `acme = { keychain = true }`.
const IN_KEYCHAIN: &str = "keychain";

/// Where a key is kept.
#[derive(Clone)]
pub(crate) enum Saved {
    Here(Secret),
    Keychain,
}

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

/// Whether this place of a key is one where `keys set` puts it.
pub(crate) fn is_kept_at(source: &str) -> bool {
    source == keychain::NAME
        || path(&env()).is_some_and(|path| path.display().to_string() == source)
}

/// Why a key counts: its variable is set, or a file has it.
pub(crate) fn because(source: &str) -> String {
    match source == keychain::NAME || source.contains(['/', '\\']) {
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
        let wrong_one = kept.document.iter().find(|(_, item)| saved(item).is_none());
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

    /// Providers and where their keys are, in the file's order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, Saved)> {
        let keys = self.document.iter();
        keys.filter_map(|(name, item)| Some((name, saved(item)?)))
    }

    /// The registry that looks for keys in the keychain and in the file too.
    pub(crate) fn known_to(&self, registry: Registry) -> Registry {
        let keys = self.keys().map(|(name, key)| (name.to_owned(), key));
        let keys: Arc<BTreeMap<String, Saved>> = Arc::new(keys.collect());
        let name = self.path.display().to_string();
        let is_there = keys.values().any(|key| matches!(key, Saved::Keychain));
        let registry = match is_there {
            true => registry.with_key_source(in_keychain(Arc::clone(&keys))),
            false => registry,
        };
        let here = move |instance: &str| match keys.get(instance) {
            Some(Saved::Here(key)) => Ok(Some(key.clone())),
            _ => Ok(None),
        };
        registry.with_key_source(KeySource::kept(&name, here))
    }

    /// Keeps a key in place of the one before: in the keychain if this build can ask
    /// it and it answers, else here. It gives the place, and why it isn't the keychain.
    pub(crate) fn set(&mut self, provider: &str, key: &str) -> Result<(String, Option<Error>)> {
        let kept = keychain::IS_BUILT.then(|| Keychain::open()?.set(provider, key));
        let why = match kept {
            Some(Ok(())) => {
                let mut place = InlineTable::new();
                place.insert(IN_KEYCHAIN, true.into());
                self.put(provider, Value::from(place))?;
                return Ok((format!("the {}", keychain::NAME), None));
            }
            Some(Err(why)) => Some(why),
            None => None,
        };
        self.put(provider, Value::from(key))?;
        Ok((self.path.display().to_string(), why))
    }

    fn put(&mut self, provider: &str, value: Value) -> Result<()> {
        if self.document.to_string().is_empty() {
            self.document.decor_mut().set_prefix(CAPTION);
        }
        self.document.insert(provider, Item::Value(value));
        self.write()
    }

    /// Removes a key; from where, if there was one. One that the keychain doesn't
    /// hand out stays.
    pub(crate) fn remove(&mut self, provider: &str) -> Result<Option<String>> {
        let place = match self.document.get(provider).and_then(saved) {
            None => return Ok(None),
            Some(Saved::Keychain) => {
                Keychain::open()?.remove(provider)?;
                format!("the {}", keychain::NAME)
            }
            Some(Saved::Here(_)) => self.path.display().to_string(),
        };
        self.document.remove(provider);
        self.write()?;
        Ok(Some(place))
    }

    fn write(&self) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        files::make_folder(folder)
            .and_then(|()| files::replace(&self.path, &self.document.to_string(), true))
            .map_err(|error| {
                wrong(format!("cannot write {}: {error}", self.path.display()))
                    .with_help(files::UNWRITABLE)
            })
    }
}

/// What stands in the file for a provider.
fn saved(item: &Item) -> Option<Saved> {
    let table = || item.as_inline_table()?.get(IN_KEYCHAIN)?.as_bool();
    match item.as_str() {
        Some(key) => Some(Saved::Here(Secret::new(key))),
        None => table()
            .filter(|is_there| *is_there)
            .map(|_| Saved::Keychain),
    }
}

/// The keychain as a place for the registry to look in.
fn in_keychain(keys: Arc<BTreeMap<String, Saved>>) -> KeySource {
    let is_there = move |instance: &str| matches!(keys.get(instance), Some(Saved::Keychain));
    let known = is_there.clone();
    KeySource::told(keychain::NAME, known, move |instance| {
        match is_there(instance) {
            true => Keychain::open()?.get(instance),
            false => Ok(None),
        }
    })
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
