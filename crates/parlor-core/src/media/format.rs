//! Formats of media, told by how bytes begin and by how names end.

use crate::part::MediaKind;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

macro_rules! formats {
    ($( $(#[$meta:meta])* $variant:ident = $media_type:literal, [$($other:literal),*], [$($ending:literal),*]; )+) => {
        /// A format that can be told from bytes: of pictures, sounds, films and
        /// documents.
        ///
        /// ```
        /// use parlor_core::MediaFormat;
        ///
        /// assert_eq!(MediaFormat::of_bytes(b"GIF89a..."), Some(MediaFormat::Gif));
        /// assert_eq!(MediaFormat::of_name("a/b.JPG"), Some(MediaFormat::Jpeg));
        /// assert_eq!(MediaFormat::of_media_type("image/jpg"), Some(MediaFormat::Jpeg));
        /// assert_eq!(MediaFormat::Jpeg.media_type(), "image/jpeg");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum MediaFormat { $( $(#[$meta])* $variant, )+ }

        impl MediaFormat {
            /// Every format, in the order of its declaration.
            pub const ALL: &'static [MediaFormat] = &[ $( MediaFormat::$variant, )+ ];

            /// Its media type, such as `image/png`.
            pub fn media_type(self) -> &'static str {
                match self { $( MediaFormat::$variant => $media_type, )+ }
            }

            /// Other media types in use for it.
            fn others(self) -> &'static [&'static str] {
                match self { $( MediaFormat::$variant => &[$($other),*], )+ }
            }

            /// What names of such files end with.
            fn endings(self) -> &'static [&'static str] {
                match self { $( MediaFormat::$variant => &[$($ending),*], )+ }
            }
        }
    };
}

formats! {
    /// PNG.
    Png = "image/png", [], ["png"];
    /// JPEG.
    Jpeg = "image/jpeg", ["image/jpg"], ["jpg", "jpeg"];
    /// GIF.
    Gif = "image/gif", [], ["gif"];
    /// WebP.
    Webp = "image/webp", [], ["webp"];
    /// HEIC: HEIF of HEVC, as phones make it.
    Heic = "image/heic", ["image/heic-sequence"], ["heic"];
    /// HEIF of another sort.
    Heif = "image/heif", ["image/heif-sequence"], ["heif"];
    /// AVIF.
    Avif = "image/avif", [], ["avif"];
    /// Windows bitmap.
    Bmp = "image/bmp", ["image/x-ms-bmp", "image/x-bmp"], ["bmp"];
    /// TIFF.
    Tiff = "image/tiff", [], ["tif", "tiff"];
    /// MP4, with pictures.
    Mp4 = "video/mp4", [], ["mp4", "m4v"];
    /// QuickTime.
    Mov = "video/quicktime", ["video/mov"], ["mov"];
    /// 3GP.
    ThreeGp = "video/3gpp", ["video/3gpp2"], ["3gp"];
    /// WebM, with pictures.
    Webm = "video/webm", [], ["webm"];
    /// Matroska.
    Mkv = "video/x-matroska", ["video/matroska"], ["mkv"];
    /// AVI.
    Avi = "video/x-msvideo", ["video/avi", "video/msvideo"], ["avi"];
    /// Flash video.
    Flv = "video/x-flv", [], ["flv"];
    /// Windows Media.
    Wmv = "video/x-ms-wmv", ["video/wmv", "video/x-ms-asf"], ["wmv"];
    /// MPEG program stream.
    Mpeg = "video/mpeg", ["video/mpg"], ["mpeg", "mpg"];
    /// Ogg, with pictures.
    OggVideo = "video/ogg", [], ["ogv"];
    /// Ogg, sound alone.
    Ogg = "audio/ogg", ["audio/opus", "application/ogg"], ["ogg", "oga", "opus"];
    /// WAV.
    Wav = "audio/wav", ["audio/x-wav", "audio/wave", "audio/vnd.wave"], ["wav"];
    /// MP3.
    Mp3 = "audio/mpeg", ["audio/mp3"], ["mp3"];
    /// FLAC.
    Flac = "audio/flac", ["audio/x-flac"], ["flac"];
    /// AAC in ADTS.
    Aac = "audio/aac", ["audio/x-aac", "audio/aacp"], ["aac"];
    /// MP4, sound alone.
    M4a = "audio/mp4", ["audio/m4a", "audio/x-m4a"], ["m4a"];
    /// AIFF.
    Aiff = "audio/aiff", ["audio/x-aiff"], ["aif", "aiff"];
    /// PDF.
    Pdf = "application/pdf", [], ["pdf"];
    /// Text in UTF-8.
    Text = "text/plain", [], ["txt"];
}

/// How far a container's head is looked into.
const HEAD: usize = 4096;

impl MediaFormat {
    /// What sort of media it is.
    pub fn kind(self) -> MediaKind {
        MediaKind::of_media_type(self.media_type())
    }

