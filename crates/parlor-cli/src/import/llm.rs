//! llm: `logs.db`, templates, the default model.
//!
//! <https://github.com/simonw/llm>: `llm/migrations.py`, `llm/templates.py` as of 0.36. Up to 0.31 what
//! was said is in `responses`, since then in `threads`, `turns`, `messages` and `parts`; a database may
//! have both.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use parlor::{Arguments, Env, Message, Part, Registry, Role, Secret, ToolCall, ToolResult};
use parlor_store::Foreign;
use serde_json::Value;

use super::aichat::{files, yaml};
use super::text::Written;
use super::{Fact, Haul, Talk, folder, model_id, nothing, places, provider_called, time, usual};
use crate::failure::Failure;

/// What a template may say that is known here.
const KEYS: &[&str] = &[
    "name",
    "prompt",
    "system",
    "model",
    "defaults",
    "schema_object",
];

const THREADS: &str = "SELECT CAST(id AS TEXT), CAST(name AS TEXT), CAST(tip_message_hash AS TEXT),
    CAST(datetime_utc AS TEXT) FROM threads ORDER BY datetime_utc, id";
const MESSAGES: &str = "SELECT CAST(hash AS TEXT), CAST(parent_hash AS TEXT), CAST(role AS TEXT)
    FROM messages";
const PARTS: &str =
    "SELECT CAST(message_hash AS TEXT), CAST(type AS TEXT), CAST(tool_name AS TEXT),
    CAST(text AS TEXT), CAST(payload AS TEXT) FROM parts ORDER BY message_hash, position";
const TURNS: &str =
    "SELECT CAST(thread_id AS TEXT), CAST(tip_message_hash AS TEXT), CAST(model AS TEXT),
    CAST(input_tokens AS TEXT), CAST(output_tokens AS TEXT), CAST(datetime_utc AS TEXT) FROM turns";
const FRAGMENTS: &str = "SELECT CAST(id AS TEXT), CAST(content AS TEXT) FROM fragments";
const RESPONSES: &str = "SELECT CAST(coalesce(responses.conversation_id, responses.id) AS TEXT),
    CAST(conversations.name AS TEXT), CAST(responses.model AS TEXT), CAST(responses.prompt AS TEXT),
    CAST(responses.system AS TEXT), CAST(responses.response AS TEXT),
    CAST(responses.datetime_utc AS TEXT), CAST(responses.input_tokens AS TEXT),
    CAST(responses.output_tokens AS TEXT), CAST(responses.id AS TEXT)
    FROM responses LEFT JOIN conversations ON conversations.id = responses.conversation_id
    ORDER BY responses.datetime_utc, responses.id";
/// Before tokens were counted.
const FIRST_RESPONSES: &str =
    "SELECT CAST(coalesce(responses.conversation_id, responses.id) AS TEXT),
    CAST(conversations.name AS TEXT), CAST(responses.model AS TEXT), CAST(responses.prompt AS TEXT),
    CAST(responses.system AS TEXT), CAST(responses.response AS TEXT),
    CAST(responses.datetime_utc AS TEXT), NULL, NULL, CAST(responses.id AS TEXT)
    FROM responses LEFT JOIN conversations ON conversations.id = responses.conversation_id
    ORDER BY responses.datetime_utc, responses.id";
/// Texts that stand before a prompt or a system prompt, which the log has apart.
const PROMPT_FRAGMENTS: &str = "SELECT CAST(prompt_fragments.response_id AS TEXT),
    CAST(fragments.content AS TEXT) FROM prompt_fragments
    JOIN fragments ON fragments.id = prompt_fragments.fragment_id
    ORDER BY prompt_fragments.response_id, prompt_fragments.\"order\"";
const SYSTEM_FRAGMENTS: &str = "SELECT CAST(system_fragments.response_id AS TEXT),
    CAST(fragments.content AS TEXT) FROM system_fragments
    JOIN fragments ON fragments.id = system_fragments.fragment_id
    ORDER BY system_fragments.response_id, system_fragments.\"order\"";
/// What a response had beside texts, by what it is called.
const BESIDE: &[(&str, &str)] = &[
    (
        "attachments",
        "SELECT CAST(response_id AS TEXT) FROM prompt_attachments",
    ),
    (
        "tool calls",
        "SELECT CAST(response_id AS TEXT) FROM tool_calls",
    ),
];
const TABLES: &str = "SELECT CAST(name AS TEXT) FROM sqlite_master WHERE type = 'table'";

