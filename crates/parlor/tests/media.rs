//! What media each provider takes is known before anything is sent, and held to on every road.
#![cfg(all(feature = "all-providers", feature = "rustls"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::sync::Arc;

use parlor::{
    ChatModel, ChatRequest, Env, Error, ErrorKind, KeySource, Keys, KindLimits, Media, MediaFormat,
    MediaKind, MediaLimits, Message, OnUnsupported, PROVIDERS, Provider, ProviderConfig,
};
use parlor_testkit::ApiServer;

const BEGIN: &str = "<!-- media: written by `cargo xtask abilities` -->\n";
const END: &str = "<!-- end of media -->\n";

fn all() -> Vec<&'static dyn Provider> {
    let mut all: Vec<&dyn Provider> = PROVIDERS.concat();
    all.sort_by_key(|it| it.descriptor().id);
    all
}

fn provider(id: &str) -> &'static dyn Provider {
    let found = all().into_iter().find(|it| it.descriptor().id == id);
    found.unwrap_or_else(|| panic!("no provider `{id}`"))
}

/// A model of a provider's at an address, with what is known of the provider's own host; where a key
/// isn't enough, with something in every variable.
fn model(id: &str, name: &str, base_url: &str) -> Arc<dyn ChatModel> {
    const KEY: &str = "sk-0123456789abcdef";
    let provider = provider(id);
    let built = [false, true].into_iter().find_map(|is_everywhere| {
        let place = move |name: &str| match name {
            name if name.contains("REGION") || name.contains("LOCATION") => Some("us-east-1"),
            name if name.contains("PROJECT") => Some("some-project"),
            _ => is_everywhere.then_some(KEY),
        };
        let mut config = ProviderConfig::new(id)
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(KEY.into()))
            .with_env(Env::new(move |name| place(name).map(str::to_owned)));
        if is_everywhere {
            let names = provider.descriptor().key_env.iter();
            config.keys = Keys::new(vec![KeySource::Env(names.map(|it| (*it).into()).collect())]);
        }
        config.media = provider.descriptor().media;
        provider.build(name, &config).ok()
    });
    built.unwrap_or_else(|| panic!("`{id}` can't be built"))
}

/// Bytes that begin as a format does.
fn begun(format: MediaFormat, bytes: usize) -> Media {
    let head: &[u8] = match format {
        MediaFormat::Png => b"\x89PNG\r\n\x1a\n",
        MediaFormat::Jpeg => b"\xff\xd8\xff\xe0",
        MediaFormat::Gif => b"GIF89a\x01\0\x01\0",
        MediaFormat::Webp => b"RIFF\0\0\0\0WEBP",
        MediaFormat::Heic => b"\0\0\0\x18ftypheic",
        MediaFormat::Bmp => b"BM\0\0\0\0\0\0\0\0",
        MediaFormat::Mp4 => b"\0\0\0\x18ftypisom",
        MediaFormat::Webm => b"\x1a\x45\xdf\xa3\x42\x82\x84webm",
        MediaFormat::Avi => b"RIFF\0\0\0\0AVI ",
        MediaFormat::Mkv => b"\x1a\x45\xdf\xa3\x42\x82\x88matroska",
        MediaFormat::Wav => b"RIFF\0\0\0\0WAVE",
        MediaFormat::Mp3 => b"ID3\x04\0",
        MediaFormat::Flac => b"fLaC",
        MediaFormat::Pdf => b"%PDF-1.7",
        other => panic!("{other:?}"),
    };
    let mut all = head.to_vec();
    all.resize(bytes.max(head.len()), 0);
    assert_eq!(MediaFormat::of_bytes(&all), Some(format));
    Media::bytes(format.media_type(), all)
}

/// A PNG whose head speaks of so many pixels.
fn wide(width: u32, height: u32) -> Media {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let bytes = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &size].concat();
    Media::bytes("image/png", bytes)
}

const MIB: usize = 1 << 20;

