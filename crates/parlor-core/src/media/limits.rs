//! How much media a provider takes, and whether a request keeps to it.

use super::format::{MediaFormat, MediaFormats};
use super::size;
use crate::error::{Error, ErrorKind, Result};
use crate::part::{Media, MediaKind, MediaSource};
use serde::{Deserialize, Serialize};

/// What media a model's provider takes: formats, sizes and numbers. `None` is
/// unknown or without limit, and the provider decides.
///
/// They stand in [`ModelInfo::media`](crate::ModelInfo::media), and every
/// model that is built by a provider of parlor's holds its requests to them
/// before it sends anything. Only what a provider's own documents say is a
/// limit; hearsay isn't. They are data, to be changed in a configuration:
///
/// ```
/// use parlor_core::{KindLimits, MediaFormats, MediaLimits};
/// use serde_json::json;
///
/// let limits: MediaLimits = serde_json::from_value(json!({
///     "image": {"formats": ["image/png", "image/heic"], "bytes": 5_000_000, "count": 20},
/// }))?;
/// assert_eq!(limits.image.count, Some(20));
/// assert_eq!(limits.video.bytes, None);
///
/// const ACME: MediaLimits = MediaLimits::UNKNOWN
///     .image(KindLimits::UNKNOWN.formats(MediaFormats::WEB).side(8_000))
///     .total_bytes(32 << 20);
/// assert_eq!(limits.or(ACME).image.side, Some(8_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MediaLimits {
    /// Of pictures.
    #[serde(skip_serializing_if = "KindLimits::is_unknown")]
    pub image: KindLimits,
    /// Of sounds.
    #[serde(skip_serializing_if = "KindLimits::is_unknown")]
    pub audio: KindLimits,
    /// Of films.
    #[serde(skip_serializing_if = "KindLimits::is_unknown")]
    pub video: KindLimits,
    /// Of documents.
    #[serde(skip_serializing_if = "KindLimits::is_unknown")]
    pub document: KindLimits,
    /// The most bytes of all media of a request together, as they go out: in
    /// base64, a third more than they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// What a provider takes of one kind of media.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KindLimits {
    /// The formats. What is in none that can be told from the bytes or from
    /// the media type isn't held to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formats: Option<MediaFormats>,
    /// The most bytes of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether `bytes` are counted as they go out in base64, a third more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encoded: bool,
    /// How many a request may have, in all of its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The most pixels of an image's longer side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<u32>,
    /// Another limit of the longer side, for requests with more than so many
    /// images: the number, and the pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowd: Option<(u32, u32)>,
    /// Whether the provider fetches them from an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched: Option<bool>,
}

impl KindLimits {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        formats: None,
        bytes: None,
        encoded: false,
        count: None,
        side: None,
        crowd: None,
        fetched: None,
    };

    /// The same in these formats only.
    #[must_use]
    pub const fn formats(mut self, formats: MediaFormats) -> Self {
        self.formats = Some(formats);
        self
    }

    /// The same with so many bytes at most.
    #[must_use]
    pub const fn bytes(mut self, most: u64) -> Self {
        self.bytes = Some(most);
        self
    }

    /// The same with so many of them at most.
    #[must_use]
    pub const fn count(mut self, most: u32) -> Self {
        self.count = Some(most);
        self
    }

    /// The same with a longer side of so many pixels at most.
    #[must_use]
    pub const fn side(mut self, most: u32) -> Self {
        self.side = Some(most);
        self
    }

    /// The same with a longer side of `most` pixels where there are more than
    /// `count` images.
    #[must_use]
    pub const fn crowd(mut self, count: u32, most: u32) -> Self {
        self.crowd = Some((count, most));
        self
    }

    /// The same, where the provider fetches them from an address, or doesn't.
    #[must_use]
    pub const fn fetched(mut self, fetched: bool) -> Self {
        self.fetched = Some(fetched);
        self
    }

    /// What `self` says, completed by what `fallback` says.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            formats: self.formats.or(fallback.formats),
            bytes: self.bytes.or(fallback.bytes),
            encoded: match self.bytes {
                Some(_) => self.encoded,
                None => self.encoded || fallback.encoded,
            },
            count: self.count.or(fallback.count),
            side: self.side.or(fallback.side),
            crowd: self.crowd.or(fallback.crowd),
            fetched: self.fetched.or(fallback.fetched),
        }
    }

    fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }

    /// How many bytes these count for: as many as they are, or as they become
    /// in base64.
    pub fn weigh(&self, bytes: u64) -> u64 {
        match self.encoded {
            true => encoded(bytes),
            false => bytes,
        }
    }
}