type Row = Vec<Option<String>>;

pub(super) async fn read(
    path: Option<&Path>,
    env: &Env,
    registry: &Registry,
    haul: &mut Haul,
) -> Result<(), Failure> {
    let mut usual = usual(env, "XDG_CONFIG_HOME", ".config", "io.datasette.llm");
    usual.insert(0, env.get("LLM_USER_PATH").map(PathBuf::from));
    let places = places(path, usual);
    let database = path.filter(|path| path.is_file()).map(Path::to_owned);
    let home = folder(&places);
    if home.is_none() && database.is_none() {
        return Err(nothing("llm", &places));
    }
    if let Some(home) = &home {
        settings(home, registry, haul);
    }
    let database = database.or_else(|| Some(home?.join("logs.db")));
    if let Some(file) = database.filter(|it| it.is_file())
        && let Err(error) = logs(&file, registry, haul).await
    {
        haul.note(&file, format!("not read to its end: {error}"));
    }
    Ok(())
}

fn settings(home: &Path, registry: &Registry, haul: &mut Haul) {
    if let Ok(model) = fs::read_to_string(home.join("default_model.txt")) {
        haul.default_model = Some(model_id(registry, None, model.trim()));
    }
    let file = home.join("keys.json");
    let keys = fs::read(&file).ok();
    let keys = keys.and_then(|keys| serde_json::from_slice::<Value>(&keys).ok());
    for (name, key) in keys.iter().filter_map(Value::as_object).flatten() {
        if let (Some(key), false) = (key.as_str(), name.starts_with("//")) {
            let provider = provider_called(registry, name).unwrap_or(name);
            haul.keys.insert(provider.to_owned(), Secret::new(key));
            haul.keys_in = Some(file.clone());
        }
    }
    let of_models = ["aliases.json", "model_options.json"].map(|name| home.join(name));
    let more = files(home, "yaml").into_iter();
    for file in of_models.into_iter().chain(more).filter(|it| it.is_file()) {
        haul.note(
            &file,
            "not taken over: write [models.NAME] in the configuration",
        );
    }
    for file in files(&home.join("templates"), "yaml") {
        if let Some(told) = yaml(&file, haul) {
            template(&file, &told, registry, haul);
        }
    }
}

fn template(file: &Path, told: &Value, registry: &Registry, haul: &mut Haul) {
    let mut written = Written::default();
    let defaults = told["defaults"].as_object();
    let default = |name: &str| match defaults?.get(name)? {
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    };
    let mut fill = |text: &str| {
        let (filled, names) = jinja(text);
        names
            .iter()
            .for_each(|name| written.takes(name, default(name)));
        filled
    };
    let prompt = told.as_str().or(told["prompt"].as_str()).map(&mut fill);
    let system = told["system"].as_str().map(&mut fill);
    (written.prompt, written.system) = (prompt, system);
    written.model = told["model"]
        .as_str()
        .map(|it| model_id(registry, None, it));
    written.schema = told
        .get("schema_object")
        .filter(|it| it.is_object())
        .map(Value::to_string);
    let fields = told.as_object().into_iter().flat_map(|it| it.keys());
    let left: Vec<&str> = fields
        .map(String::as_str)
        .filter(|it| !KEYS.contains(it))
        .collect();
    if !left.is_empty() {
        haul.note(file, format!("not taken over: {}", left.join(", ")));
    }
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    haul.templates.insert(name.into_owned(), written.toml());
}

/// From `$name`, `${name}` and `$$` to what is filled in here, and the names.
fn jinja(text: &str) -> (String, Vec<String>) {
    let mut filled = String::new();
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(&super::text::literal(before));
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, after) = match (after.strip_prefix('$'), after.strip_prefix('{')) {
            (Some(after), _) => ("", after),
            (None, Some(inner)) => inner.split_once('}').unwrap_or(("", after)),
            (None, None) => after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len())),
        };
        match name.is_empty() || !name.chars().all(is_word) {
            true => filled.push('$'),
            false => {
                filled.push_str(&format!("{{{{ {name} }}}}"));
                names.push(name.to_owned());
            }
        }
        rest = after;
    }
    filled.push_str(&super::text::literal(rest));
    (filled, names)
}