/// What is refused by whom, and what is said of it.
#[tokio::test]
async fn what_a_provider_does_not_take_is_refused_before_it_is_sent() {
    use MediaFormat::*;
    let one = |format| vec![begun(format, 0)];
    let many = |format, count| vec![begun(format, 0); count];
    let sized = |format, bytes| vec![begun(format, bytes)];
    let cases: Vec<(&str, &str, Vec<Media>, &str)> = vec![
        ("openai", "gpt-4o", one(Heic), "image 1 is image/heic"),
        ("openai", "gpt-4o", one(Bmp), "image 1 is image/bmp"),
        (
            "openai",
            "gpt-4o",
            many(Png, 1_501),
            "has 1501 images, and at most 1500",
        ),
        (
            "openai-chat",
            "gpt-4o-audio-preview",
            one(Flac),
            "audio 1 is audio/flac",
        ),
        (
            "openai-responses",
            "gpt-4o",
            one(Heic),
            "image 1 is image/heic",
        ),
        ("azure-openai", "gpt-4o", one(Heic), "image 1 is image/heic"),
        ("anthropic", "claude-x", one(Heic), "image 1 is image/heic"),
        (
            "anthropic",
            "claude-x",
            vec![wide(8_001, 10)],
            "8001 x 10 pixels, and at most 8000",
        ),
        (
            "anthropic",
            "claude-x",
            vec![wide(10, 2_001); 21],
            "at most 2000 a side are taken where",
        ),
        (
            "anthropic",
            "claude-x",
            many(Png, 601),
            "has 601 images, and at most 600",
        ),
        (
            "anthropic",
            "claude-x",
            sized(Pdf, 25 * MIB),
            "bytes in base64, and at most 33554432",
        ),
        (
            "gemini",
            "gemini-3.8-flash",
            one(Bmp),
            "image 1 is image/bmp",
        ),
        (
            "gemini",
            "gemini-3.8-flash",
            one(Gif),
            "image 1 is image/gif",
        ),
        (
            "gemini",
            "gemini-3.8-flash",
            one(Mkv),
            "video 1 is video/x-matroska",
        ),
        (
            "gemini",
            "gemini-3.8-flash",
            many(Mp4, 11),
            "has 11 videos, and at most 10",
        ),
        (
            "gemini",
            "gemini-3.8-flash",
            sized(Pdf, 51 * MIB),
            "document 1 has 53477376 bytes",
        ),
        (
            "gemini",
            "gemini-3.8-flash",
            sized(Mp4, 76 * MIB),
            "and at most 104857600",
        ),
        ("ollama", "llava", one(Gif), "image 1 is image/gif"),
        ("ollama", "llava", one(Heic), "image 1 is image/heic"),
        (
            "bedrock",
            "amazon.nova-pro-v1:0",
            one(Heic),
            "image 1 is image/heic",
        ),
        (
            "bedrock",
            "amazon.nova-pro-v1:0",
            sized(Png, 4 * MIB),
            "image 1 has 4194304 bytes",
        ),
        (
            "bedrock",
            "amazon.nova-pro-v1:0",
            vec![wide(9_000, 1)],
            "9000 x 1 pixels",
        ),
        (
            "bedrock",
            "amazon.nova-pro-v1:0",
            many(Png, 21),
            "`image` stands 21 times",
        ),
        (
            "bedrock",
            "amazon.nova-pro-v1:0",
            many(Pdf, 6),
            "`document` stands 6 times",
        ),
        ("zhipu", "glm-4.6v", one(Webp), "image 1 is image/webp"),
        (
            "zhipu",
            "glm-4.6v",
            sized(Jpeg, 6 * MIB),
            "image 1 has 6291456 bytes",
        ),
        ("zhipu", "glm-4.6v", vec![wide(6_001, 1)], "6001 x 1 pixels"),
        ("zhipu", "glm-4.6v", one(Webm), "video 1 is video/webm"),
        (
            "zhipu",
            "glm-4.6v",
            many(Mp4, 3),
            "has 3 videos, and at most 2",
        ),
        ("qianfan", "ernie-5.0", one(Gif), "image 1 is image/gif"),
        (
            "qianfan",
            "ernie-5.0",
            sized(Png, 11 * MIB),
            "image 1 has 11534336 bytes",
        ),
        (
            "hunyuan",
            "hunyuan-vision",
            sized(Mp4, 101 * MIB),
            "video 1 has 105906176 bytes",
        ),
        (
            "mistral",
            "pixtral-large",
            one(Heic),
            "image 1 is image/heic",
        ),
        (
            "cohere",
            "command-a-vision",
            one(Heic),
            "image 1 is image/heic",
        ),
        ("xai", "grok-4.5", one(Webp), "image 1 is image/webp"),
        (
            "xai",
            "grok-4.5",
            sized(Png, 21 * MIB),
            "image 1 has 22020096 bytes",
        ),
        (
            "groq",
            "llama-4",
            many(Png, 6),
            "has 6 images, and at most 5",
        ),
        ("openrouter", "x/y", one(Heic), "image 1 is image/heic"),
        ("openrouter", "x/y", one(Avi), "video 1 is video/x-msvideo"),
        ("perplexity", "sonar", one(Heic), "image 1 is image/heic"),
    ];
    let server = ApiServer::start([]).await.unwrap();
    for (id, name, media, said) in cases {
        let model = model(id, name, &server.url());
        let message = media.into_iter().fold(Message::user("see"), Message::with);
        let request = ChatRequest::new([message]);
        let check = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::Media, "{id}: {error}");
            assert!(error.message().contains(said), "{id}: {error}");
            assert_eq!((error.provider(), error.model()), (Some(id), Some(name)));
            assert!(error.help().len() > 20, "{id}: {}", error.help());
        };
        check(model.chat(&request).await.unwrap_err());
        check(model.stream(&request).await.map(drop).unwrap_err());
    }
    assert!(server.requests().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn who_is_content_with_a_warning_is_sent_the_rest() {
    let server = ApiServer::start([]).await.unwrap();
    let model = model("openai-chat", "gpt-4o", &server.url());
    let message = Message::user("see")
        .with(begun(MediaFormat::Heic, 0))
        .with(begun(MediaFormat::Png, 0));
    let mut request = ChatRequest::new([message]);
    request.on_unsupported = Some(OnUnsupported::Warn);
    model.chat(&request).await.expect_err("nobody answers");
    let sent = server.requests();
    let body = String::from_utf8(sent[0].body.to_vec()).unwrap();
    assert!(
        body.contains("image/png") && !body.contains("image/heic"),
        "{body}"
    );
}

#[test]
fn limits_are_the_hosts_own_and_can_be_set() {
    let info = |toml: &str, id: &str| {
        let config = parlor::Config::from_toml(toml).unwrap();
        let registry = parlor::Registry::with(&PROVIDERS.concat()).unwrap();
        let registry = registry
            .with_env(Env::new(|_| None))
            .with_config(config)
            .unwrap();
        registry.model(id).unwrap().info().media
    };
    let own = "[providers.openai]\napi_key = \"k\"\n";
    let known = info(own, "openai/gpt-4o");
    assert_eq!(known.image.count, Some(1_500));
    assert_eq!(known.image.fetched, Some(true));
    // Another host behind the same words.
    let other = info(
        &format!("{own}base_url = \"http://localhost:1\""),
        "openai/gpt-4o",
    );
    assert_eq!((other.image.count, other.total_bytes), (None, None));
    let set = format!("{own}media.image = {{ count = 3, formats = [\"image/png\"] }}");
    let set = info(&set, "openai/gpt-4o");
    assert_eq!(set.image.count, Some(3));
    assert_eq!(set.total_bytes, known.total_bytes);
    assert!(!set.image.formats.unwrap().contains(MediaFormat::Jpeg));
    let few = "[providers.anthropic]\napi_key = \"k\"\n";
    let few = info(few, "anthropic/claude-haiku-4-5");
    assert!(matches!(few.image.count, Some(100 | 600)), "{few:?}");
}

fn cell(limits: &KindLimits) -> String {
    let mut cell = String::new();
    let mut add = |text: String| {
        cell.push_str(if cell.is_empty() { "" } else { ", " });
        cell.push_str(&text);
    };
    if let Some(formats) = limits.formats {
        let names = formats
            .iter()
            .filter_map(|it| it.media_type().split('/').nth(1));
        let names: Vec<_> = names.map(|it| it.trim_start_matches("x-")).collect();
        add(names.join(" "));
    }
    if let Some(bytes) = limits.bytes {
        add(size(bytes));
    }
    if let Some(count) = limits.count {
        add(format!("{count} at most"));
    }
    if let Some(side) = limits.side {
        add(format!("{side} px"));
    }
    if let Some((count, side)) = limits.crowd {
        add(format!("{side} px beyond {count}"));
    }
    if limits.fetched == Some(false) {
        add("no addresses".to_owned());
    }
    cell
}

fn size(bytes: u64) -> String {
    match bytes % MIB as u64 {
        0 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.2} MiB", bytes as f64 / MIB as f64),
    }
}

