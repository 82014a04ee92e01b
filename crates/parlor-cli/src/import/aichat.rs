//! aichat: `config.yaml`, roles, sessions, and the file of single messages.
//!
//! <https://github.com/sigoden/aichat>: `src/config/{mod,role,session}.rs` and
//! `src/client/message.rs` as of 0.30.

use std::fs;
use std::path::{Path, PathBuf};

use parlor::{
    Arguments, COMPATIBLE, Env, Message, Part, Registry, Role, Secret, ToolCall, ToolResult,
};
use serde_json::Value;

use super::text::{Written, literal};
use super::{Haul, Talk, folder, model_id, nothing, places, provider_called, time, usual};
use crate::failure::Failure;

/// Settings that say how the program itself behaves, of which nothing is to be taken over.
const OWN: &[&str] = &[
    "save",
    "stream",
    "keybindings",
    "editor",
    "highlight",
    "wrap",
    "wrap_code",
];

pub(super) fn read(
    path: Option<&Path>,
    env: &Env,
    registry: &Registry,
    haul: &mut Haul,
) -> Result<(), Failure> {
    let mut usual = usual(env, "XDG_CONFIG_HOME", ".config", "aichat");
    usual.insert(0, env.get("AICHAT_CONFIG_DIR").map(PathBuf::from));
    let places = places(path, usual);
    let home = folder(&places).ok_or_else(|| nothing("aichat", &places))?;
    let config = home.join("config.yaml");
    if let Some(settings) = yaml(&config, haul) {
        settings_of(&config, &settings, registry, haul);
    }
    for file in files(&home.join("roles"), "md") {
        match fs::read_to_string(&file) {
            Ok(text) => role(&file, &text, registry, haul),
            Err(error) => haul.note(&file, error),
        }
    }
    let mut folders = vec![home.join("sessions"), home.join("sessions/_")];
    let agents = fs::read_dir(home.join("agents"))
        .into_iter()
        .flatten()
        .flatten();
    folders.extend(agents.map(|agent| agent.path().join("sessions")));
    for file in folders.iter().flat_map(|it| files(it, "yaml")) {
        if let Some(told) = yaml(&file, haul) {
            session(&home, &file, &told, registry, haul);
        }
    }
    let file = home.join("messages.md");
    match fs::read_to_string(&file) {
        Ok(text) => messages(&text, haul),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => haul.note(&file, error),
    }
    Ok(())
}

/// The files of a folder with this ending, in their order.
pub(super) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|it| it == ending) && path.is_file())
        .collect();
    paths.sort();
    paths
}

/// A file of YAML, if there is one that can be read.
pub(super) fn yaml(file: &Path, haul: &mut Haul) -> Option<Value> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            haul.note(file, format!("skipped: {error}"));
            return None;
        }
    };
    match serde_saphyr::from_str(&text) {
        Ok(value) => Some(value),
        Err(_) => {
            // What the parser says shows the lines, which may hold a key.
            haul.note(file, "skipped: it is no YAML");
            None
        }
    }
}

