//! What is fetched for a model, and what is left for its provider.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use parlor_core::*;
use parlor_layers::fetch_media::FetchMediaLayer;
use parlor_testkit::{Scripted, layer_suite};
use std::sync::{Arc, Mutex};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Has a picture at every address but one, and notes which it was asked for.
#[derive(Debug, Clone, Default)]
struct Shelf(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl MediaFetcher for Shelf {
    async fn fetch(&self, url: &str) -> Result<FetchedMedia> {
        self.0.lock().unwrap().push(url.to_owned());
        match url.ends_with("gone") {
            true => Err(Error::new(ErrorKind::Media, "it is gone").with_help("Look elsewhere.")),
            false => Ok(FetchedMedia::new(PNG, Some("text/html".into()))),
        }
    }
}

/// A model whose provider fetches videos, no images, and nobody knows about sounds.
fn model() -> Scripted {
    let mut info = ModelInfo::new("house", "model");
    info.media = MediaLimits::UNKNOWN
        .image(KindLimits::UNKNOWN.fetched(false))
        .video(KindLimits::UNKNOWN.fetched(true));
    Scripted::answering("Hello").with_info(info)
}

fn request() -> ChatRequest {
    let image = |url: &str| Media::url(MediaKind::Image, url);
    let message = Message::user("see")
        .with(image("https://a.example/cat"))
        .with(image("s3://bucket/cat"))
        .with(Media::url(MediaKind::Video, "https://a.example/film"))
        .with(Media::url(MediaKind::Audio, "https://a.example/song"));
    let mut seen = ToolResult::text("1", "seen");
    seen.parts = vec![image("http://a.example/seen").into()];
    ChatRequest::new([message, Message::tool_results([seen])])
}

#[tokio::test]
async fn what_the_provider_does_not_fetch_is_fetched() {
    let (model, shelf) = (model(), Shelf::default());
    let layered = model.clone().layer(FetchMediaLayer::new(shelf.clone()));
    layered.chat(&request()).await.unwrap();
    layered
        .stream(&request())
        .await
        .unwrap()
        .response()
        .await
        .unwrap();
    let asked = shelf.0.lock().unwrap().clone();
    let once = ["https://a.example/cat", "http://a.example/seen"];
    assert_eq!(asked, [once, once].concat());
    for sent in model.requests() {
        let mut expected = request();
        let bytes = || Part::from(Media::bytes("image/png", PNG));
        expected.messages[0].parts[1] = bytes();
        if let Part::ToolResult(result) = &mut expected.messages[1].parts[0] {
            result.parts[0] = bytes();
        }
        assert_eq!(sent, expected);
    }
}

#[tokio::test]
async fn everything_is_fetched_on_demand() {
    let (model, shelf) = (model(), Shelf::default());
    let layered = model
        .clone()
        .layer(FetchMediaLayer::new(shelf.clone()).with_all());
    let image = Media::url(MediaKind::Image, "https://a.example/cat");
    layered
        .ask(Message::user("see").with(image.clone()))
        .await
        .unwrap();
    let film = Media::url(MediaKind::Video, "https://a.example/film");
    let error = layered
        .ask(Message::user("see").with(film))
        .await
        .unwrap_err();
    assert!(error.message().contains("is image/png and not"), "{error}");
    assert_eq!(shelf.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_model_does_not_read_is_not_fetched() {
    let mut info = model().info().clone();
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::ImageInput]);
    let (model, shelf) = (model().with_info(info), Shelf::default());
    let layered = model.clone().layer(FetchMediaLayer::new(shelf.clone()));
    layered.chat(&request()).await.unwrap();
    assert_eq!(model.requests(), [request()]);
    assert!(shelf.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_failure_is_the_calls() {
    let model = model();
    let layered = model.clone().layer(FetchMediaLayer::new(Shelf::default()));
    let gone = Media::url(MediaKind::Image, "https://a.example/gone");
    let error = layered
        .ask(Message::user("see").with(gone))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Media);
    assert_eq!(
        (error.provider(), error.help()),
        (Some("house"), "Look elsewhere.")
    );
    assert_eq!(model.exchanges().begun, 0, "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn it_passes() {
    layer_suite(|inner| FetchMediaLayer::new(Shelf::default()).layer(inner)).await;
}
