//! Every dialect holds media to what the provider takes, in the same words, before it writes them.

#![allow(clippy::unwrap_used)]

use parlor_core::*;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::hunyuan::Hunyuan;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::{Documents, OpenAiChat, Quirks};
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Dialect, Profile, Target, WireRequest};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x01";
const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";

fn image(bytes: &'static [u8]) -> Media {
    // What it is said to be doesn't count.
    let mut media = Media::bytes("image/png", bytes);
    media.name = Some("cat.png".into());
    media
}

fn of_all(write: impl Fn(&str, &dyn Fn(&ChatRequest, &ModelInfo) -> Result<WireRequest>)) {
    fn run<D: Dialect>(
        dialect: D,
        name: &str,
        write: &impl Fn(&str, &dyn Fn(&ChatRequest, &ModelInfo) -> Result<WireRequest>),
    ) {
        let profile = Profile::default();
        write(name, &|request, info| {
            dialect.write_request(request, &Target::new(info, &profile))
        });
    }
    run(AnthropicMessages::default(), "anthropic", &write);
    run(BedrockConverse::default(), "bedrock", &write);
    run(Cohere::default(), "cohere", &write);
    run(Gemini::default(), "gemini", &write);
    run(Hunyuan::default(), "hunyuan", &write);
    run(Ollama::default(), "ollama", &write);
    run(OpenAiChat::default(), "chat", &write);
    run(OpenAiResponses::default(), "responses", &write);
}

fn info(limits: KindLimits) -> ModelInfo {
    let mut info = ModelInfo::new("house", "model");
    info.media = MediaLimits::UNKNOWN.image(limits);
    info
}

fn said(error: Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Media);
    assert_eq!(
        (error.provider(), error.model()),
        (Some("house"), Some("model"))
    );
    assert_eq!(error.retry(), Retry::Never);
    assert!(!error.help().is_empty());
    error.message().to_owned()
}

#[test]
fn the_same_is_refused_in_the_same_words() {
    let web = KindLimits::UNKNOWN.formats(MediaFormats::WEB);
    let mut encoded = KindLimits::UNKNOWN.bytes(30);
    encoded.encoded = true;
    let cases: Vec<(KindLimits, Vec<Media>, &str)> = vec![
        (
            web,
            vec![image(PNG), image(HEIC)],
            "image 2 (`cat.png`) is image/heic, and only image/png, image/jpeg, image/gif, image/webp are taken",
        ),
        (
            KindLimits::UNKNOWN.bytes(23),
            vec![image(PNG)],
            "image 1 (`cat.png`) has 24 bytes, and at most 23 are taken",
        ),
        (
            encoded,
            vec![image(PNG)],
            "image 1 (`cat.png`) has 32 bytes in base64, and at most 30 are taken",
        ),
        (
            KindLimits::UNKNOWN.side(255),
            vec![image(PNG)],
            "image 1 (`cat.png`) is 256 x 1 pixels, and at most 255 a side are taken",
        ),
        (
            KindLimits::UNKNOWN.count(1),
            vec![image(PNG); 2],
            "the request has 2 images, and at most 1 are taken",
        ),
        (
            KindLimits::UNKNOWN.crowd(1, 200),
            vec![image(PNG); 2],
            "an image (`cat.png`) is 256 x 1 pixels, and at most 200 a side are taken where there are more than 1 images",
        ),
    ];
    of_all(|name, write| {
        for (limits, media, expected) in &cases {
            let message = media
                .iter()
                .cloned()
                .fold(Message::user("see"), Message::with);
            let request = ChatRequest::new([message]);
            let error = write(&request, &info(*limits)).unwrap_err();
            assert_eq!(said(error), *expected, "{name}");
        }
        let mut total = info(KindLimits::UNKNOWN);
        total.media.total_bytes = Some(63);
        let request = ChatRequest::new([Message::user("see").with(image(PNG)).with(image(PNG))]);
        let error = said(write(&request, &total).unwrap_err());
        assert!(
            error.contains("64 bytes in base64, and at most 63"),
            "{name}: {error}"
        );
        total.media.total_bytes = Some(64);
        write(&request, &total).unwrap();
    });
}

