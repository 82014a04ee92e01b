//! Where a key comes from: given, environment, program, file. Looked up when first needed.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use parlor_core::{Error, ErrorKind, Result, Secret};

use crate::Env;

/// How long a key program may take; it may be asking a person for a finger.
const COMMAND_TIME: Duration = Duration::from_secs(60);

/// How long a key program may go on once it has printed the key.
const EXIT_TIME: Duration = Duration::from_secs(5);

/// How often it is looked whether a key program has ended.
const EXIT_STEP: Duration = Duration::from_millis(10);

/// The most bytes that are read as a key.
const KEY_LIMIT: u64 = 64 * 1024;

/// A place that a key may come from. Nothing is read before [`find`](Self::find).
#[derive(Clone)]
#[non_exhaustive]
pub enum KeySource {
    /// The key itself.
    Explicit(Secret),
    /// Environment variables, in order; the first set one wins.
    Env(Vec<String>),
    /// A program and its arguments, which prints the key. No shell is involved.
    Command(Vec<String>),
    /// A file that holds nothing but the key; a leading `~/` is the home folder.
    File(PathBuf),
    /// A lookup of the program's own, such as a keychain.
    Lookup(KeyLookup),
}

/// A lookup of the program's own, by the name of the provider instance.
#[derive(Clone)]
pub struct KeyLookup {
    name: Arc<str>,
    hand: Hand,
    lookup: Arc<LookupFn>,
}

/// How it is known that there is a key without having it.
#[derive(Clone)]
enum Hand {
    /// It isn't.
    Unknown,
    /// By asking for it, which is quick.
    Asked,
    /// By something else.
    Told(Arc<HandFn>),
}

type HandFn = dyn Fn(&str) -> bool + Send + Sync;

type LookupFn = dyn Fn(&str) -> Result<Option<Secret>> + Send + Sync;

/// A key, and the place it came from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Key {
    /// The key.
    pub secret: Secret,
    /// Where it was found, such as `ACME_API_KEY` or `key_command`.
    pub source: String,
}

impl KeySource {
    /// A lookup of the program's own; `name` is what messages call it, such as `keychain`.
    pub fn lookup(
        name: &str,
        lookup: impl Fn(&str) -> Result<Option<Secret>> + Send + Sync + 'static,
    ) -> Self {
        Self::Lookup(KeyLookup {
            name: name.into(),
            hand: Hand::Unknown,
            lookup: Arc::new(lookup),
        })
    }

    /// A lookup that is quick and asks nobody, such as in a file of keys. Unlike
    /// the other it is asked, too, where only is to be known whether there is a key.
    pub fn kept(
        name: &str,
        lookup: impl Fn(&str) -> Result<Option<Secret>> + Send + Sync + 'static,
    ) -> Self {
        Self::Lookup(KeyLookup {
            name: name.into(),
            hand: Hand::Asked,
            lookup: Arc::new(lookup),
        })
    }

    /// A lookup that may take long or ask a person, such as in a keychain, where
    /// `has` knows at once for which instances there is a key.
    pub fn told(
        name: &str,
        has: impl Fn(&str) -> bool + Send + Sync + 'static,
        lookup: impl Fn(&str) -> Result<Option<Secret>> + Send + Sync + 'static,
    ) -> Self {
        Self::Lookup(KeyLookup {
            name: name.into(),
            hand: Hand::Told(Arc::new(has)),
            lookup: Arc::new(lookup),
        })
    }

    /// What messages call this place.
    pub fn describe(&self) -> String {
        match self {
            Self::Explicit(_) => "api_key".to_owned(),
            Self::Env(names) => names.join(", "),
            Self::Command(_) => "key_command".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Lookup(lookup) => lookup.name.to_string(),
        }
    }

    /// Where the key of an instance is, as far as that is known without running a
    /// program, opening a file or asking a person: the variable that is set, or
    /// the place that is configured.
    pub fn at_hand(&self, instance: &str, env: &Env) -> Option<String> {
        match self {
            Self::Env(names) => env.first(names).map(|(name, _)| name.to_owned()),
            Self::Lookup(lookup) => match &lookup.hand {
                Hand::Unknown => None,
                // What is wrong with it is said when the key is needed.
                Hand::Asked => Some(self.find(instance, env).ok()??.source),
                Hand::Told(has) => has(instance).then(|| lookup.name.to_string()),
            },
            other => Some(other.describe()),
        }
    }

