//! The words for a failed call, where more is known than the error says.

use std::time::Duration;

use parlor::layers::fallback::Tried;
use parlor::{
    Candidate, Error, ErrorKind, FinishKind, Key, Part, Resolved, Retry, Scrub, Secret,
    UnknownModel, estimate, suggest, today,
};

use super::{Inner, key};
use crate::scrub::{secrets_of, without_secrets};

/// How the help of an error begins to tell what was tried before.
const TRIED: &str = "Tried before";

/// What is known of the model that was asked.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// What the provider is called.
    name: &'static str,
    pub(super) instance: String,
    pub(super) key: Option<Key>,
    /// Where the request goes, without secrets.
    address: Option<String>,
    /// What else may not be shown: values in the address, headers, parameters.
    secrets: Vec<Secret>,
    /// How the address can be changed, where there is another way than the option.
    address_variable: Option<&'static str>,
    /// Whether the address came from the command line.
    at_address: bool,
    /// That the model has ended, and what takes its place.
    retired: Option<String>,
    /// What a server of one's own has instead of the model.
    installed: Vec<String>,
}

impl Context {
    pub(crate) fn new(resolved: &Resolved) -> Self {
        let descriptor = resolved.provider.descriptor();
        let url = resolved.config.base_url.as_deref();
        Self {
            name: descriptor.name,
            instance: resolved.config.instance.clone(),
            // Where none was found, none was sent; to look again may ask a person again.
            key: resolved.config.keys.found(),
            address: url.map(without_secrets),
            secrets: Vec::new(),
            address_variable: descriptor.base_url_env.first().copied(),
            at_address: false,
            retired: retired(resolved),
            installed: Vec::new(),
        }
        .hiding(resolved)
    }

    /// The same, with what of a model that was asked too may not be shown.
    #[must_use]
    pub(crate) fn hiding(mut self, resolved: &Resolved) -> Self {
        let config = &resolved.config;
        let in_url = config.base_url.as_deref().map(secrets_of);
        let given = config.headers.values().chain(config.query.values());
        let key = config.keys.found().map(|key| key.secret);
        let secrets = in_url.into_iter().flatten().chain(given.cloned());
        self.secrets.extend(secrets.chain(key));
        self
    }

    /// The same, where the address came from the command line.
    #[must_use]
    pub(crate) fn at_address(mut self) -> Self {
        self.at_address = true;
        self
    }

    /// The same, with what a server of one's own has installed.
    #[must_use]
    pub(crate) fn with_installed(mut self, models: Vec<String>) -> Self {
        self.installed = models;
        self
    }

    pub(crate) fn scrub(&self) -> Scrub {
        Scrub::new(self.secrets.iter().cloned())
    }
}

/// That a model has ended, and what takes its place, if so.
pub(crate) fn retired(resolved: &Resolved) -> Option<String> {
    let entry = resolved.entry.as_ref()?;
    if !entry.is_retired(&today()) {
        return None;
    }
    let since = match &entry.retires_on {
        Some(day) => format!("was retired on {day}"),
        None => "is retired".to_owned(),
    };
    let instance = &resolved.config.instance;
    let next = entry.successor.as_ref();
    let next = next.map_or_else(String::new, |next| {
        format!("; {instance}/{next} takes its place")
    });
    Some(format!("{} {since}{next}", resolved.id()))
}

/// The most models of a server that are named.
const INSTALLED: usize = 8;

/// The most characters of an answer that wasn't what was asked for.
const SHOWN: usize = 300;

/// What an answer that doesn't keep to its schema comes to.
pub(super) fn unmet(inner: &mut Inner) {
    let error = &inner.error;
    let cut = error.kind() == ErrorKind::Truncated && error.retry() == Retry::Never;
    if error.kind() != ErrorKind::Validation && !cut {
        return;
    }
    let answer = error.partial();
    let ended = answer.and_then(|answer| answer.finish_reason());
    let is_refusal = |part: &Part| matches!(part, Part::Refusal(_));
    let message = answer.and_then(|answer| answer.message());
    if ended.is_some_and(|it| it.kind == FinishKind::Refusal)
        || message.is_some_and(|message| message.parts.iter().any(is_refusal))
    {
        (inner.code, inner.exit) = ("filtered", 9);
        return;
    }
    (inner.code, inner.exit) = ("schema", 10);
    if cut {
        inner.help = vec!["allow more by --max-tokens, or ask for less at a time".to_owned()];
        return;
    }
    let text = answer.map(|answer| answer.text()).unwrap_or_default();
    let shown: String = text.trim().chars().take(SHOWN).collect();
    if !shown.is_empty() {
        let cut = if shown.len() < text.trim().len() {
            "…"
        } else {
            ""
        };
        inner.fact = format!("{}. It said: {shown}{cut}", error.message());
    }
    inner.help = vec![
        "ask for less, or say in the prompt what is meant".to_owned(),
        "models that keep to schemas: parlor models --ability schema".to_owned(),
    ];
}