async fn logs(file: &Path, registry: &Registry, haul: &mut Haul) -> parlor::Result<()> {
    let mut database = Foreign::open(file).await?;
    let tables = database.texts(TABLES).await?;
    let has = |name: &str| tables.iter().any(|row| row[0].as_deref() == Some(name));
    let mut taken: Vec<String> = Vec::new();
    if has("threads") && has("turns") {
        taken = threads(&mut database, file, registry, haul).await?;
    }
    if has("responses") && has("conversations") {
        let rows = match database.texts(RESPONSES).await {
            Ok(rows) => rows,
            Err(_) => database.texts(FIRST_RESPONSES).await?,
        };
        let told = [
            by_response(&mut database, PROMPT_FRAGMENTS).await,
            by_response(&mut database, SYSTEM_FRAGMENTS).await,
        ];
        let left_in = |row: &&Row| taken.iter().any(|it| it == text(row, 0));
        let rows: Vec<&Row> = rows.iter().filter(|row| !left_in(row)).collect();
        let ids: HashSet<&str> = rows.iter().map(|row| text(row, 9)).collect();
        let mut left = Vec::new();
        for (name, query) in BESIDE {
            let beside = database.texts(query).await.unwrap_or_default();
            let count = beside.iter().filter(|row| ids.contains(text(row, 0)));
            left.extend(
                Some(count.count())
                    .filter(|it| *it > 0)
                    .map(|it| format!("{name} ({it})")),
            );
        }
        if !left.is_empty() {
            haul.note(file, format!("not taken over: {}", left.join(", ")));
        }
        responses(&rows, &told, registry, haul);
    }
    Ok(())
}

/// Texts by the response that they were told to. An older log has no such table.
async fn by_response(database: &mut Foreign, query: &'static str) -> HashMap<String, Vec<String>> {
    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    for row in database.texts(query).await.unwrap_or_default() {
        let texts = told.entry(text(&row, 0).to_owned()).or_default();
        texts.push(text(&row, 1).to_owned());
    }
    told
}

/// A text of a row, by its place.
fn text(row: &Row, at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

fn fact(registry: &Registry, model: &str, input: &str, output: &str, at: &str) -> Fact {
    let mut fact = Fact {
        at_ms: time::ms(at),
        model: Some(model)
            .filter(|it| !it.is_empty())
            .map(|it| model_id(registry, None, it)),
        ..Fact::default()
    };
    fact.usage.input_tokens = input.parse().ok();
    fact.usage.output_tokens = output.parse().ok();
    fact
}

/// Conversations up to 0.31, of the fragments of prompts and of system prompts as well.
fn responses(
    rows: &[&Row],
    [prompts, systems]: &[HashMap<String, Vec<String>>; 2],
    registry: &Registry,
    haul: &mut Haul,
) {
    // As it is put together for the model there.
    let joined = |row: &Row, fragments: &HashMap<String, Vec<String>>, at: usize, by: &str| {
        let before = fragments.get(text(row, 9)).into_iter().flatten();
        let all = before.map(String::as_str).chain([text(row, at)]);
        let all: Vec<&str> = all.filter(|it| !it.is_empty()).collect();
        all.join(by)
    };
    let mut talks: Vec<(String, String, Talk, i64)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let id = text(row, 0).to_owned();
        let began = time::ms(text(row, 6)).unwrap_or_default();
        let at = *places.entry(id.clone()).or_insert(talks.len());
        if at == talks.len() {
            talks.push((id, text(row, 1).to_owned(), Talk::default(), began));
        }
        let talk = &mut talks[at].2;
        // Instructions stand with every question.
        let system = joined(row, systems, 4, "\n\n");
        if !system.is_empty() && talk.history.is_empty() {
            talk.history.set_system(Some(system));
        }
        talk.say(Message::user(joined(row, prompts, 3, "\n")));
        let answered = talk.say(Message::assistant(text(row, 5)));
        *answered = fact(
            registry,
            text(row, 2),
            text(row, 7),
            text(row, 8),
            text(row, 6),
        );
    }
    for (id, name, talk, began) in talks {
        haul.add(format!("llm:{id}"), &name, talk, began);
    }
}