#[test]
fn what_is_not_taken_is_left_out_where_a_warning_is_enough() {
    let mut seen = ToolResult::text("1", "seen");
    seen.parts.push(image(HEIC).into());
    let call = ToolCall::new("1", "look", serde_json::json!({}));
    let messages = [
        Message::user("see").with(image(PNG)).with(image(HEIC)),
        Message::new(Role::Assistant, vec![call.into()]),
        Message::tool_results([seen]),
    ];
    let mut request = ChatRequest::new(messages);
    request.on_unsupported = Some(OnUnsupported::Warn);
    let web = info(KindLimits::UNKNOWN.formats(MediaFormats::WEB));
    of_all(|name, write| {
        let written = write(&request, &web).unwrap();
        let told = written
            .warnings
            .iter()
            .filter(|it| it.message.contains("image/heic"));
        assert_eq!(told.count(), 2, "{name}: {:?}", written.warnings);
        let body = String::from_utf8(written.body).unwrap();
        // Of the bytes of both, as they are in base64.
        assert!(body.contains("iVBORw0KGgo"), "{name}: {body}");
        assert!(
            !body.contains("ZnR5cGhlaWM") && !body.contains("GZ0eXBoZWlj"),
            "{name}: {body}"
        );
    });
}

#[test]
fn what_is_not_known_is_sent() {
    let request = ChatRequest::new([Message::user("see").with(image(PNG))]);
    of_all(|name, write| {
        let written = write(&request, &ModelInfo::new("house", "model"));
        assert!(written.is_ok(), "{name}");
    });
    let limits = MediaLimits::UNKNOWN
        .image(KindLimits::UNKNOWN.formats(MediaFormats::WEB).bytes(10))
        .document(KindLimits::UNKNOWN.formats(MediaFormats::of(&[MediaFormat::Pdf])));
    let passes = |media: Media| limits.check(&media, "it").is_ok();
    assert!(passes(Media::url(
        MediaKind::Image,
        "https://a.example/cat"
    )));
    assert!(passes(Media::new(
        MediaKind::Image,
        MediaSource::File("f1".into())
    )));
    assert!(passes(Media::bytes(
        "application/x-own",
        &b"PK\x03\x04"[..]
    )));
    assert!(passes(Media::bytes("image/x-own", &b"\x01\x02"[..])));
    assert!(!passes(Media::url(
        MediaKind::Image,
        "https://a.example/cat.heic"
    )));
    assert!(!passes(Media::url(
        MediaKind::Image,
        "data:image/heic;base64,AAAA"
    )));
    assert!(!passes(Media::url(
        MediaKind::Image,
        "data:image/png;base64,AAAAAAAAAAAAAAAAAAAA"
    )));
}

#[test]
fn who_fetches_addresses_is_known() {
    let fetches = |limits: MediaLimits| {
        let kinds = [limits.image, limits.audio, limits.video, limits.document];
        kinds.map(|it| it.fetched)
    };
    let (yes, no) = (Some(true), Some(false));
    let ollama = Ollama::default().media("llava");
    assert_eq!(fetches(ollama), [no, no, None, None]);
    let bedrock = BedrockConverse::default().media("nova");
    assert_eq!(fetches(bedrock), [no; 4]);
    let gemini = |model| fetches(Gemini::default().media(model));
    assert_eq!(gemini("gemini-3.8-flash"), [yes; 4]);
    assert_eq!(gemini("gemini-2.0-flash"), [no, no, yes, no]);
    let responses = OpenAiResponses::default().media("x");
    assert_eq!(fetches(responses)[0], yes);
    let mut quirks = Quirks::default();
    let chat = |quirks: &Quirks| fetches(OpenAiChat::new(quirks.clone()).media("x"));
    assert_eq!(chat(&quirks), [yes, no, yes, no]);
    quirks.image_urls = false;
    quirks.audio_urls = true;
    quirks.video_url = false;
    quirks.documents = Documents::FileUrl;
    assert_eq!(chat(&quirks), [no, yes, None, yes]);
}
