//! The lists of models that providers gave, kept for a day in the cache's folder.
//!
//! There is a file for each instance, with the address that was asked and no key.
//! Whatever is wrong with one, it is as if it weren't there.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use parlor::{ModelEntry, Registry, Result, cache_folder};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::scrub::without_secrets;

/// How long a list counts.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most bytes that are read of one.
const LIMIT: u64 = 8 * 1024 * 1024;

/// A list as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// When it was asked for, in seconds since 1970.
    asked: u64,
    address: Option<String>,
    models: Vec<ModelEntry>,
}

/// A list, and how old it is.
pub(crate) struct List {
    pub(crate) models: Vec<ModelEntry>,
    pub(crate) age: Duration,
}

/// Asks an instance which models it has, and keeps what it says.
///
/// # Errors
/// As [`Registry::models_of`].
pub(crate) async fn ask(registry: &Registry, instance: &str) -> Result<List> {
    let models = registry.models_of(instance).await?;
    let kept = Kept {
        asked: now(),
        address: address(registry, instance),
        models,
    };
    if !files::leaves_nothing()
        && let Some(file) = file(registry, instance)
        && let Ok(text) = serde_json::to_string(&kept)
    {
        // Without it the provider is asked again.
        let folder = file.parent().map_or(Ok(()), files::make_folder);
        let _ = folder.and_then(|()| files::replace(&file, &text, true));
    }
    Ok(List {
        models: kept.models,
        age: Duration::ZERO,
    })
}

/// What an instance said within a day at the address that it has now.
pub(crate) fn kept(registry: &Registry, instance: &str) -> Option<List> {
    let mut text = String::new();
    let file = File::open(file(registry, instance)?).ok()?;
    file.take(LIMIT).read_to_string(&mut text).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    let age = Duration::from_secs(now().checked_sub(kept.asked)?);
    (age < DAY && kept.address == address(registry, instance)).then_some(List {
        models: kept.models,
        age,
    })
}

/// Where the list of an instance is kept, if its name can be a file's.
fn file(registry: &Registry, instance: &str) -> Option<PathBuf> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let is_name = instance.chars().all(is_plain) && !instance.starts_with('.');
    let folder = cache_folder(|name| registry.env().get(name))?;
    is_name.then(|| folder.join("models").join(format!("{instance}.json")))
}

fn address(registry: &Registry, instance: &str) -> Option<String> {
    // Any model will do: the address is the instance's.
    let resolved = registry.resolve(&format!("{instance}/any")).ok()?;
    resolved.config.base_url.as_deref().map(without_secrets)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
