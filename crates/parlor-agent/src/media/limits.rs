//! What media a model takes, as far as its caller knows.

use super::refused;
use parlor_core::{Error, MediaKind, MediaSource, Message, Part, Result};
use serde::{Deserialize, Serialize};

/// What may be attached: formats, sizes and numbers. `None` is no limit.
///
/// They are the caller's knowledge of the model. By default images must be PNG,
/// JPEG, GIF or WebP, which every model that sees takes, and a file may have 100
/// MiB. They are data, to be kept in a configuration:
///
/// ```
/// use parlor_agent::MediaLimits;
/// use serde_json::json;
///
/// let limits: MediaLimits = serde_json::from_value(json!({
///     "image": {"formats": ["image/png", "image/heic"], "bytes": 5_000_000, "count": 20},
///     "encoded": true,
/// }))?;
/// assert_eq!(limits.image.count, Some(20));
/// assert_eq!(limits.video.bytes, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MediaLimits {
    /// Of pictures.
    pub image: KindLimits,
    /// Of sounds.
    pub audio: KindLimits,
    /// Of films.
    pub video: KindLimits,
    /// Of documents, texts included.
    pub document: KindLimits,
    /// The most bytes of all media of a message.
    pub total_bytes: Option<u64>,
    /// Whether bytes are counted as they go out in base64, a third more.
    pub encoded: bool,
    /// The most bytes that are read of a file. 100 MiB by default.
    pub file_bytes: u64,
}

/// What may be attached of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KindLimits {
    /// Media types, such as `image/png`; `None` for any.
    pub formats: Option<Vec<String>>,
    /// The most bytes of one.
    pub bytes: Option<u64>,
    /// How many a message may have.
    pub count: Option<usize>,
}

impl Default for MediaLimits {
    fn default() -> Self {
        let everywhere = ["image/png", "image/jpeg", "image/gif", "image/webp"];
        Self {
            image: KindLimits {
                formats: Some(everywhere.map(str::to_owned).into()),
                ..KindLimits::default()
            },
            audio: KindLimits::default(),
            video: KindLimits::default(),
            document: KindLimits::default(),
            total_bytes: None,
            encoded: false,
            file_bytes: 100 << 20,
        }
    }
}

impl MediaLimits {
    fn of(&self, kind: MediaKind) -> &KindLimits {
        match kind {
            MediaKind::Image => &self.image,
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
            _ => &self.document,
        }
    }

    /// How much it is on the wire.
    fn weight(&self, bytes: usize) -> u64 {
        let bytes = bytes as u64;
        match self.encoded {
            true => bytes.div_ceil(3).saturating_mul(4),
            false => bytes,
        }
    }

    pub(super) fn check(
        &self,
        title: &str,
        kind: MediaKind,
        media_type: &str,
        bytes: usize,
    ) -> Result<()> {
        let limits = self.of(kind);
        if let Some(formats) = &limits.formats
            && !formats.iter().any(|it| it.eq_ignore_ascii_case(media_type))
        {
            let listed = formats.join(", ");
            let what = format!("is {media_type}, and only {listed} may be attached");
            return Err(refused(title, &what).with_help(advice(media_type)));
        }
        match limits.bytes {
            Some(most) if self.weight(bytes) > most => {
                Err(too_large(title, self.weight(bytes), most))
            }
            _ => Ok(()),
        }
    }

    /// Holds what a message has together to the limits.
    pub(super) fn check_all(&self, message: &Message) -> Result<()> {
        let media = || {
            message.parts.iter().filter_map(|part| match part {
                Part::Media(media) => Some(media),
                _ => None,
            })
        };
        let named = [
            (MediaKind::Image, "images"),
            (MediaKind::Audio, "sounds"),
            (MediaKind::Video, "films"),
            (MediaKind::Document, "documents"),
        ];
        for (kind, name) in named {
            let count = media().filter(|media| media.kind == kind).count();
            if let Some(most) = self.of(kind).count
                && count > most
            {
                let what = format!("has {count} {name}, and {most} may be attached");
                return Err(refused("the message", &what)
                    .with_help("Attach fewer, or spread them over several messages."));
            }
        }
        let weights = media().map(|media| match &media.source {
            MediaSource::Bytes(bytes) => self.weight(bytes.len()),
            _ => 0,
        });
        let total = weights.fold(0, u64::saturating_add);
        match self.total_bytes {
            Some(most) if total > most => Err(too_large("the message", total, most)),
            _ => Ok(()),
        }
    }
}

pub(super) fn too_large(title: &str, bytes: u64, most: u64) -> Error {
    let what = format!("has {bytes} bytes or more, and at most {most} may be attached");
    refused(title, &what).with_help("Make it smaller, cut it, or give its address.")
}

fn advice(media_type: &str) -> &'static str {
    match media_type {
        "image/heic" | "image/heif" | "image/avif" | "image/bmp" | "image/tiff" => {
            "Convert it to JPEG or PNG, or allow the format where the model reads it."
        }
        _ => "Convert it to one of these, or allow the format where the model reads it.",
    }
}