impl MediaLimits {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        image: KindLimits::UNKNOWN,
        audio: KindLimits::UNKNOWN,
        video: KindLimits::UNKNOWN,
        document: KindLimits::UNKNOWN,
        total_bytes: None,
    };

    /// The same with these limits of pictures.
    #[must_use]
    pub const fn image(mut self, limits: KindLimits) -> Self {
        self.image = limits;
        self
    }

    /// The same with these limits of sounds.
    #[must_use]
    pub const fn audio(mut self, limits: KindLimits) -> Self {
        self.audio = limits;
        self
    }

    /// The same with these limits of films.
    #[must_use]
    pub const fn video(mut self, limits: KindLimits) -> Self {
        self.video = limits;
        self
    }

    /// The same with these limits of documents.
    #[must_use]
    pub const fn document(mut self, limits: KindLimits) -> Self {
        self.document = limits;
        self
    }

    /// The same with so many bytes at most of all media together, in base64.
    #[must_use]
    pub const fn total_bytes(mut self, most: u64) -> Self {
        self.total_bytes = Some(most);
        self
    }

    /// The limits of a kind.
    pub fn of(&self, kind: MediaKind) -> &KindLimits {
        match kind {
            MediaKind::Image => &self.image,
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
            MediaKind::Document => &self.document,
        }
    }

    /// What `self` says, completed by what `fallback` says.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            image: self.image.or(fallback.image),
            audio: self.audio.or(fallback.audio),
            video: self.video.or(fallback.video),
            document: self.document.or(fallback.document),
            total_bytes: self.total_bytes.or(fallback.total_bytes),
        }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }

    /// Whether one medium may be sent, by itself: its format, its bytes, its
    /// pixels. `title` is what to call it in the error.
    ///
    /// What it is follows from its bytes, and from its media type or the ending
    /// of its address where they don't tell.
    ///
    /// # Errors
    /// [`Media`](ErrorKind::Media), with what it is, what is taken, and what to
    /// do.
    pub fn check(&self, media: &Media, title: &str) -> Result<()> {
        let limits = self.of(media.kind);
        let format = format_of(media);
        if let (Some(formats), Some(format)) = (limits.formats, format)
            && !formats.contains(format)
        {
            let what = format!(
                "{title} is {}, and only {formats} are taken",
                format.media_type()
            );
            return Err(refused(what, advice(media.kind, formats)));
        }
        let bytes = limits.weigh(bytes_of(media));
        if let Some(most) = limits.bytes
            && bytes > most
        {
            let sort = match limits.encoded {
                true => "bytes in base64",
                false => "bytes",
            };
            let what = format!("{title} has {bytes} {sort}, and at most {most} are taken");
            return Err(refused(what, smaller(media.kind)));
        }
        self.check_side(media, title, limits.side, "")
    }

    fn check_side(&self, media: &Media, title: &str, most: Option<u32>, when: &str) -> Result<()> {
        match (most, &media.source, media.kind) {
            (Some(most), MediaSource::Bytes(bytes), MediaKind::Image) => match size::of(bytes) {
                Some((width, height)) if width.max(height) > most => {
                    let what = format!(
                        "{title} is {width} x {height} pixels, and at most {most} a side are taken{when}"
                    );
                    Err(refused(what, smaller(MediaKind::Image)))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Whether media may be sent together: how many there are, and how much
    /// they come to. Each alone is [`check`](Self::check)'s affair.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_together<'a>(&self, media: impl Iterator<Item = &'a Media> + Clone) -> Result<()> {
        for (kind, names) in [
            (MediaKind::Image, "images"),
            (MediaKind::Audio, "sounds"),
            (MediaKind::Video, "videos"),
            (MediaKind::Document, "documents"),
        ] {
            let of_kind = media.clone().filter(|it| it.kind == kind);
            let count = u32::try_from(of_kind.clone().count()).unwrap_or(u32::MAX);
            if let Some(most) = self.of(kind).count
                && count > most
            {
                let what = format!("the request has {count} {names}, and at most {most} are taken");
                let help = "Send fewer, or leave earlier messages with media out of the history.";
                return Err(refused(what, help.to_owned()));
            }
            if let Some((crowd, most)) = self.of(kind).crowd
                && count > crowd
            {
                let when = format!(" where there are more than {crowd} images");
                for media in of_kind {
                    self.check_side(media, &title(media), Some(most), &when)?;
                }
            }
        }
        let total = media.map(|it| encoded(bytes_of(it)));
        let total = total.fold(0, u64::saturating_add);
        match self.total_bytes {
            Some(most) if total > most => {
                let what = format!(
                    "the media of the request have {total} bytes in base64, and at most {most} are taken"
                );
                let help = "Send fewer or smaller ones, upload them as files where the provider \
                            keeps some, or give their addresses.";
                Err(refused(what, help.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The width and height in pixels that an image's head speaks of: PNG, JPEG,
/// GIF, WebP or BMP. `None` where it doesn't tell. Nothing is decoded.
pub fn image_size(bytes: &[u8]) -> Option<(u32, u32)> {
    size::of(bytes)
}

/// What a medium is called: its kind, and its name if it has one.
fn title(media: &Media) -> String {
    let kind = match media.kind {
        MediaKind::Image => "an image",
        MediaKind::Audio => "a sound",
        MediaKind::Video => "a video",
        MediaKind::Document => "a document",
    };
    match &media.name {
        Some(name) => format!("{kind} (`{name}`)"),
        None => kind.to_owned(),
    }
}

/// The format of media by their bytes, else as they are said to be.
fn format_of(media: &Media) -> Option<MediaFormat> {
    let told = match &media.source {
        MediaSource::Bytes(bytes) => MediaFormat::of_head(bytes),
        MediaSource::Url(url) => match data_url(url) {
            Some((media_type, _)) => MediaFormat::of_media_type(media_type),
            None => None,
        },
        MediaSource::File(_) => None,
    };
    // A container of films may hold a sound alone, which is said beside it.
    let told = told.filter(|it| it.kind() == media.kind);
    let said = || MediaFormat::of_media_type(media.media_type.as_deref()?);
    let named = || match &media.source {
        MediaSource::Url(url) => MediaFormat::of_name(url),
        _ => None,
    };
    let format = told.or_else(said).or_else(named);
    format.filter(|it| it.kind() == media.kind)
}

/// How many bytes are known to go out; those at an address don't.
fn bytes_of(media: &Media) -> u64 {
    match &media.source {
        MediaSource::Bytes(bytes) => bytes.len() as u64,
        MediaSource::Url(url) => data_url(url).map_or(0, |(_, data)| data.len() as u64 / 4 * 3),
        MediaSource::File(_) => 0,
    }
}

/// The media type and the data of a `data:` address in base64.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((head.strip_suffix(";base64")?, data))
}

/// The length in base64.
fn encoded(bytes: u64) -> u64 {
    bytes.div_ceil(3).saturating_mul(4)
}

fn refused(what: String, help: String) -> Error {
    Error::new(ErrorKind::Media, what).with_help(help)
}

/// What to do about a format.
fn advice(kind: MediaKind, formats: MediaFormats) -> String {
    let wanted = [MediaFormat::Jpeg, MediaFormat::Mp4, MediaFormat::Mp3];
    let wanted = wanted.into_iter().find(|it| formats.contains(*it));
    let wanted = wanted.or_else(|| formats.iter().next());
    match (kind, wanted) {
        (_, None) => "Describe it in words, or ask a model that takes it.".to_owned(),
        (MediaKind::Image, Some(format)) => format!(
            "Convert it to {}, by itself or by `Attachment::fitted`, or ask a model that takes it.",
            format.media_type()
        ),
        (_, Some(format)) => format!(
            "Convert it to {}, or ask a model that takes it.",
            format.media_type()
        ),
    }
}

/// What to do about a size.
fn smaller(kind: MediaKind) -> String {
    match kind {
        MediaKind::Image => "Make it smaller, by `Attachment::with_max_side` or \
                             `Attachment::fitted`, or give its address."
            .to_owned(),
        _ => "Shorten it, compress it more, or give its address.".to_owned(),
    }
}
