//! Files, bytes and addresses made into parts of a message: told by content, held to limits.

mod format;
mod limits;

pub use limits::{KindLimits, MediaLimits};

use format::Format;
use parlor_core::{Error, ErrorKind, Media, MediaKind, Message, Part, Result};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Something to show a model: an image, a sound, a film, a PDF, a text.
///
/// ```
/// use parlor_agent::Attachment;
/// use parlor_core::{ChatModelExt, Echo, MediaKind, Message};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let picture = Attachment::bytes(&b"\x89PNG\r\n\x1a\n rest of it"[..]);
/// let film = Attachment::url("https://example.org/film").with_kind(MediaKind::Video);
/// let message = Message::user("What is this? ").with(picture.load()?).with(film.load()?);
/// let answer = Echo::new().ask(message).await?;
/// assert!(answer.text().contains("image/png"));
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// What it is follows from its first bytes, whatever its name says: PNG, JPEG,
/// GIF, WebP, HEIC, AVIF, BMP, TIFF; MP4, WebM, Ogg, QuickTime, AVI, Matroska,
/// 3GP; WAV, MP3, FLAC, Ogg, AAC, AIFF, M4A; PDF; and text in UTF-8, which
/// becomes a text part, since every model reads that. Anything else must be
/// said by [`with_media_type`](Self::with_media_type).
///
/// An address is passed on for the provider to fetch; nothing is loaded from
/// it here.
#[derive(Clone)]
#[must_use = "it is attached by what `load` gives"]
pub struct Attachment {
    source: Source,
    kind: Option<MediaKind>,
    media_type: Option<String>,
    name: Option<String>,
    detail: Option<String>,
}

#[derive(Clone)]
enum Source {
    Path(PathBuf),
    Bytes(Vec<u8>),
    Url(String),
}

impl Attachment {
    fn new(source: Source) -> Self {
        Self {
            source,
            kind: None,
            media_type: None,
            name: None,
            detail: None,
        }
    }

    /// A file. It is read when it is [loaded](Self::load).
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        Self {
            name,
            ..Self::new(Source::Path(path))
        }
    }

    /// What is in memory.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Source::Bytes(bytes.into()))
    }

    /// What the provider fetches. What it is follows from the address's ending,
    /// where [`with_kind`](Self::with_kind) or
    /// [`with_media_type`](Self::with_media_type) doesn't say.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(Source::Url(url.into()))
    }

    /// The same as this kind of media. Bytes that are plainly something else
    /// are refused.
    pub fn with_kind(mut self, kind: MediaKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The same with its media type, such as `text/csv`, for what can't be told
    /// from the bytes; what can is told from them. A text with one is sent as a
    /// document.
    pub fn with_media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// The same under this name; a file has its own.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same with how closely to look: `low`, `high`, `auto`.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The part of a message that it makes, within the default
    /// [`MediaLimits`]. A file is read with blocking calls.
    ///
    /// # Errors
    /// As [`MediaLimits::load`].
    pub fn load(self) -> Result<Part> {
        MediaLimits::default().load(self)
    }

    /// What it is called in an error.
    fn title(&self) -> String {
        match (&self.source, &self.name) {
            (Source::Path(path), _) => path.display().to_string(),
            (_, Some(name)) => name.clone(),
            (Source::Url(url), _) => url.split(['?', '#']).next().unwrap_or(url).to_owned(),
            (Source::Bytes(bytes), _) => format!("an attachment of {} bytes", bytes.len()),
        }
    }
}