/// Finds better words than the error's own, where the context allows.
pub(super) fn tell(inner: &mut Inner, context: &Context) {
    match inner.error.kind() {
        ErrorKind::Authentication => key::tell(inner, context),
        ErrorKind::ModelNotFound => unknown_model(inner, context),
        ErrorKind::Configuration if inner.error.status() == Some(404) => {
            no_such_path(inner, context)
        }
        ErrorKind::Connection if inner.code == "unreachable" => unreachable(inner, context),
        ErrorKind::Unsupported => cannot(inner),
        _ => {}
    }
    if inner.code == "interrupted-stream" {
        interrupted(inner);
    }
    others(inner);
    if inner.code == "rate-limit" || inner.code == "overloaded" {
        limited(inner);
    }
}

/// Where other models were asked before, says so among the help.
fn others(inner: &mut Inner) {
    let source = std::error::Error::source(&inner.error);
    let tried = source.and_then(|source| source.downcast_ref::<Tried>());
    // Help that is the error's own has it already.
    let said = |help: &String| help.contains(TRIED);
    if let Some((_, before)) = tried.and_then(|tried| tried.attempts.split_last())
        && !inner.help.is_empty()
        && !inner.help.iter().any(said)
    {
        let before: Vec<String> = before.iter().map(ToString::to_string).collect();
        inner.help.push(format!("{TRIED}: {}", before.join("; ")));
    }
}

fn unknown_model(inner: &mut Inner, context: &Context) {
    let source = std::error::Error::source(&inner.error);
    let Some(unknown) = source.and_then(|source| source.downcast_ref::<UnknownModel>()) else {
        if !context.installed.is_empty() {
            return not_installed(inner, context);
        }
        inner.help = match &context.retired {
            Some(retired) => vec![retired.clone()],
            None if context.at_address => vec![
                inner.error.help().to_owned(),
                "or the path of --base-url is wrong: most end in /v1".to_owned(),
            ],
            None => {
                let list = format!("parlor models --live --provider {}", context.instance);
                let is_known = !context.instance.is_empty();
                let advice = [
                    Some(inner.error.help().to_owned()),
                    is_known.then_some(list),
                ];
                advice.into_iter().flatten().collect()
            }
        };
        return;
    };
    if let Some((best, others)) = unknown.suggestions.split_first() {
        let mut fact = format!("{}.   did you mean {best}?", inner.error.message());
        if !others.is_empty() {
            fact.push_str(&format!(" (also: {})", others.join(", ")));
        }
        inner.fact = fact;
        let name = best.rsplit('/').next().unwrap_or(best);
        let family: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
        inner.help = vec![format!("parlor models {family}")];
        if !unknown.id.contains('/') {
            let name = &unknown.id;
            inner.help.push(format!(
                "a model that isn't listed has its provider in front: -m PROVIDER/{name}"
            ));
        }
    } else {
        inner.fact = inner.error.message().to_owned();
        inner.help = vec![
            inner.error.help().to_owned(),
            "parlor providers lists all of them; parlor models WORD searches the models".to_owned(),
        ];
    }
}

