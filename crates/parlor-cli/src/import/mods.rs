//! mods: `mods.yml`, the list of conversations in `mods.db`, and each in a file of Go's gob.
//!
//! <https://github.com/charmbracelet/mods>: `config.go`, `db.go`, `internal/cache`, `internal/proto` as it was
//! left in 2026.

use std::fs;
use std::path::{Path, PathBuf};

use parlor::{Arguments, Env, Message, Part, Registry, Role, Secret, ToolCall, ToolResult};
use parlor_store::Foreign;
use serde_json::Value;

use super::aichat::yaml;
use super::text::{Written, literal, shell};
use super::{Haul, Talk, folder, gob, model_id, nothing, places, provider_called, time, usual};
use crate::failure::Failure;

/// Older databases have no columns for who was asked.
const LISTED: &str = "SELECT CAST(id AS TEXT), CAST(title AS TEXT), CAST(updated_at AS TEXT),
    CAST(api AS TEXT), CAST(model AS TEXT) FROM conversations ORDER BY updated_at, id";
const FIRST_LISTED: &str = "SELECT CAST(id AS TEXT), CAST(title AS TEXT), CAST(updated_at AS TEXT),
    NULL, NULL FROM conversations ORDER BY updated_at, id";

pub(super) async fn read(
    path: Option<&Path>,
    env: &Env,
    registry: &Registry,
    haul: &mut Haul,
) -> Result<(), Failure> {
    let settings = usual(env, "XDG_CONFIG_HOME", ".config", "mods");
    let kept = usual(env, "XDG_DATA_HOME", ".local/share", "mods");
    let config = folder(&places(path, settings.clone()));
    let data = folder(&places(path, kept.clone()));
    if config.is_none() && data.is_none() {
        return Err(nothing("mods", &places(path, [settings, kept].concat())));
    }
    let mut elsewhere = None;
    if let Some(file) = config.map(|it| it.join("mods.yml"))
        && let Some(told) = yaml(&file, haul)
    {
        elsewhere = told["cache-path"]
            .as_str()
            .filter(|it| !it.is_empty())
            .map(PathBuf::from);
        settings_of(&file, &told, registry, haul);
    }
    let data = elsewhere
        .filter(|it| path.is_none() && it.is_dir())
        .or(data);
    let Some(data) = data.map(|it| it.join("conversations")) else {
        return Ok(());
    };
    let file = data.join("mods.db");
    if file.is_file()
        && let Err(error) = conversations(&data, &file, registry, haul).await
    {
        haul.note(&file, format!("not read to its end: {error}"));
    }
    Ok(())
}

fn settings_of(file: &Path, told: &Value, registry: &Registry, haul: &mut Haul) {
    let api = told["default-api"].as_str();
    if let Some(model) = told["default-model"].as_str() {
        haul.default_model = Some(model_id(registry, api, model));
    }
    for (name, api) in told["apis"].as_object().into_iter().flatten() {
        let text = |name: &str| api[name].as_str().filter(|it| !it.is_empty());
        let known = provider_called(registry, name);
        let provider = known.unwrap_or(name).to_owned();
        let descriptor = known.and_then(|id| registry.descriptor(id).ok());
        let plain = |url: &str| url.trim_end_matches('/').trim_end_matches("/v1").to_owned();
        let usual = descriptor.and_then(|it| it.base_url).map(plain);
        // The file lists hosts with their addresses; only those with a key or an address of one's
        // own are in use.
        let base_url = text("base-url").filter(|url| known.is_none() || usual != Some(plain(url)));
        let is_own = descriptor.is_none_or(|it| {
            !it.key_env
                .contains(&text("api-key-env").unwrap_or_default())
        });
        let key_env = text("api-key-env").filter(|_| is_own);
        let key_command = text("api-key-cmd").map(shell).unwrap_or_default();
        let is_used = text("api-key").is_some() || !key_command.is_empty();
        let is_set = key_env.is_some_and(|name| std::env::var_os(name).is_some());
        if is_used || is_set {
            let found = haul.providers.entry(provider.clone()).or_default();
            found.base_url = base_url.map(str::to_owned);
            found.key_env = key_env.map(str::to_owned);
            found.key_command = key_command;
        }
        if let Some(key) = text("api-key") {
            haul.keys.insert(provider, Secret::new(key));
            haul.keys_in = Some(file.to_owned());
        }
    }
    for (name, lines) in told["roles"].as_object().into_iter().flatten() {
        let lines = lines
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let lines: Vec<&str> = lines.collect();
        if lines
            .iter()
            .any(|it| it.starts_with("file://") || it.starts_with("http"))
        {
            haul.note(
                file,
                format!("the role {name} reads a file or an address, which isn't taken over"),
            );
        } else if !lines.is_empty() {
            let written = Written {
                system: Some(literal(&lines.join("\n"))),
                ..Written::default()
            };
            haul.templates.insert(name.clone(), written.toml());
        }
    }
    if told["mcp-servers"]
        .as_object()
        .is_some_and(|it| !it.is_empty())
    {
        haul.note(file, "not taken over: mcp-servers");
    }
}

async fn conversations(
    folder: &Path,
    file: &Path,
    registry: &Registry,
    haul: &mut Haul,
) -> parlor::Result<()> {
    let mut database = Foreign::open(file).await?;
    let rows = match database.texts(LISTED).await {
        Ok(rows) => rows,
        Err(_) => database.texts(FIRST_LISTED).await?,
    };
    for row in rows {
        let text = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        let (id, title) = (text(0), text(1));
        let said = folder.join(format!("{id}.gob"));
        let read = fs::read(&said).map_err(|error| error.to_string());
        let read = read.and_then(|bytes| gob::value(&bytes).map_err(str::to_owned));
        let messages = match read {
            Ok(Value::Array(messages)) => messages,
            Ok(_) => {
                haul.note(&said, "skipped: it has no messages");
                continue;
            }
            Err(why) => {
                haul.note(&said, format!("skipped: {why} (its title: {title})"));
                continue;
            }
        };
        let model = Some(text(4)).filter(|it| !it.is_empty());
        let api = Some(text(3)).filter(|it| !it.is_empty());
        let model = model.map(|model| model_id(registry, api, model));
        let mut talk = Talk::default();
        for message in &messages {
            talk.say(spoken(message)).model.clone_from(&model);
        }
        let at_ms = time::ms(text(2)).unwrap_or_else(|| time::written(&said));
        haul.add(format!("mods:{id}"), title, talk, at_ms);
    }
    Ok(())
}

fn spoken(message: &Value) -> Message {
    let text = message["Content"].as_str().unwrap_or_default();
    let calls = message["ToolCalls"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let id = |call: &Value| call["ID"].as_str().unwrap_or("call").to_owned();
    match message["Role"].as_str() {
        Some("system") => Message::system(text),
        Some("tool") => {
            Message::tool_results(calls.iter().map(|call| ToolResult::text(id(call), text)))
        }
        Some("assistant") => {
            let mut parts = Vec::new();
            if !text.is_empty() {
                parts.push(Part::text(text));
            }
            parts.extend(calls.iter().map(|call| {
                let function = &call["Function"];
                let arguments = Arguments::json(function["Arguments"].as_str().unwrap_or("{}"));
                Part::from(ToolCall::new(
                    id(call),
                    function["Name"].as_str().unwrap_or("tool"),
                    arguments,
                ))
            }));
            Message::new(Role::Assistant, parts)
        }
        _ => Message::user(text),
    }
}
