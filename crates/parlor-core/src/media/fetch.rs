//! Fetching media from addresses, for providers that don't.

use super::format::MediaFormat;
use crate::error::{Error, ErrorKind, Result};
use crate::part::{Media, MediaKind, MediaSource};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Fetches what is at an address, within limits: the contract with whoever has
/// a network.
///
/// It is for addresses that others name, so it must not be a way into places
/// that only this machine reaches.
#[async_trait]
pub trait MediaFetcher: Send + Sync + Debug {
    /// Fetches what is at an address.
    ///
    /// # Behavior
    /// - `http` and `https` only, and no address within a private network
    ///   unless it is allowed, wherever names and redirects lead.
    /// - Bytes, time and redirects are bounded.
    /// - Sends no credentials, and none of those in the address.
    /// - A failure is of the kind `Media` and says what to do; the address in it
    ///   has no query, which may be secret.
    async fn fetch(&self, url: &str) -> Result<FetchedMedia>;
}

/// What was at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchedMedia {
    /// The bytes.
    pub bytes: Bytes,
    /// What the server says it is, without parameters; not to be trusted.
    pub media_type: Option<String>,
    /// How the server says that a text is encoded; not to be trusted either.
    pub charset: Option<String>,
}

impl FetchedMedia {
    /// What a server sent, and what it says that is.
    pub fn new(bytes: impl Into<Bytes>, media_type: Option<String>) -> Self {
        Self {
            bytes: bytes.into(),
            media_type,
            charset: None,
        }
    }

    /// What it is by its bytes; only for documents that these don't tell, what
    /// the server says.
    ///
    /// # Errors
    /// [`Media`](ErrorKind::Media) where that is another kind than the one that
    /// is expected, or nothing.
    pub fn media_type(&self, kind: Option<MediaKind>, title: &str) -> Result<String> {
        let said = self.media_type.as_deref();
        let found = MediaFormat::of_bytes(&self.bytes);
        let is_kind = |media_type: &str| Some(MediaKind::of_media_type(media_type)) == kind;
        let media_type = match (found, said) {
            // A text is whatever sort of text or document it is said to be.
            (Some(MediaFormat::Text), Some(said))
                if said.starts_with("text/") || said.starts_with("application/") =>
            {
                said
            }
            // Containers of films may hold a sound alone.
            (Some(format), Some(said))
                if format.kind() == MediaKind::Video
                    && said.starts_with("audio/")
                    && kind == Some(MediaKind::Audio) =>
            {
                said
            }
            (Some(format), _) => format.media_type(),
            (None, Some(said)) if MediaKind::of_media_type(said) == MediaKind::Document => said,
            (None, _) => {
                let what = format!("{title} is neither text nor a kind of media that is known");
                return Err(Error::new(ErrorKind::Media, what)
                    .with_help("Check the address; convert what is there to a usual format."));
            }
        };
        match kind.is_none() || is_kind(media_type) {
            true => Ok(media_type.to_owned()),
            false => {
                let what = format!("{title} is {media_type} and not what it is sent as");
                Err(Error::new(ErrorKind::Media, what).with_help(
                    "Check that the address is of the file itself and not of a page about it.",
                ))
            }
        }
    }
}

impl Media {
    /// Whether the media are at an address that can be fetched: `http` or
    /// `https`.
    pub fn is_fetchable(&self) -> bool {
        let MediaSource::Url(url) = &self.source else {
            return false;
        };
        url.split_once(':').is_some_and(|(scheme, _)| {
            scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
        })
    }

    /// The same with the bytes in place of the address. What they are is told
    /// by them. Media that have no address to fetch stay as they are.
    ///
    /// # Errors
    /// As [`MediaFetcher::fetch`], and [`Media`](ErrorKind::Media) for what is
    /// of another kind.
    pub async fn fetched(&self, fetcher: &dyn MediaFetcher) -> Result<Self> {
        let url = match &self.source {
            MediaSource::Url(url) if self.is_fetchable() => url,
            _ => return Ok(self.clone()),
        };
        let found = fetcher.fetch(url).await?;
        let title = url.split(['?', '#']).next().unwrap_or(url);
        let media_type = found.media_type(Some(self.kind), title)?;
        Ok(Self {
            source: MediaSource::Bytes(found.bytes),
            media_type: Some(media_type),
            // It said something of the address.
            native: None,
            ..self.clone()
        })
    }
}
