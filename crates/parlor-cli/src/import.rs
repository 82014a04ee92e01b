//! Taking over what other programs have: settings, questions, conversations.
//!
//! A program is a file here, which reads its folders into a [`Haul`] and knows nothing of
//! where it goes; [`land`] puts that where parlor has it, once however often it is done.

mod aichat;
mod gob;
mod land;
mod litellm;
mod llm;
mod mods;
mod text;
mod time;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parlor::agent::{History, KeptTurn};
use parlor::{Env, Message, Registry, Secret, Usage};
use parlor_store::Imported;

use crate::args::From;
use crate::failure::Failure;

pub(crate) use land::{Wish, land};

/// What was found of a program.
#[derive(Debug, Default)]
pub(crate) struct Haul {
    /// The model that it asks, as a model's id here.
    default_model: Option<String>,
    /// Settings of providers, by their names here.
    providers: BTreeMap<String, ProviderFound>,
    /// Keys by the names of providers here.
    keys: BTreeMap<String, Secret>,
    /// The file that the keys are in.
    keys_in: Option<PathBuf>,
    /// Templates by their names, as TOML.
    templates: BTreeMap<String, String>,
    conversations: Vec<Imported>,
    /// Other settings, by what belongs together.
    groups: Vec<Group>,
    /// What isn't taken over, and why.
    notes: Vec<String>,
}

/// Settings that are taken over together, or not at all.
#[derive(Debug)]
struct Group {
    /// What a person is told of it.
    told: String,
    /// Where each stands, and its value.
    values: Vec<(Vec<String>, toml_edit::Value)>,
}

impl Group {
    fn new(told: String, values: Vec<(Vec<String>, toml_edit::Value)>) -> Self {
        Self { told, values }
    }
}

/// What is set of a provider.
#[derive(Debug, Default)]
struct ProviderFound {
    /// The provider that speaks the host's format, where the name alone doesn't say so.
    kind: Option<&'static str>,
    base_url: Option<String>,
    key_env: Option<String>,
    key_command: Vec<String>,
}

/// Reads what a program has, at its usual place or at another.
pub(crate) async fn haul(
    from: From,
    path: Option<&Path>,
    env: &Env,
    registry: &Registry,
) -> Result<Haul, Failure> {
    let mut haul = Haul::default();
    match from {
        From::Aichat => aichat::read(path, env, registry, &mut haul)?,
        From::Litellm => litellm::read(path, registry, &mut haul)?,
        From::Llm => llm::read(path, env, registry, &mut haul).await?,
        From::Mods => mods::read(path, env, registry, &mut haul).await?,
    }
    Ok(haul)
}

impl Haul {
    /// Says what isn't taken over.
    fn note(&mut self, of: &Path, what: impl std::fmt::Display) {
        let name = of.file_name().unwrap_or(of.as_os_str()).to_string_lossy();
        self.notes.push(format!("{name}: {what}"));
    }

    /// Adds a conversation, unless nothing was said in it.
    fn add(&mut self, origin: String, title: &str, talk: Talk, created_ms: i64) {
        let Talk { history, facts } = talk;
        if history.is_empty() {
            return;
        }
        let mut imported = Imported::default();
        imported.origin = origin;
        imported.system = history.system().map(str::to_owned);
        imported.created_ms = created_ms;
        let mut at_ms = created_ms;
        for (at, turn) in history.turns().iter().enumerate() {
            let fact = facts.get(at).cloned().unwrap_or_default();
            // Times never go back, and tell turns apart.
            at_ms = fact.at_ms.unwrap_or(at_ms + 1).max(at_ms + 1);
            let mut kept = KeptTurn::from(turn.clone());
            kept.provider = fact
                .model
                .as_deref()
                .and_then(|it| it.split_once('/'))
                .map(|(provider, _)| provider.to_owned());
            kept.turn.model = fact.model;
            kept.turn.usage = fact.usage;
            imported.turns.push((at_ms, kept));
        }
        let first = history.turns().iter().flat_map(|it| &it.messages);
        let mut titles = first
            .map(parlor::agent::title_of)
            .filter(|it| !it.is_empty());
        imported.title = match title.trim() {
            "" => titles.next().unwrap_or_else(|| "(no text)".to_owned()),
            title => parlor::agent::title_of(&Message::user(title)),
        };
        self.conversations.push(imported);
    }
}

