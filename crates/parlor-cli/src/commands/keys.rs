//! `parlor keys`: keys that are kept, and where each comes from.

use std::io::{self, IsTerminal as _, Read as _};

use parlor::{Error, ErrorKind, KeySource, Registry, Resolved, Secret};
use serde::Serialize;

use super::models::unknown_provider;
use super::providers::rows;
use super::table::table;
use crate::args::{KeyOf, KeysAction, KeysArgs, KeysOf, ListForm, SetKey};
use crate::environment::env;
use crate::failure::{Context, Failure};
use crate::keys::{self, KEYCHAIN, KeyFile, Saved};
use crate::terminal::{self, Terminal};
use crate::{lists, prompt, setup};

/// The most bytes that are read as a key.
const KEY_LIMIT: u64 = 64 * 1024;

/// Lists, saves, checks or removes keys.
pub(crate) fn keys(args: &KeysArgs) -> Result<(), Failure> {
    match &args.action {
        None | Some(KeysAction::List) => list(args),
        Some(KeysAction::Set(which)) => set(args, which),
        Some(KeysAction::Check(which)) => check(args, which),
        Some(KeysAction::Remove(which)) => remove(args, which),
    }
}

/// One key of the list; the JSON form has these fields.
#[derive(Debug, Serialize)]
struct Row {
    provider: String,
    /// Where it is: a variable, `api_key`, `key_command`, the keychain, or a file.
    source: String,
    /// The last four characters, where they are known without running a program.
    hint: Option<String>,
    /// Whether another one is saved that isn't used.
    wins_over_saved: bool,
}

fn list(args: &KeysArgs) -> Result<(), Failure> {
    let registry = setup::registry(args.common.config.as_deref())?;
    let file = file()?;
    let kept = file.path().display().to_string();
    let mut list = Vec::new();
    for row in rows(&registry) {
        let Some(source) = row.key.source else {
            continue;
        };
        list.push(Row {
            hint: hint(&registry, &row.id),
            wins_over_saved: !keys::is_kept_at(&source)
                && file.keys().any(|(name, _)| name == row.id),
            provider: row.id,
            source,
        });
    }
    // What is saved for a provider that this configuration hasn't got.
    let mut unused = Vec::new();
    for (name, key) in file.keys() {
        if !list.iter().any(|row| row.provider == name) {
            unused.push(name.to_owned());
            let (source, hint) = match key {
                Saved::Here(key) => (kept.clone(), Some(key.hint())),
                Saved::Keychain => (KEYCHAIN.to_owned(), None),
            };
            list.push(Row {
                provider: name.to_owned(),
                source,
                hint,
                wins_over_saved: false,
            });
        }
    }
    if args.listing.form() == ListForm::Json {
        let text = serde_json::to_string(&list).map_err(io::Error::from)?;
        return Ok(terminal::say(&format!("{text}\n"))?);
    }
    let told = Terminal::find(args.common.plain, args.common.quiet);
    if list.is_empty() {
        told.notice("There is no key yet. Save one: parlor keys set PROVIDER");
    }
    let cells: Vec<[String; 4]> = list
        .iter()
        .map(|row| {
            let note = match row {
                _ if unused.contains(&row.provider) => "no such provider here",
                row if row.wins_over_saved => "wins over the saved key",
                _ => "",
            };
            let hint = row.hint.clone().unwrap_or_default();
            [row.provider.clone(), row.source.clone(), hint, note.into()]
        })
        .collect();
    Ok(terminal::say(&terminal::printable(&table(&cells)))?)
}

/// The end of a key, if it is known without opening anything.
fn hint(registry: &Registry, instance: &str) -> Option<String> {
    let config = registry.resolve(&format!("{instance}/any")).ok()?.config;
    let used = |source: &&KeySource| source.at_hand(instance, registry.env()).is_some();
    let source = config.keys.sources().iter().find(used)?;
    match source {
        KeySource::Command(_) | KeySource::File(_) => None,
        // It may have a person asked to open it.
        source if source.describe() == KEYCHAIN => None,
        source => {
            let key = source.find(instance, registry.env()).ok()??;
            Some(key.secret.hint())
        }
    }
}