fn settings_of(file: &Path, settings: &Value, registry: &Registry, haul: &mut Haul) {
    let Some(settings) = settings.as_object() else {
        return haul.note(file, "skipped: it has no settings");
    };
    if let Some(model) = settings.get("model").and_then(Value::as_str) {
        haul.default_model = Some(id(registry, model));
    }
    let mut left = Vec::new();
    for (name, value) in settings {
        match name.as_str() {
            "model" | "clients" => {}
            _ if value.is_null() || OWN.contains(&name.as_str()) => {}
            name => left.push(name.to_owned()),
        }
    }
    if !left.is_empty() {
        haul.note(file, format!("not taken over: {}", left.join(", ")));
    }
    for client in settings
        .get("clients")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| client[name].as_str().filter(|it| !it.is_empty());
        let Some(kind) = text("type") else { continue };
        let named = text("name").unwrap_or(kind);
        let known = provider_called(registry, named);
        let provider = known.unwrap_or(named).to_owned();
        let descriptor = known.and_then(|id| registry.descriptor(id).ok());
        let usual = descriptor.and_then(|it| it.base_url);
        let plain = |url: &str| {
            let url = url
                .trim_end_matches('/')
                .replace("//localhost", "//127.0.0.1");
            url.trim_end_matches("/v1")
                .trim_end_matches("/v1beta")
                .to_owned()
        };
        let base_url = text("api_base").filter(|url| usual.map(plain) != Some(plain(url)));
        if let Some(url) = base_url {
            let found = haul.providers.entry(provider.clone()).or_default();
            found.base_url = Some(url.to_owned());
            // A host that speaks the common dialect under another's name.
            let is_common = kind.ends_with("compatible") && known.is_some();
            found.kind = is_common.then_some(COMPATIBLE);
        }
        if let Some(key) = text("api_key") {
            haul.keys.insert(provider, Secret::new(key));
            haul.keys_in = Some(file.to_owned());
        }
        let more = client.as_object().into_iter().flat_map(|it| it.keys());
        let more = more
            .filter(|it| !["type", "name", "api_base", "api_key", "models"].contains(&it.as_str()));
        let more: Vec<&str> = more.map(String::as_str).collect();
        if !more.is_empty() {
            haul.note(
                file,
                format!("not taken over of the client {named}: {}", more.join(", ")),
            );
        }
    }
}

/// A model that stands as `client:model`.
fn id(registry: &Registry, model: &str) -> String {
    match model.split_once(':') {
        Some((client, model)) => model_id(registry, Some(client), model),
        None => model_id(registry, None, model),
    }
}

/// A role: settings between lines of dashes, then what the model is told.
fn role(file: &Path, text: &str, registry: &Registry, haul: &mut Haul) {
    let name = stem(file);
    let text = text.trim();
    let mut written = Written::default();
    let mut prompt = text;
    if let Some(rest) = text.strip_prefix("---")
        && let Some((head, body)) = rest.trim_start_matches('-').split_once("\n---")
    {
        prompt = body.trim_start_matches('-').trim();
        let head: Value = serde_saphyr::from_str(head).unwrap_or_default();
        let fields = head.as_object().cloned().unwrap_or_default();
        let mut left = Vec::new();
        for (field, value) in fields {
            match (field.as_str(), value.as_str()) {
                ("model", Some(model)) => written.model = Some(id(registry, model)),
                _ if value.is_null() => {}
                (field, _) => left.push(field.to_owned()),
            }
        }
        if !left.is_empty() {
            haul.note(file, format!("not taken over: {}", left.join(", ")));
        }
    }
    let mut examples = prompt.split("### INPUT:");
    let said = examples.next().unwrap_or_default().trim();
    for example in examples {
        let (asked, answered) = example.split_once("### OUTPUT:").unwrap_or((example, ""));
        written.examples.push(("user", literal(asked.trim())));
        written
            .examples
            .push(("assistant", literal(answered.trim())));
    }
    let filled = literal(said).replace("__INPUT__", "{{ input }}");
    if said.contains("__INPUT__") {
        written.takes("input", None);
        written.prompt = Some(match filled.starts_with("{% raw %}") {
            true => filled.replace("{{ input }}", "{% endraw %}{{ input }}{% raw %}"),
            false => filled,
        });
    } else if !said.is_empty() {
        written.system = Some(filled);
    }
    haul.templates.insert(name, written.toml());
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn session(home: &Path, file: &Path, told: &Value, registry: &Registry, haul: &mut Haul) {
    let Some(said) = told["messages"].as_array() else {
        return haul.note(file, "skipped: it has no messages");
    };
    let before = told["compressed_messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut talk = Talk::default();
    let model = told["model"].as_str().map(|it| id(registry, it));
    let mut media = 0;
    let all = before.iter().chain(said).enumerate();
    // Of what was summed up, the messages themselves are taken, not the sums, which are
    // system messages after the first.
    for (at, message) in all.filter(|(at, it)| *at == 0 || it["role"] != "system") {
        for message in spoken(message, at, &mut media) {
            talk.say(message).model.clone_from(&model);
        }
    }
    if media > 0 {
        haul.note(
            file,
            format!("not taken over: pictures and files ({media})"),
        );
    }
    let name = stem(file);
    // A name that the program gave begins with the time.
    let (began, title) = match name.split_at_checked(16) {
        Some((began, title)) if began.ends_with('-') => {
            let digits = began.replace(['T', '-'], "");
            let at = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
            let told = format!(
                "{}-{}-{} {}:{}:{}",
                at(0..4),
                at(4..6),
                at(6..8),
                at(8..10),
                at(10..12),
                at(12..14)
            );
            match time::ms(&told) {
                Some(ms) => (Some(ms), title.to_owned()),
                None => (None, name.clone()),
            }
        }
        _ => (None, name.clone()),
    };
    let place = file
        .strip_prefix(home)
        .unwrap_or(file)
        .display()
        .to_string();
    let began = began.unwrap_or_else(|| time::written(file));
    haul.add(
        format!("aichat:{place}"),
        &title.replace(['-', '_'], " "),
        talk,
        began,
    );
}

/// What a message of a session says.
fn spoken(message: &Value, at: usize, media: &mut usize) -> Vec<Message> {
    let role = match message["role"].as_str() {
        Some("system") => Role::System,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        _ => Role::User,
    };
    match &message["content"] {
        Value::String(text) => vec![Message::new(role, vec![Part::text(text)])],
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|it| it["text"].as_str());
            let texts: Vec<&str> = texts.collect();
            *media += parts.len() - texts.len();
            vec![Message::new(role, vec![Part::text(texts.join("\n\n"))])]
        }
        // Calls stand with their results in one message.
        calls => {
            let mut parts = Vec::new();
            let mut results = Vec::new();
            let text = calls["text"].as_str().filter(|it| !it.is_empty());
            parts.extend(text.map(Part::text));
            let ran = calls["tool_results"].as_array().into_iter().flatten();
            for (number, ran) in ran.enumerate() {
                let call = &ran["call"];
                let minted = || format!("call-{at}-{number}");
                let id = call["id"].as_str().map_or_else(minted, str::to_owned);
                let name = call["name"].as_str().unwrap_or("tool");
                let arguments = Arguments::json(call["arguments"].to_string());
                parts.push(ToolCall::new(&id, name, arguments).into());
                let output = match &ran["output"] {
                    Value::String(text) => text.clone(),
                    output => output.to_string(),
                };
                results.push(ToolResult::text(&id, output));
            }
            let mut messages = vec![Message::new(Role::Assistant, parts)];
            if !results.is_empty() {
                messages.push(Message::tool_results(results));
            }
            messages
        }
    }
}

