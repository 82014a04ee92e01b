//! Where what was found goes: the configuration, the keys, the templates, the store.

use std::fmt::Write as _;
use std::path::Path;

use parlor::Env;
use parlor_store::Import;
use toml_edit::Value;

use super::Haul;
use super::text::array;
use crate::commands::{self, Configured};
use crate::failure::Failure;
use crate::files;
use crate::keeper::{self, Shelf};
use crate::keys::KeyFile;
use crate::template;

/// What became of what was found, a line each.
#[derive(Debug, Default)]
pub(crate) struct Landed {
    pub(crate) lines: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// Whether something is changed, and whether keys are copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) changes: bool,
    pub(crate) keys: bool,
    /// The configuration, where the command line names it.
    pub(crate) config: Option<&'a Path>,
}

/// Puts everything in its place. What is there already stays as it is.
pub(crate) async fn land(haul: Haul, wish: Wish<'_>, env: &Env) -> Result<Landed, Failure> {
    let mut landed = Landed {
        lines: Vec::new(),
        notes: haul.notes.clone(),
    };
    configure(&haul, wish, &mut landed);
    keep_keys(&haul, wish, env, &mut landed)?;
    write_templates(&haul, wish, &mut landed);
    converse(haul, wish, env, &mut landed).await?;
    Ok(landed)
}

/// Where a setting stands, and its value.
type Setting<'a> = (Vec<&'a str>, Value);

fn configure(haul: &Haul, wish: Wish<'_>, landed: &mut Landed) {
    let mut groups: Vec<(String, Vec<Setting<'_>>)> = Vec::new();
    for (name, found) in &haul.providers {
        let mut values = Vec::new();
        let mut set =
            |key, value: Value| values.push((vec!["providers", name.as_str(), key], value));
        if let Some(kind) = found.kind {
            set("type", kind.into());
        }
        if let Some(url) = &found.base_url {
            set("base_url", url.as_str().into());
        }
        if let Some(variable) = &found.key_env {
            set("api_key_env", variable.as_str().into());
        }
        if !found.key_command.is_empty() {
            set("key_command", array(&found.key_command));
        }
        if !values.is_empty() {
            groups.push((format!("provider       {name}"), values));
        }
    }
    for group in &haul.groups {
        let values = group.values.iter();
        let values = values.map(|(keys, value)| {
            let keys = keys.iter().map(String::as_str).collect();
            (keys, value.clone())
        });
        groups.push((group.told.clone(), values.collect()));
    }
    if let Some(model) = &haul.default_model {
        let value = vec![(vec!["default_model"], model.as_str().into())];
        groups.push((format!("default model  {model}"), value));
    }
    for (told, values) in groups {
        match commands::configure(wish.config, &values, wish.changes) {
            Ok(Configured::New) => landed.lines.push(told),
            Ok(Configured::Known) => landed.lines.push(format!("{told} (there already)")),
            Ok(Configured::Taken) => landed
                .lines
                .push(format!("{told} (something is set already, which stays)")),
            Err(failure) => landed
                .notes
                .push(format!("{told}: {}", failure.error().message())),
        }
    }
}

fn keep_keys(haul: &Haul, wish: Wish<'_>, env: &Env, landed: &mut Landed) -> Result<(), Failure> {
    if haul.keys.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = haul.keys.keys().map(String::as_str).collect();
    if !wish.keys {
        let place = haul.keys_in.as_deref().map(Path::display);
        let place = place.map_or_else(String::new, |it| format!(" in {it}"));
        landed.notes.push(format!(
            "keys of {} stay{place}: --keys copies them to parlor's own",
            names.join(", ")
        ));
        return Ok(());
    }
    let Some(mut file) = KeyFile::find(env)? else {
        landed
            .notes
            .push("no folder for keys is known: set HOME".to_owned());
        return Ok(());
    };
    for (name, key) in &haul.keys {
        let is_there = file.keys().any(|(it, _)| it == name);
        if !is_there && wish.changes {
            file.set(name, key.expose())?;
        }
        let there = if is_there {
            " (there is one already, which stays)"
        } else {
            ""
        };
        landed.lines.push(format!("key            {name}{there}"));
    }
    Ok(())
}

fn write_templates(haul: &Haul, wish: Wish<'_>, landed: &mut Landed) {
    let Some(folder) = template::folder() else {
        return;
    };
    for (name, text) in &haul.templates {
        let is_name = |c: char| c.is_alphanumeric() || "-_. #+".contains(c);
        if !name.chars().all(is_name) || name.starts_with('.') {
            landed
                .notes
                .push(format!("the template {name}: its name can't be a file's"));
            continue;
        }
        let file = folder.join(format!("{name}.toml"));
        let before = std::fs::read_to_string(&file);
        let there = match &before {
            Ok(before) if before == text => " (there already)",
            Ok(_) => " (another of that name is there, which stays)",
            Err(_) => "",
        };
        if before.is_err() && wish.changes {
            let written =
                files::make_folder(&folder).and_then(|()| files::replace(&file, text, false));
            if let Err(error) = written {
                landed
                    .notes
                    .push(format!("{}: cannot write: {error}", file.display()));
                continue;
            }
        }
        landed.lines.push(format!("template       {name}{there}"));
    }
}

async fn converse(
    haul: Haul,
    wish: Wish<'_>,
    env: &Env,
    landed: &mut Landed,
) -> Result<(), Failure> {
    if haul.conversations.is_empty() {
        return Ok(());
    }
    let (mut new, mut longer, mut known) = (0, 0, 0);
    // To look is no reason to make a store.
    let is_there = keeper::path(env).is_some_and(|it| it.is_file());
    if !is_there && !wish.changes {
        new = haul.conversations.len();
    } else {
        let shelf = Shelf::default();
        let store = shelf.store().await?;
        for conversation in &haul.conversations {
            match store.import(conversation, wish.changes).await? {
                Import::New => new += 1,
                Import::Longer(_) => longer += 1,
                _ => known += 1,
            }
        }
    }
    let mut told = format!("conversations  {new} new");
    for (count, what) in [(longer, "longer than before"), (known, "there already")] {
        if count > 0 {
            // A text takes everything.
            let _ = write!(told, ", {count} {what}");
        }
    }
    landed.lines.push(told);
    Ok(())
}