fn set(args: &KeysArgs, which: &SetKey) -> Result<(), Failure> {
    if !which.refused.is_empty() {
        let fact = "a key isn't an argument: the shell's history and other users would see it";
        return Err(Failure::usage(fact)
            .help(format!("parlor keys set {} asks for it", which.provider))
            .help("it is in the history of your shell now: remove it there"));
    }
    let registry = setup::registry(args.common.config.as_deref())?;
    let resolved = instance(&registry, &which.provider)?;
    let name = resolved.config.instance.as_str();
    let mut file = file()?;
    let key = read(name, resolved.provider.descriptor().key_url)?;
    let told = Terminal::find(args.common.plain, args.common.quiet);
    let winner = winner(&registry, &resolved);
    let verified = match winner.is_none() && !which.no_verify {
        true => Some(verify(args, name, &key, &file)?),
        false => None,
    };
    let (place, no_keychain) = file.set(name, &key)?;
    if let Some(why) = no_keychain {
        told.notice(format!("The keychain can't keep it ({}).", why.message()));
    }
    let hint = Secret::new(key.as_str()).hint();
    terminal::say(&format!(
        "The key for {name} ({hint}) is saved in {place}, which only you can read.\n"
    ))?;
    match (winner, verified) {
        (Some(other), _) => told.notice(format!(
            "note: {other} wins over the saved key; as long as it is there, the saved key isn't used."
        )),
        (None, Some(verified)) => told.notice(verified),
        (None, None) => told.notice(format!("Try it: parlor keys check {name}")),
    }
    Ok(())
}

/// Asks a provider whether it takes a key that isn't saved yet. A key that it
/// refuses is the command's failure; whatever else keeps it from answering isn't
/// the key's fault, and is told.
fn verify(args: &KeysArgs, name: &str, key: &str, file: &KeyFile) -> Result<String, Failure> {
    let secret = Secret::new(key);
    let hint = secret.hint();
    let of = name.to_owned();
    let given = KeySource::kept(&file.path().display().to_string(), move |instance| {
        Ok((instance == of).then(|| secret.clone()))
    });
    let registry = setup::configured(args.common.config.as_deref())?.with_key_source(given);
    Ok(match setup::runtime()?.block_on(registry.models_of(name)) {
        Ok(models) => format!("{name} takes it, and lists {}.", counted(models.len())),
        Err(error) if error.kind() == ErrorKind::Authentication => {
            let fact = format!("{name} refuses the key ({hint}): {error}. Nothing was saved");
            return Err(Failure::from(error)
                .fact(fact)
                .help(format!("copy it anew: parlor keys set {name}"))
                .help(format!(
                    "or save it all the same: parlor keys set {name} --no-verify"
                )));
        }
        Err(error) => format!(
            "Whether {name} takes it couldn't be seen ({}). Try it: parlor keys check {name}",
            error.kind()
        ),
    })
}

fn counted(models: usize) -> String {
    match models {
        1 => "one model".to_owned(),
        _ => format!("{models} models"),
    }
}

/// The place of a key that counts more than those that are saved.
fn winner(registry: &Registry, resolved: &Resolved) -> Option<String> {
    let mut sources = resolved.config.keys.sources().iter();
    let used = sources.find_map(|source| source.at_hand(&resolved.config.instance, registry.env()));
    used.filter(|source| !keys::is_kept_at(source))
}

fn check(args: &KeysArgs, which: &KeysOf) -> Result<(), Failure> {
    let registry = setup::registry(args.common.config.as_deref())?;
    if let Some(name) = &which.provider {
        return Ok(terminal::say(&checked(&registry, name)?)?);
    }
    let names = rows(&registry).into_iter();
    let names = names.filter(|row| row.key.source.is_some());
    let (mut all, mut failed) = (0, 0);
    for row in names {
        all += 1;
        match checked(&registry, &row.id) {
            Ok(told) => terminal::say(&told)?,
            Err(failure) => {
                failed += 1;
                let told = Terminal::find(args.common.plain, args.common.quiet);
                terminal::complain(&told.fits(&failure.text()));
            }
        }
    }
    match (all, failed) {
        (0, _) => Err(Failure::usage("there is no key yet").help("parlor keys set PROVIDER")),
        (_, 0) => Ok(()),
        _ => Err(Failure::partly(format!("{failed} of {all} can't be used"))),
    }
}