/// Single questions with their answers: `# CHAT: title [time]`, then both between lines of dashes.
fn messages(text: &str, haul: &mut Haul) {
    let head = |line: &str| -> Option<(String, i64)> {
        let (title, rest) = line.strip_prefix("# CHAT: ")?.rsplit_once(" [")?;
        let at_ms = time::ms(rest.split(']').next()?)?;
        Some((title.trim().to_owned(), at_ms))
    };
    let mut chat: Option<(String, i64, String)> = None;
    for line in text
        .split_inclusive('\n')
        .chain(std::iter::once("# CHAT: end [1970-01-01T00:00:00Z]"))
    {
        match head(line.trim_end()) {
            Some((title, at_ms)) => {
                let before = chat.replace((title, at_ms, String::new()));
                if let Some((title, at_ms, body)) = before {
                    single(&title, at_ms, &body, haul);
                }
            }
            None => {
                if let Some((_, _, body)) = &mut chat {
                    body.push_str(line);
                }
            }
        }
    }
}

fn single(title: &str, at_ms: i64, body: &str, haul: &mut Haul) {
    const LINE: &str = "\n--------\n";
    let Some((asked, answered)) = body.split_once(LINE) else {
        return haul
            .notes
            .push(format!("messages.md: skipped what has no answer: {title}"));
    };
    let answered = answered
        .trim_end()
        .strip_suffix("--------")
        .unwrap_or(answered)
        .trim();
    let mut talk = Talk::default();
    talk.say(Message::user(asked));
    talk.say(Message::assistant(answered)).at_ms = Some(at_ms);
    haul.add(
        format!("aichat:messages.md:{at_ms}:{asked}"),
        title,
        talk,
        at_ms,
    );
}
