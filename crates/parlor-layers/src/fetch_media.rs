//! Fetches media at addresses for a model whose provider fetches none.
//!
//! - **Place:** outside retry, so that one fetch serves all attempts; inside
//!   fallback and balance, so that it knows which model is asked.
//! - **`info()`:** the inner one's.
//! - **A call:** waits for what has to be fetched, one after the other, and then
//!   sends the bytes. What the provider fetches itself goes on as it is, and
//!   where nobody knows whether it does, too:
//!   [`KindLimits::fetched`](parlor_core::KindLimits::fetched).
//! - **A stream's opening:** as a call.
//! - **A stream's middle:** untouched; the stream isn't even wrapped.
//! - **A drop:** ends the fetch.
//!
//! It fetches by a [`MediaFetcher`], such as `parlor_http::Fetcher`, which
//! bounds bytes, time and redirects and goes nowhere private. A failure is the
//! call's, of the kind `Media`. Only `http` and `https` are fetched: other
//! addresses are names in a store of the provider's.
//!
//! ```
//! use async_trait::async_trait;
//! use parlor_core::{ChatModelExt, Echo, FetchedMedia, Media, MediaFetcher, MediaKind, Message};
//! use parlor_core::Result;
//! use parlor_layers::fetch_media::FetchMediaLayer;
//!
//! #[derive(Debug)]
//! struct Shelf;
//!
//! #[async_trait]
//! impl MediaFetcher for Shelf {
//!     async fn fetch(&self, _: &str) -> Result<FetchedMedia> {
//!         Ok(FetchedMedia::new(&b"\x89PNG\r\n\x1a\n"[..], None))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! // The built-in model isn't known to fetch nothing, so it is said here.
//! let layer = FetchMediaLayer::new(Shelf).with_all();
//! let model = Echo::new().layer(layer);
//! let picture = Media::url(MediaKind::Image, "https://example.org/cat");
//! let answer = model.ask(Message::user("What is this? ").with(picture)).await?;
//! assert!(answer.text().contains("image/png"));
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Layer, Media, MediaFetcher, ModelInfo, Part,
    Result,
};
use std::borrow::Cow;
use std::sync::Arc;

/// Fetches media at addresses for a model whose provider fetches none.
#[derive(Debug, Clone)]
pub struct FetchMediaLayer {
    fetcher: Arc<dyn MediaFetcher>,
    all: bool,
}

impl FetchMediaLayer {
    /// A layer that fetches so.
    pub fn new(fetcher: impl MediaFetcher + 'static) -> Self {
        Self {
            fetcher: Arc::new(fetcher),
            all: false,
        }
    }

    /// The same that fetches whatever the provider would fetch, too: for a
    /// provider that can't reach what the program can, or that shouldn't learn
    /// the addresses.
    #[must_use]
    pub fn with_all(mut self) -> Self {
        self.all = true;
        self
    }
}

impl Layer for FetchMediaLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(FetchMediaModel {
            inner,
            fetcher: self.fetcher.clone(),
            all: self.all,
        })
    }
}

#[derive(Debug)]
struct FetchMediaModel {
    inner: Arc<dyn ChatModel>,
    fetcher: Arc<dyn MediaFetcher>,
    all: bool,
}

impl FetchMediaModel {
    /// The request with bytes in place of the addresses that the provider
    /// doesn't fetch.
    async fn fetched<'a>(&self, request: &'a ChatRequest) -> Result<Cow<'a, ChatRequest>> {
        let info = self.inner.info();
        let wanted = |media: &Media| {
            let fetches = info.media.of(media.kind).fetched;
            // What the model doesn't read at all it says itself.
            let reads = !info.capabilities.lacks(media.kind.input());
            reads && media.is_fetchable() && (self.all || fetches == Some(false))
        };
        let mut places = Vec::new();
        for message in &request.messages {
            gather(&message.parts, &wanted, &mut places);
        }
        if places.is_empty() {
            return Ok(Cow::Borrowed(request));
        }
        let mut found: Vec<Media> = Vec::with_capacity(places.len());
        for media in places {
            let fetched = media.fetched(&*self.fetcher).await;
            found.push(fetched.map_err(|error| {
                let error = error.with_provider(&info.provider);
                error.with_model(&info.model)
            })?);
        }
        let mut request = request.clone();
        let mut found = found.into_iter();
        for message in &mut request.messages {
            replace(&mut message.parts, &wanted, &mut found);
        }
        Ok(Cow::Owned(request))
    }
}

/// Media that are to be fetched in their order, those in results of tools too.
fn gather<'a>(parts: &'a [Part], wanted: &impl Fn(&Media) -> bool, all: &mut Vec<&'a Media>) {
    for part in parts {
        match part {
            Part::Media(media) if wanted(media) => all.push(media),
            Part::ToolResult(result) => gather(&result.parts, wanted, all),
            _ => {}
        }
    }
}

/// Puts what was fetched in their places.
fn replace(
    parts: &mut [Part],
    wanted: &impl Fn(&Media) -> bool,
    found: &mut impl Iterator<Item = Media>,
) {
    for part in parts {
        match part {
            Part::Media(media) if wanted(media) => {
                if let Some(fetched) = found.next() {
                    *media = fetched;
                }
            }
            Part::ToolResult(result) => replace(&mut result.parts, wanted, found),
            _ => {}
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for FetchMediaModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.inner.chat(&*self.fetched(request).await?).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.inner.stream(&*self.fetched(request).await?).await
    }
}