/// A server of one's own has other models.
fn not_installed(inner: &mut Inner, context: &Context) {
    let instance = &context.instance;
    let installed = context.installed.iter();
    // The tag that is meant where none is named.
    let installed = installed.map(|it| it.strip_suffix(":latest").unwrap_or(it));
    let installed: Vec<&str> = installed.collect();
    let shown: Vec<&str> = installed.iter().take(INSTALLED).copied().collect();
    let more = match installed.len().saturating_sub(INSTALLED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let missing = inner.error.model().unwrap_or_default();
    let (shown, told) = (shown.join(", "), &inner.error);
    inner.fact = match missing {
        "" => format!("{told}. Installed: {shown}{more}."),
        missing => {
            let name = context.name;
            format!("{name} has no model \"{missing}\". Installed: {shown}{more}.")
        }
    };
    let names = installed.iter().map(|name| Candidate {
        name,
        preferred: false,
    });
    let near = suggest(missing, names, 1).first().copied();
    let other = near.or(installed.first().copied());
    // The command that its provider knows, without the words around it.
    let help = inner.error.help();
    let fetch = help.split('`').nth(1).unwrap_or(help);
    let other = other.map(|name| format!("   or   -m {instance}/{name}"));
    inner.help = vec![format!("{fetch}{}", other.unwrap_or_default())];
}

/// The server is there, and the path below its address isn't.
fn no_such_path(inner: &mut Inner, context: &Context) {
    if let Some(address) = &context.address {
        let (provider, message) = (&context.instance, inner.error.message());
        inner.fact = format!("nothing is at {address} ({provider}): {message}");
    }
}

/// What the model can't take, others can.
fn cannot(inner: &mut Inner) {
    let error = &inner.error;
    let abilities = [
        ("`image` ", "sees"),
        ("`audio` ", "hears"),
        ("`video` ", "watches"),
        ("`document` ", "reads"),
        ("`tools` ", "tools"),
    ];
    let mut named = abilities.iter();
    let named = named.find(|(setting, _)| error.message().starts_with(setting));
    if let Some((_, ability)) = named {
        let others = format!("models that can: parlor models --ability {ability}");
        inner.help = vec![error.help().to_owned(), others];
    }
}

fn unreachable(inner: &mut Inner, context: &Context) {
    let error = &inner.error;
    let provider = error.provider().unwrap_or(&context.instance);
    inner.fact = match error.message().split_once(": ") {
        Some((address, why)) => format!("{address} ({provider}): {why}."),
        None => format!("{} ({provider}).", error.message()),
    };
    let instance = &context.instance;
    let (help, tried) = tries(error.help());
    let base_url = format!("[providers.{instance}].base_url");
    let elsewhere = match context.address_variable {
        _ if context.at_address => Some("or give another --base-url".to_owned()),
        // The provider has told it itself.
        Some(variable) if help.contains(variable) => None,
        Some(variable) => Some(format!("or set {variable} / {base_url}")),
        None => Some(format!("or set {base_url}")),
    };
    let mut first = imperative(help);
    if let Some((tried, _)) = tried {
        first.push_str(&format!("     tried {tried}"));
    }
    inner.help = std::iter::once(first).chain(elsewhere).collect();
}

/// Who wants less for now, how long, and what was done about it.
fn limited(inner: &mut Inner) {
    let error = &inner.error;
    let (help, tried) = tries(error.help());
    let wait = match error.retry() {
        Retry::Later(Some(wait)) => Some(crate::terminal::span(wait)),
        _ => tried.as_ref().and_then(|(_, asked)| asked.map(spaced)),
    };
    let asked = wait
        .map(|wait| format!(" It asked to wait {wait}."))
        .unwrap_or_default();
    let tried = tried
        .map(|(tried, _)| format!(" Tried {tried}."))
        .unwrap_or_default();
    inner.fact = format!("{}.{asked}{tried}", inner.fact.trim_end_matches('.'));
    inner.help = vec![imperative(help)];
}

/// `20s` as people write it.
fn spaced(time: &str) -> String {
    let seconds = time.strip_suffix('s').and_then(|it| it.parse().ok());
    let seconds = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds.map_or_else(|| time.to_owned(), crate::terminal::span)
}

/// How a retry that gave up tells of it, after the help of the error.
const TRIES: &str = " It was tried ";
const ASKED: &str = " and the provider asks to wait ";

/// The help without what a retry adds; how often and how long it was tried, and
/// what wait was asked for.
fn tries(help: &str) -> (&str, Option<(String, Option<&str>)>) {
    let Some((help, tried)) = help.rsplit_once(TRIES) else {
        return (help, None);
    };
    let tried = tried.trim_end_matches('.');
    let (tried, asked) = match tried.split_once(ASKED) {
        Some((tried, asked)) => (tried, Some(asked)),
        None => (tried, None),
    };
    (help, Some((tried.replace(" over ", " in "), asked)))
}

/// A sentence as the terminal's help has it: small at first, no full stop.
fn imperative(help: &str) -> String {
    let help = help.trim_end_matches('.');
    let mut letters = help.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first
            .to_lowercase()
            .chain(std::iter::once(second))
            .chain(letters)
            .collect(),
        _ => help.to_owned(),
    }
}

fn interrupted(inner: &mut Inner) {
    let error = &inner.error;
    let tokens = error
        .partial()
        .map_or(0, |partial| estimate::text_tokens(&partial.text()));
    let cause = match error.kind() {
        ErrorKind::Timeout(_) => error.message().to_owned(),
        _ => "connection dropped".to_owned(),
    };
    let why = match (error.kind(), error.message().split_once(": ")) {
        (ErrorKind::Timeout(_), _) => String::new(),
        (_, Some((_, why))) => format!(" ({why})"),
        (_, None) => format!(" ({})", error.message()),
    };
    inner.fact = match tokens {
        0 => format!("{cause}{why}; nothing of the answer had come."),
        1 => format!("{cause} after ~1 token{why}."),
        count => format!("{cause} after ~{count} tokens{why}."),
    };
    inner.help.clear();
    if tried(error) {
        inner.help = vec![error.help().to_owned()];
    } else if tokens == 0 {
        inner.help = vec!["ask again; a broken answer isn't asked for twice by itself".to_owned()];
    }
}

/// Whether a retry gave up on it and says so in its help.
fn tried(error: &Error) -> bool {
    error.retry() == Retry::Exhausted
}