/// What comes of asking a provider whether it takes its key.
fn checked(registry: &Registry, name: &str) -> Result<String, Failure> {
    let resolved = instance(registry, name)?;
    let name = resolved.config.instance.as_str();
    let Some(key) = resolved.config.key()? else {
        if resolved.provider.descriptor().needs_key || resolved.config.key_is_configured {
            let message = format!("{name} has no key");
            let error = Error::new(ErrorKind::Authentication, message.clone());
            let failure = Failure::from(error.with_provider(name)).fact(message);
            return Err(failure.help(format!("parlor keys set {name}")));
        }
        return Ok(format!("{name} needs no key, and none is set.\n"));
    };
    let from = format!("the key from {} ({})", key.source, key.secret.hint());
    match setup::runtime()?.block_on(lists::ask(registry, name)) {
        Ok(list) => {
            let count = counted(list.models.len());
            Ok(format!("{name} takes {from}; it lists {count}.\n"))
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let fact = format!("{name} has no list to ask for, so that {from} can't be checked");
            Err(Failure::from(error)
                .fact(fact)
                .help(format!("ask a model: parlor -m {name}/MODEL \"hi\"")))
        }
        Err(error) => Err(Failure::of(error, &Context::new(&resolved))),
    }
}

fn remove(args: &KeysArgs, which: &KeyOf) -> Result<(), Failure> {
    let registry = setup::registry(args.common.config.as_deref())?;
    let mut file = file()?;
    // A key may be left of a provider that isn't there any more.
    let resolved = instance(&registry, &which.provider);
    let name = match &resolved {
        Ok(resolved) => resolved.config.instance.clone(),
        Err(_) => which.provider.clone(),
    };
    let Some(place) = file.remove(&name)? else {
        let resolved = resolved?;
        let fact = format!("no key of {name} is saved in {}", file.path().display());
        let failure = Failure::from(Error::new(ErrorKind::Validation, fact));
        return Err(match winner(&registry, &resolved) {
            Some(other) => failure.help(format!("{other} has one: remove it there")),
            None => failure.help("parlor keys list"),
        });
    };
    terminal::say(&format!("The key for {name} is removed from {place}.\n"))?;
    if let Some(other) = resolved.ok().and_then(|it| winner(&registry, &it)) {
        Terminal::find(args.common.plain, args.common.quiet)
            .notice(format!("note: {other} still has a key for {name}."));
    }
    Ok(())
}

/// The file of keys, which need not be there yet.
fn file() -> Result<KeyFile, Failure> {
    let file = KeyFile::find(&env())?;
    file.ok_or_else(|| {
        let message = "no folder for the configuration is known";
        Failure::from(Error::new(ErrorKind::Configuration, message))
            .help("Set HOME, or XDG_CONFIG_HOME to a folder.")
    })
}

/// The instance of this name or alias.
fn instance(registry: &Registry, name: &str) -> Result<Resolved, Failure> {
    registry.descriptor(name).map_err(unknown_provider)?;
    // Any model will do: the key is the instance's.
    Ok(registry.resolve(&format!("{name}/any"))?)
}

/// The key: typed where nobody sees it, or what stdin holds.
fn read(name: &str, key_url: &str) -> Result<String, Failure> {
    let typed = if io::stdin().is_terminal() {
        if !key_url.is_empty() {
            terminal::complain(&format!("Get a key: {key_url}\n"));
        }
        let typed = prompt::hidden(&format!("Key for {name} (it isn't shown): "))?;
        typed.ok_or_else(|| Error::new(ErrorKind::Cancelled, "no key was given"))?
    } else {
        let mut text = String::new();
        let read = io::stdin().take(KEY_LIMIT).read_to_string(&mut text);
        read.map_err(|error| {
            Failure::usage(format!("cannot read stdin: {error}"))
                .help("give the key on stdin, or type it")
        })?;
        text
    };
    let key = typed.trim();
    if key.is_empty() {
        return Err(Failure::usage("no key was given").help("type it, or give it on stdin"));
    }
    if key.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Failure::usage("this is no key: it has white space within")
            .help("give the key alone, on one line"));
    }
    Ok(key.to_owned())
}
