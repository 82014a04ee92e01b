//! The words for a key that is missing, or that was refused.

use parlor::Error;

use super::Inner;
use super::facts::Context;
use crate::environment::env;
use crate::keys;

/// How the help of an error begins to tell where there are keys.
const GET: &str = " Get a key: ";

/// Finds better words than the error's own.
pub(super) fn tell(inner: &mut Inner, context: &Context) {
    let error = &inner.error;
    let provider = error.provider().unwrap_or(&context.instance).to_owned();
    match inner.code {
        "no-key" => missing(inner, &provider),
        _ => refused(inner, context, &provider),
    }
}

fn missing(inner: &mut Inner, provider: &str) {
    let error = &inner.error;
    if let Some(rest) = error.message().strip_prefix("an API key is needed") {
        let rest = match rest.strip_suffix(')') {
            Some(looked) => format!("{looked}{})", elsewhere(looked)),
            None => rest.to_owned(),
        };
        inner.fact = format!("{provider} needs an API key{rest}.");
    }
    let (set, get) = match error.help().split_once(GET) {
        Some((set, url)) => (set, format!("          get one: {url}")),
        None => (error.help(), String::new()),
    };
    let mut help = vec![format!("parlor keys set {provider}{get}")];
    // A variable that was looked at is named in the fact.
    let variable = set.strip_prefix("Set ").map(|it| it.trim_end_matches('.'));
    if !variable.is_some_and(|variable| inner.fact.contains(variable)) {
        help.push(format!("or: {set}"));
    }
    help.push("or try without a key: parlor -m embedded/rules \"…\"".to_owned());
    inner.help = help;
}

/// The places that are looked at whether there is anything or not.
fn elsewhere(looked: &str) -> String {
    let saved = keys::path(&env()).map(|path| path.display().to_string());
    let home = env().get("HOME").filter(|home| !home.is_empty());
    let short = |path: String| match home.as_deref().and_then(|home| path.strip_prefix(home)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => path,
    };
    let keychain = keys::HAS_KEYCHAIN.then(|| "keychain".to_owned());
    let places = [Some("key_command".to_owned()), keychain, saved];
    let places = places.into_iter().flatten();
    let places = places.filter(|place| !looked.contains(place.as_str()));
    places.map(|place| format!(", {}", short(place))).collect()
}

fn refused(inner: &mut Inner, context: &Context, provider: &str) {
    let error = &inner.error;
    let what = [
        error.status().map(|status| status.to_string()),
        error.code().map(str::to_owned),
    ];
    let what: Vec<String> = what.into_iter().flatten().collect();
    let (what, message) = (what.join(" "), error.message());
    match &context.key {
        Some(key) => {
            let (source, hint) = (&key.source, key.secret.hint());
            inner.fact =
                format!("{provider} rejected the key from {source} ({hint}): {what}. {message}");
            let wins = match keys::is_kept_at(source) {
                true => String::new(),
                false if env().get(source).is_some() => {
                    "          note: the environment variable wins over saved keys".to_owned()
                }
                false => format!("          note: {source} wins over saved keys"),
            };
            inner.help = vec![format!("parlor keys set {provider}{wins}")];
            // What the provider knows beside the usual.
            let usual = Error::new(error.kind(), "");
            let help = error.help();
            let more = help.strip_prefix(usual.help()).unwrap_or(help).trim();
            if !more.is_empty() {
                inner.help.push(more.to_owned());
            }
        }
        None => {
            inner.fact = format!("{provider} wants a key and got none: {what}. {message}");
            inner.help = vec![
                "name it as provider/model, so that the provider's key is sent, \
                 or configure the host with `api_key_env`"
                    .to_owned(),
            ];
        }
    }
}