    /// Looks for the key of an instance; `None` when it isn't there.
    ///
    /// # Errors
    /// A program or file that was named and can't be run or read. A key program
    /// is given a minute, and five seconds to end once its output is closed;
    /// then it is killed. Its output isn't repeated in the message.
    pub fn find(&self, instance: &str, env: &Env) -> Result<Option<Key>> {
        let key = |secret: Secret, source: &str| {
            (!secret.is_empty()).then(|| Key {
                secret,
                source: source.to_owned(),
            })
        };
        match self {
            Self::Explicit(secret) => Ok(key(secret.clone(), "api_key")),
            Self::Env(names) => Ok(env
                .first(names)
                .and_then(|(name, value)| key(Secret::new(value), name))),
            Self::Command(command) => run(command)
                .map(|secret| key(secret, "key_command"))
                .map_err(|error| error.with_provider(instance)),
            Self::File(path) => read(&at_home(path, env))
                .map(|secret| key(secret, &self.describe()))
                .map_err(|error| error.with_provider(instance)),
            Self::Lookup(lookup) => {
                Ok((lookup.lookup)(instance)?.and_then(|secret| key(secret, &lookup.name)))
            }
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit(_) => f.write_str("Explicit(..)"),
            Self::Env(names) => f.debug_tuple("Env").field(names).finish(),
            // Arguments may carry what shouldn't be shown.
            Self::Command(command) => f.debug_tuple("Command").field(&command.first()).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Lookup(lookup) => f.debug_tuple("Lookup").field(&lookup.name).finish(),
        }
    }
}

impl fmt::Debug for KeyLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyLookup").field(&self.name).finish()
    }
}

fn at_home(path: &Path, env: &Env) -> PathBuf {
    let home = || env.get("HOME").or_else(|| env.get("USERPROFILE"));
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

fn read(path: &Path) -> Result<Secret> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(KEY_LIMIT).read_to_string(&mut text))
        .map_err(|error| {
            wrong(format!(
                "cannot read the key file {}: {error}",
                path.display()
            ))
        })?;
    Ok(Secret::new(text))
}

fn run(command: &[String]) -> Result<Secret> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(wrong("the key command names no program".to_owned()));
    };
    let cannot = |error: std::io::Error| wrong(format!("the key command {program}: {error}"));
    let mut child = crate::program::command(program.as_ref())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(cannot)?;
    let output = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let outcome = match output {
            Some(output) => output.take(KEY_LIMIT).read_to_string(&mut text),
            None => Ok(0),
        };
        // Nobody listens any more when the time ran out.
        let _ = sender.send(outcome.map(|_| text));
    });
    let Ok(text) = receiver.recv_timeout(COMMAND_TIME) else {
        // It may have ended just now.
        let _ = child.kill();
        let _ = child.wait();
        let seconds = COMMAND_TIME.as_secs();
        return Err(wrong(format!(
            "the key command {program} took over {seconds} s"
        )));
    };
    let text = text.map_err(cannot)?;
    let Some(status) = ended(&mut child).map_err(cannot)? else {
        // It may have ended just now.
        let _ = child.kill();
        let _ = child.wait();
        let seconds = EXIT_TIME.as_secs();
        return Err(wrong(format!(
            "the key command {program} closed its output and went on for over {seconds} s; it was ended"
        ))
        .with_help("Let the command end once it has printed the key."));
    };
    if !status.success() {
        return Err(wrong(format!("the key command {program} failed: {status}"))
            .with_help("Run it by itself to see what is wrong."));
    }
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

/// The status of a program that ends in time.
fn ended(child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        match child.try_wait()? {
            None if begun.elapsed() < EXIT_TIME => std::thread::sleep(EXIT_STEP),
            status => return Ok(status),
        }
    }
}