impl MediaLimits {
    /// The part of a message that an attachment makes. A file is read with
    /// blocking calls.
    ///
    /// # Errors
    /// [`Media`](ErrorKind::Media) for a file that can't be read, for what is
    /// empty or beyond these limits, in a format that they don't have, of a kind
    /// that it isn't said to be, or can't be told.
    pub fn load(&self, attachment: Attachment) -> Result<Part> {
        let title = attachment.title();
        let bytes = match &attachment.source {
            Source::Url(url) => {
                return self.address(url, &attachment, &title);
            }
            Source::Path(path) => self.read(path, &title)?,
            Source::Bytes(_) => Vec::new(),
        };
        let bytes = match attachment.source {
            Source::Bytes(bytes) => bytes,
            _ => bytes,
        };
        if bytes.is_empty() {
            return Err(refused(&title, "is empty"));
        }
        let found = format::of_bytes(&bytes);
        let media_type = match (found, attachment.media_type) {
            // A text is whatever sort of text it is said to be.
            (Some(Format::TEXT) | None, Some(said)) => said,
            (Some(Format::TEXT), None) if attachment.kind.is_none() => {
                self.check(
                    &title,
                    MediaKind::Document,
                    Format::TEXT.media_type,
                    bytes.len(),
                )?;
                return text(bytes, attachment.name, &title);
            }
            (Some(format), _) => format.media_type.to_owned(),
            (None, None) => {
                return Err(
                    refused(&title, "is in no format that can be told from its bytes")
                        .with_help("Say what it is with `with_media_type`, or convert it."),
                );
            }
        };
        let mut media = Media::bytes(media_type.clone(), bytes);
        if let Some(kind) = attachment.kind
            && kind != media.kind
        {
            let what = format!("is {media_type} and not what it is attached as");
            return Err(refused(&title, &what));
        }
        let size = match &media.source {
            parlor_core::MediaSource::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.check(&title, media.kind, &media_type, size)?;
        media.name = attachment.name;
        media.detail = attachment.detail;
        Ok(media.into())
    }

    /// A message with attachments behind what it says, held to the limits of
    /// all together.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`Media`](ErrorKind::Media) for too many of
    /// a kind or too much in all.
    pub fn attach(
        &self,
        mut message: Message,
        attachments: impl IntoIterator<Item = Attachment>,
    ) -> Result<Message> {
        for attachment in attachments {
            let part = self.load(attachment)?;
            message.parts.push(part);
            self.check_all(&message)?;
        }
        Ok(message)
    }

    fn address(&self, url: &str, attachment: &Attachment, title: &str) -> Result<Part> {
        let has_scheme = url.split_once(':').is_some_and(|(scheme, rest)| {
            let known = |it: char| it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.');
            scheme.len() > 1 && scheme.chars().all(known) && !rest.is_empty()
        });
        if !has_scheme {
            return Err(refused(title, "is no address").with_help(
                "Begin an address with `https://`, or attach a file with `Attachment::path`.",
            ));
        }
        let by_ending = format::of_name(url.split(['?', '#']).next().unwrap_or(url));
        let media_type = attachment.media_type.clone();
        let media_type = media_type.or_else(|| by_ending.map(|it| it.media_type.to_owned()));
        let by_type = media_type.as_deref().map(MediaKind::of_media_type);
        let Some(kind) = attachment.kind.or(by_type) else {
            return Err(refused(title, "doesn't say what it is").with_help(
                "Say it with `with_kind` or `with_media_type`; the provider fetches it, not parlor.",
            ));
        };
        // An ending that speaks of another kind is wrong about this one.
        let media_type = media_type.filter(|_| by_type == Some(kind));
        if let Some(media_type) = &media_type {
            self.check(title, kind, media_type, 0)?;
        }
        let mut media = Media::url(kind, url);
        media.media_type = media_type;
        media.name = attachment.name.clone();
        media.detail = attachment.detail.clone();
        Ok(media.into())
    }

    /// A file's bytes, no more than allowed.
    fn read(&self, path: &Path, title: &str) -> Result<Vec<u8>> {
        let unread = |error: std::io::Error| {
            refused(title, &format!("can't be read: {error}")).with_source(error)
        };
        let file = File::open(path).map_err(unread)?;
        // A device may never end.
        if !file.metadata().map_err(unread)?.is_file() {
            return Err(refused(title, "is no file"));
        }
        let most = self.file_bytes;
        let mut bytes = Vec::new();
        let more = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
        more.map_err(unread)?;
        match bytes.len() as u64 > most {
            true => Err(limits::too_large(title, bytes.len() as u64, most)),
            false => Ok(bytes),
        }
    }
}

/// A text under its name.
fn text(bytes: Vec<u8>, name: Option<String>, title: &str) -> Result<Part> {
    let text = String::from_utf8(bytes)
        .map_err(|error| refused(title, "is no text in UTF-8").with_source(error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(match name {
        Some(name) => Part::text(format!("{name}:\n\n{text}\n")),
        None => Part::text(text),
    })
}

fn refused(title: &str, what: &str) -> Error {
    Error::new(ErrorKind::Media, format!("{title} {what}"))
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attachment").field(&self.title()).finish()
    }
}
