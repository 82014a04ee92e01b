//! The table of providers and abilities on the map is what the code does, and the registry's table
//! of known providers is what their descriptors say.
//!
//! Each provider's model is asked for each thing, strictly, at a server that knows nothing: what a
//! dialect can't say for the host fails before anything is sent. The rest is the catalogue's.
//! `cargo xtask abilities` writes both anew.
#![cfg(all(feature = "all-providers", feature = "rustls"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fmt::Write as _;

use parlor::{
    COMPATIBLE, Capability, Catalogue, ChatRequest, Descriptor, Effort, Env, ErrorKind, KNOWN,
    KeySource, Media, MediaKind, Message, OnUnsupported, OutputFormat, OutputSchema, PROVIDERS,
    Provider, ProviderConfig, ToolChoice, ToolDefinition,
};
use parlor_testkit::ApiServer;
use serde_json::json;

const BEGIN: &str = "<!-- abilities: written by `cargo xtask abilities` -->\n";
const END: &str = "<!-- end of abilities -->\n";

/// An ability: its column, how it is asked for, and what the catalogue calls it.
type Ability = (&'static str, fn(&mut ChatRequest), Option<Capability>);

const ABILITIES: &[Ability] = &[
    ("tools", with_tool, Some(Capability::Tools)),
    ("must call", with_required_tool, None),
    ("schema", with_schema, Some(Capability::JsonSchema)),
    ("JSON", |it| it.output = Some(OutputFormat::Json), None),
    ("reasoning", with_reasoning, Some(Capability::Reasoning)),
    ("images", with_image, Some(Capability::ImageInput)),
    ("audio", with_audio, Some(Capability::AudioInput)),
    ("PDF", with_document, Some(Capability::DocumentInput)),
    ("stop", |it| it.stop = vec!["x".into()], None),
    ("seed", |it| it.seed = Some(7), None),
    ("choices", |it| it.n = Some(2), None),
    ("logprobs", |it| it.logprobs = Some(true), None),
];

fn with_tool(request: &mut ChatRequest) {
    let parameters = json!({"type": "object", "properties": {}, "additionalProperties": false});
    request.tools = vec![ToolDefinition::function("f", "A function.", parameters)];
}

fn with_required_tool(request: &mut ChatRequest) {
    with_tool(request);
    request.tool_choice = Some(ToolChoice::Required);
}

fn with_schema(request: &mut ChatRequest) {
    let schema = json!({
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": false,
    });
    request.output = Some(OutputFormat::JsonSchema(OutputSchema::new("a", schema)));
}

fn with_reasoning(request: &mut ChatRequest) {
    request.reasoning = Some(Effort::Low.into());
}

fn with_media(request: &mut ChatRequest, media_type: &str, kind: MediaKind) {
    let mut media = Media::bytes(media_type, &b"data"[..]);
    media.kind = kind;
    media.name = Some("data".into());
    request.messages = vec![Message::user("What is it?").with(media)];
}

fn with_image(request: &mut ChatRequest) {
    with_media(request, "image/png", MediaKind::Image);
}

fn with_audio(request: &mut ChatRequest) {
    with_media(request, "audio/wav", MediaKind::Audio);
}

fn with_document(request: &mut ChatRequest) {
    with_media(request, "application/pdf", MediaKind::Document);
}

/// A model of which nobody knows anything, so that the host's ways alone decide.
const NOBODY: &str = "some-model";

/// A provider with one key, a region and a project; or, where that isn't enough, with something in
/// every variable.
fn config(provider: &dyn Provider, base_url: &str) -> ProviderConfig {
    const KEY: &str = "sk-0123456789abcdef";
    let descriptor = provider.descriptor();
    let place = |name: &str| match name {
        name if name.contains("REGION") || name.contains("LOCATION") => Some("us-east-1".into()),
        name if name.contains("PROJECT") => Some("some-project".into()),
        _ => None,
    };
    let config = ProviderConfig::new(descriptor.id).with_base_url(base_url);
    let simple = config
        .clone()
        .with_key(KeySource::Explicit(KEY.into()))
        .with_env(Env::new(place));
    if provider.build(NOBODY, &simple).is_ok() {
        return simple;
    }
    let names = descriptor.key_env.iter().map(|it| (*it).to_owned());
    config
        .with_key(KeySource::Env(names.collect()))
        .with_env(Env::new(move |name| {
            place(name).or_else(|| Some(KEY.to_owned()))
        }))
}

/// The models that the catalogue has of a provider, with a capability where one is named.
fn models(descriptor: &Descriptor, capability: Option<Capability>) -> Vec<&'static str> {
    let id = descriptor.region_of.unwrap_or(descriptor.id);
    let entries = Catalogue::builtin().entries().iter();
    entries
        .filter(|it| it.provider == id)
        .filter(|it| capability.is_none_or(|wanted| it.capabilities.has(wanted)))
        .map(|it| it.id.as_ref())
        .collect()
}