/// A conversation while it is read.
#[derive(Debug, Default)]
struct Talk {
    history: History,
    /// What is known of each turn.
    facts: Vec<Fact>,
}

/// What is known of a turn beside what was said.
#[derive(Debug, Clone, Default)]
struct Fact {
    at_ms: Option<i64>,
    model: Option<String>,
    usage: Usage,
}

impl Talk {
    /// Adds a message, and gives what is known of its turn.
    fn say(&mut self, message: Message) -> &mut Fact {
        self.history.add(message);
        let turns = self.history.turns().len().max(1);
        self.facts
            .resize_with(turns.max(self.facts.len()), Fact::default);
        // There is at least one.
        let last = turns - 1;
        &mut self.facts[last]
    }
}

/// The provider here that another program calls so: by its own name or another of its names, else
/// the one whose models are called so.
fn provider_called(registry: &Registry, name: &str) -> Option<&'static str> {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_ascii_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let mut descriptors = registry.providers().iter().map(|it| it.descriptor());
    let is_named = |it: &&parlor::Descriptor| {
        let mut names = std::iter::once(&it.id).chain(it.aliases);
        names.any(|it| plain(it) == wanted)
    };
    let named = descriptors.clone().find(is_named);
    let of_models = || {
        let starts = |model: &str| plain(model).starts_with(&wanted) && !wanted.is_empty();
        descriptors.find(|it| it.id == it.feature && it.default_model.is_some_and(starts))
    };
    named.or_else(of_models).map(|it| it.id)
}

/// A model's id here: under the provider that is named, else as the registry finds it.
fn model_id(registry: &Registry, provider: Option<&str>, model: &str) -> String {
    if let Some(provider) = provider {
        let known = provider_called(registry, provider).unwrap_or(provider);
        return format!("{known}/{model}");
    }
    match registry.resolve(model) {
        Ok(resolved) => resolved.id(),
        Err(_) => model.to_owned(),
    }
}

/// The first of these folders that is there.
fn folder(candidates: &[Option<PathBuf>]) -> Option<PathBuf> {
    let mut candidates = candidates.iter().flatten();
    candidates.find(|it| it.is_dir()).cloned()
}

/// Where to look: at the place that was named, else at the usual ones.
fn places(path: Option<&Path>, usual: Vec<Option<PathBuf>>) -> Vec<Option<PathBuf>> {
    match path {
        Some(path) => vec![Some(path.to_owned())],
        None => usual,
    }
}

/// Folders where a program may keep its configuration, by its name there.
fn usual(env: &Env, xdg: &str, below_home: &str, name: &str) -> Vec<Option<PathBuf>> {
    let of = |variable: &str| {
        let value = env.get(variable).filter(|it| !it.is_empty());
        value.map(PathBuf::from)
    };
    let home = || of("HOME").or_else(|| of("USERPROFILE"));
    vec![
        of(xdg).map(|it| it.join(name)),
        home().map(|it| it.join(below_home).join(name)),
        home().map(|it| it.join("Library/Application Support").join(name)),
        of("APPDATA").map(|it| it.join(name)),
        of("LOCALAPPDATA").map(|it| it.join(name)),
    ]
}

/// There is nothing at the usual places.
fn nothing(program: &str, looked: &[Option<PathBuf>]) -> Failure {
    let looked = looked.iter().flatten().map(|it| it.display().to_string());
    let looked: Vec<String> = looked.collect();
    Failure::bad_input(
        "import",
        parlor::ErrorKind::Configuration,
        format!(
            "nothing of {program} was found (looked in: {})",
            looked.join(", ")
        ),
    )
    .help(format!("name its folder: parlor import {program} PATH"))
}