    /// The format of a media type, under whatever name; parameters don't count.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let bare = media_type.split(';').next().unwrap_or_default().trim();
        let is_named = |it: &&Self| {
            it.media_type().eq_ignore_ascii_case(bare)
                || it.others().iter().any(|it| it.eq_ignore_ascii_case(bare))
        };
        Self::ALL.iter().find(is_named).copied()
    }

    /// The format that the ending of a name or of an address speaks of.
    pub fn of_name(name: &str) -> Option<Self> {
        let path = name.split(['?', '#']).next()?;
        let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
        let known = |it: &&Self| {
            it.endings()
                .iter()
                .any(|it| it.eq_ignore_ascii_case(ending))
        };
        Self::ALL.iter().find(known).copied()
    }

    /// The format that bytes are in, as far as they tell: by their first 4 KiB,
    /// and for text by all of them.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::of_head(bytes).or_else(|| {
            let text = std::str::from_utf8(bytes).ok()?;
            let strange = |it: char| it.is_control() && !is_usual(it);
            (!text.contains(strange)).then_some(Self::Text)
        })
    }

    /// The format that the first bytes tell; never text, which takes all of
    /// them.
    pub fn of_head(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD).unwrap_or(bytes);
        Some(match head {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Self::Png,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, kind @ ..] => match kind.get(..4)? {
                b"WEBP" => Self::Webp,
                b"WAVE" => Self::Wav,
                b"AVI " => Self::Avi,
                _ => return None,
            },
            [b'F', b'O', b'R', b'M', _, _, _, _, kind @ ..] => match kind.get(..4)? {
                b"AIFF" | b"AIFC" => Self::Aiff,
                _ => return None,
            },
            [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => boxed(head, brands)?,
            // The length of what follows stands where text has letters.
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Self::Bmp,
            [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Self::Tiff,
            [b'%', b'P', b'D', b'F', b'-', ..] => Self::Pdf,
            [0x1a, 0x45, 0xdf, 0xa3, ..] => match has(head, b"webm") {
                true => Self::Webm,
                false if has(head, b"matroska") => Self::Mkv,
                false => return None,
            },
            [b'O', b'g', b'g', b'S', ..] => match has(head, b"\x80theora") {
                true => Self::OggVideo,
                false => Self::Ogg,
            },
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            [b'F', b'L', b'V', 1, ..] => Self::Flv,
            [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => Self::Wmv,
            [0, 0, 1, 0xba, ..] => Self::Mpeg,
            [b'I', b'D', b'3', 2..=4, ..] => Self::Mp3,
            [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, ..] => Self::Aac,
            // A frame's head: of layer III, neither of its fields with the
            // value that means nothing.
            [0xff, second, third, ..]
                if second & 0xe6 == 0xe2 && third & 0xf0 != 0xf0 && third & 0x0c != 0x0c =>
            {
                Self::Mp3
            }
            _ => return None,
        })
    }
}

/// ISO media files, told by their brands: the main one, and for images those
/// that go with it.
fn boxed(head: &[u8], brands: &[u8]) -> Option<MediaFormat> {
    let size = head.first_chunk::<4>().map(|it| u32::from_be_bytes(*it));
    let size = usize::try_from(size?).ok()?.saturating_sub(8);
    let brands = brands.get(..size).unwrap_or(brands);
    let others = || brands.chunks_exact(4).skip(2);
    Some(match brands.get(..4)? {
        b"avif" | b"avis" => MediaFormat::Avif,
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => MediaFormat::Heic,
        b"mif1" | b"msf1" => match others().find(|it| matches!(*it, b"avif" | b"avis" | b"heic")) {
            Some(b"heic") => MediaFormat::Heic,
            Some(_) => MediaFormat::Avif,
            None => MediaFormat::Heif,
        },
        b"qt  " => MediaFormat::Mov,
        b"M4A " | b"M4B " => MediaFormat::M4a,
        [b'3', b'g', b'p' | b'2', _] => MediaFormat::ThreeGp,
        _ => MediaFormat::Mp4,
    })
}

/// Whether text has such a control character: those of terminals and printers.
fn is_usual(control: char) -> bool {
    matches!(control, '\x07'..='\r' | '\x1b')
}

fn has(head: &[u8], word: &[u8]) -> bool {
    head.windows(word.len()).any(|it| it == word)
}

/// A set of formats. The JSON form is a list of media types.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MediaFormats(u32);

impl MediaFormats {
    /// What browsers show and nearly every model that sees takes: PNG, JPEG,
    /// GIF, WebP.
    pub const WEB: Self = Self::of(&[
        MediaFormat::Png,
        MediaFormat::Jpeg,
        MediaFormat::Gif,
        MediaFormat::Webp,
    ]);

    /// These formats.
    pub const fn of(formats: &[MediaFormat]) -> Self {
        let mut bits = 0;
        let mut rest = formats;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u32;
            rest = others;
        }
        Self(bits)
    }

    /// Whether a format is among them.
    pub fn contains(self, format: MediaFormat) -> bool {
        self.0 & (1 << format as u32) != 0
    }

    /// The formats, in the order of [`MediaFormat::ALL`].
    pub fn iter(self) -> impl Iterator<Item = MediaFormat> {
        let all = MediaFormat::ALL.iter().copied();
        all.filter(move |it| self.contains(*it))
    }
}

impl fmt::Debug for MediaFormats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The media types, with commas between.
impl fmt::Display for MediaFormats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, format) in self.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            f.write_str(format.media_type())?;
        }
        Ok(())
    }
}

impl Serialize for MediaFormats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(MediaFormat::media_type))
    }
}

impl<'de> Deserialize<'de> for MediaFormats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Self(0);
        for name in Vec::<String>::deserialize(deserializer)? {
            let Some(format) = MediaFormat::of_media_type(&name) else {
                let message = format!("`{name}` is no format that is known by a media type");
                return Err(D::Error::custom(message));
            };
            all.0 |= 1 << format as u32;
        }
        Ok(all)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for MediaFormats {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MediaFormats".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "items": { "type": "string" },
            "description": "Media types, such as `image/png`.",
        })
    }
}