/// Whether a request is refused before anything is sent; `None` where the model can't be built.
async fn is_refused(
    provider: &dyn Provider,
    name: &str,
    config: &ProviderConfig,
    request: &ChatRequest,
) -> Option<bool> {
    let model = provider.build(name, config).ok()?;
    let refusal = model.chat(request).await.expect_err("nobody answers");
    let kind = refusal.kind();
    Some(kind == ErrorKind::Unsupported && refusal.status().is_none())
}

/// A provider's row.
async fn row(provider: &dyn Provider, server: &ApiServer) -> String {
    let descriptor = provider.descriptor();
    let config = config(provider, &server.url());
    let names: Vec<String> = descriptor.ids().map(|id| format!("`{id}`")).collect();
    let mut row = format!("| {} | `{}` |", names.join(" "), descriptor.feature);
    let all = models(descriptor, None).len();
    write!(row, " {} |", number(all)).unwrap();
    for (_, ask, capability) in ABILITIES {
        let mut request = ChatRequest::from("Hello");
        ask(&mut request);
        request.on_unsupported = Some(OnUnsupported::Error);
        let able = capability.map_or(Vec::new(), |it| models(descriptor, Some(it)));
        let mut refused = is_refused(provider, NOBODY, &config, &request).await;
        // What a host takes for some models only, it may take for one that is known to be able.
        if let (Some(true), Some(name)) = (refused, able.first()) {
            refused = is_refused(provider, name, &config, &request).await;
        }
        match (refused, able.len()) {
            // It wants settings of its own that nobody can guess.
            (None, _) => row.push_str(" ? |"),
            (Some(true), _) => row.push_str(" – |"),
            (Some(false), 0) => row.push_str(" yes |"),
            (Some(false), count) => write!(row, " {count} |").unwrap(),
        }
    }
    let lists = provider.models(&config).await;
    let unlisted = lists.is_err_and(|it| it.kind() == ErrorKind::Unsupported);
    row.push_str(if unlisted { " – |" } else { " yes |" });
    let batches = provider.batches(NOBODY, &config);
    let takes = !batches.is_err_and(|it| it.kind() == ErrorKind::Unsupported);
    assert_eq!(takes, descriptor.batches, "{}", descriptor.id);
    row.push_str(if takes { " yes |\n" } else { " – |\n" });
    row
}

fn number(count: usize) -> String {
    match count {
        0 => String::new(),
        count => count.to_string(),
    }
}

/// In the order of the alphabet, whatever the order of crates.
fn all() -> Vec<&'static dyn Provider> {
    let mut all: Vec<&dyn Provider> = PROVIDERS.concat();
    all.sort_by_key(|it| (it.descriptor().id == COMPATIBLE, it.descriptor().id));
    all
}

async fn table() -> String {
    let server = ApiServer::start([]).await.unwrap();
    let columns: Vec<&str> = ABILITIES.iter().map(|it| it.0).collect();
    let mut table = format!(
        "| provider | feature | models | {} | list | batches |\n|---|---|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len() + 2),
    );
    for provider in all() {
        table.push_str(&row(provider, &server).await);
    }
    table
}

fn is_writing() -> bool {
    std::env::var_os("PARLOR_WRITE_ABILITIES").is_some()
}

#[test]
fn the_known_providers_are_those_that_there_are() {
    let providers = all();
    let descriptors = providers.iter().map(|it| it.descriptor());
    if is_writing() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/",
            "../parlor-registry/src/registry/known/table.rs"
        );
        let old = std::fs::read_to_string(path).unwrap();
        let (head, _) = old.split_once(" = &[").expect("the table's beginning");
        let mut new = format!("{head} = &[\n");
        for it in descriptors {
            let (id, aliases, feature, makes) = (it.id, it.aliases, it.feature, it.makes);
            writeln!(
                new,
                "    known({id:?}, &{aliases:?}, {feature:?}, &{makes:?}),"
            )
            .unwrap();
        }
        new.push_str("];\n");
        std::fs::write(path, new).unwrap();
        return;
    }
    let told: Vec<_> = descriptors
        .map(|it| (it.id, it.aliases, it.feature, it.makes))
        .collect();
    let known = KNOWN
        .iter()
        .map(|it| (it.id, it.aliases, it.feature, it.makes));
    assert_eq!(
        known.collect::<Vec<_>>(),
        told,
        "run `cargo xtask abilities`"
    );
}

#[tokio::test]
async fn the_table_is_what_the_code_does() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let map = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = map.split_once(BEGIN).expect("the table's beginning");
    let (old, tail) = rest.split_once(END).expect("the table's end");
    let new = table().await;
    if is_writing() {
        std::fs::write(&path, format!("{head}{BEGIN}{new}{END}{tail}")).unwrap();
        return;
    }
    for (old, new) in old.lines().zip(new.lines()) {
        assert_eq!(old, new, "run `cargo xtask abilities`");
    }
    assert!(old == new, "run `cargo xtask abilities`");
}