async fn table() -> String {
    let mut table = String::from(
        "| provider | images | videos | sounds | documents | in all, in base64 |\n\
         |---|---|---|---|---|---|\n",
    );
    for provider in all() {
        let id = provider.descriptor().id;
        let name = provider.descriptor().default_model.unwrap_or("some-model");
        if id == "echo" {
            continue;
        }
        let media: MediaLimits = model(id, name, "http://127.0.0.1:9").info().media;
        let kinds = [
            MediaKind::Image,
            MediaKind::Video,
            MediaKind::Audio,
            MediaKind::Document,
        ];
        let cells = kinds.map(|kind| cell(media.of(kind)));
        if cells.iter().all(|it| it.is_empty() || it == "no addresses")
            && media.total_bytes.is_none()
        {
            continue;
        }
        let total = media.total_bytes.map(size).unwrap_or_default();
        writeln!(table, "| `{id}` | {} | {total} |", cells.join(" | ")).unwrap();
    }
    table
}

/// As `cargo xtask abilities` writes it.
#[tokio::test]
async fn the_table_on_the_map_is_what_is_known() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let map = std::fs::read_to_string(path).unwrap();
    let (before, rest) = map.split_once(BEGIN).expect("the table's beginning");
    let (written, after) = rest.split_once(END).expect("the table's end");
    let table = table().await;
    if std::env::var_os("PARLOR_WRITE_ABILITIES").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "`cargo xtask abilities` writes it anew");
}