/// Conversations since 0.32: messages that lead back to the first; gives their ids.
async fn threads(
    database: &mut Foreign,
    file: &Path,
    registry: &Registry,
    haul: &mut Haul,
) -> parlor::Result<Vec<String>> {
    let messages = database.texts(MESSAGES).await?;
    let messages: HashMap<&str, (&str, &str)> = messages
        .iter()
        .map(|row| (text(row, 0), (text(row, 1), text(row, 2))))
        .collect();
    let fragments = database.texts(FRAGMENTS).await.unwrap_or_default();
    let fragments: HashMap<&str, &str> = fragments
        .iter()
        .map(|row| (text(row, 0), text(row, 1)))
        .collect();
    let rows = database.texts(PARTS).await?;
    let mut parts: HashMap<&str, Vec<&Row>> = HashMap::new();
    rows.iter()
        .for_each(|row| parts.entry(text(row, 0)).or_default().push(row));
    let turns = database.texts(TURNS).await?;
    let turns: HashMap<(&str, &str), &Row> = turns
        .iter()
        .map(|row| ((text(row, 0), text(row, 1)), row))
        .collect();
    let (mut ids, mut media) = (Vec::new(), 0);
    for thread in database.texts(THREADS).await? {
        let (id, name, began) = (text(&thread, 0), text(&thread, 1), text(&thread, 3));
        let mut chain = Vec::new();
        let mut at = text(&thread, 2);
        // One that leads to itself would never end.
        while let Some((parent, role)) = messages.get(at).filter(|_| chain.len() <= messages.len())
        {
            chain.push((at, *role));
            at = parent;
        }
        let mut talk = Talk::default();
        for (hash, role) in chain.into_iter().rev() {
            let role = match role {
                "system" => Role::System,
                "assistant" => Role::Assistant,
                "tool" => Role::Tool,
                _ => Role::User,
            };
            let said = parts.get(hash).map(Vec::as_slice).unwrap_or_default();
            let said = said
                .iter()
                .filter_map(|row| part(row, &fragments, &mut media));
            let told = talk.say(Message::new(role, said.collect()));
            if let Some(row) = turns.get(&(id, hash)) {
                *told = fact(
                    registry,
                    text(row, 2),
                    text(row, 3),
                    text(row, 4),
                    text(row, 5),
                );
            }
        }
        ids.push(id.to_owned());
        haul.add(
            format!("llm:{id}"),
            name,
            talk,
            time::ms(began).unwrap_or_default(),
        );
    }
    if media > 0 {
        haul.note(file, format!("not taken over: attachments ({media})"));
    }
    Ok(ids)
}

fn part(row: &Row, fragments: &HashMap<&str, &str>, media: &mut usize) -> Option<Part> {
    let payload: Value = serde_json::from_str(text(row, 4)).unwrap_or_default();
    let id = payload["tool_call_id"].as_str().unwrap_or("call");
    match text(row, 1) {
        "text" => match payload["text_ref"].as_array() {
            None => Some(Part::text(text(row, 3))),
            Some(pieces) => {
                let pieces = pieces.iter().map(|it| match it["literal"].as_str() {
                    Some(text) => text,
                    None => fragments
                        .get(it["fragment"].to_string().as_str())
                        .copied()
                        .unwrap_or_default(),
                });
                Some(Part::text(pieces.collect::<String>()))
            }
        },
        "tool_call" => {
            let arguments = Arguments::json(payload["arguments"].to_string());
            Some(ToolCall::new(id, text(row, 2), arguments).into())
        }
        "tool_result" => {
            let output = payload["output"].as_str().unwrap_or_default();
            Some(Part::from(ToolResult::text(id, output)))
        }
        "attachment" => {
            *media += 1;
            Some(Part::text("[attachment]"))
        }
        // Thoughts belong to the model that had them.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::jinja;

    #[test]
    fn what_is_filled_in_is_written_anew() {
        let of = |text: &str| jinja(text);
        assert_eq!(
            of("Sum: $input"),
            ("Sum: {{ input }}".into(), vec!["input".into()])
        );
        assert_eq!(
            of("${a}b $$5 {{x}}").0,
            "{{ a }}b $5 {{x}}".replace("5 {{x}}", "{% raw %}5 {{x}}{% endraw %}")
        );
        assert_eq!(of("costs $").0, "costs $");
    }
}
