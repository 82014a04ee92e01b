//! Files, bytes and addresses made into parts of a message: told by content, held to limits.

mod attachments;
#[cfg(feature = "image")]
mod fit;

pub use attachments::Attachments;

use parlor_core::{
    Error, ErrorKind, Media, MediaFetcher, MediaFormat, MediaKind, MediaLimits, Part, Result,
};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
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
/// What it is follows from its first bytes, whatever its name says, as
/// [`MediaFormat`] tells; text in UTF-8 becomes a text part, since every model
/// reads that. Anything else must be said by
/// [`with_media_type`](Self::with_media_type).
///
/// | it is | and becomes |
/// |---|---|
/// | PNG, JPEG, GIF, WebP, HEIC, HEIF, AVIF, BMP, TIFF | an image |
/// | MP4, WebM, Ogg with pictures, QuickTime, AVI, Matroska, 3GP, FLV, WMV, MPEG | a video |
/// | WAV, MP3, FLAC, Ogg, AAC, AIFF, M4A | a sound |
/// | PDF | a document |
/// | text in UTF-8 | a text part; with a media type, a document |
/// | an address | what its ending or you say; it is passed on, for the provider to fetch |
///
/// What a provider takes stands in
/// [`ModelInfo::media`](parlor_core::ModelInfo::media): a model refuses what is
/// beyond it before it sends anything, and [`load_for`](Self::load_for) does at
/// once. With the feature `image`, pictures are made to fit:
/// [`with_max_side`](Self::with_max_side), [`fitted`](Self::fitted). An address
/// that the provider doesn't fetch is fetched by [`fetched`](Self::fetched), or
/// for all calls by the layer `fetch_media`.
#[derive(Clone)]
#[must_use = "it is attached by what `load` gives"]
pub struct Attachment {
    source: Source,
    kind: Option<MediaKind>,
    media_type: Option<String>,
    name: Option<String>,
    detail: Option<String>,
    max_bytes: u64,
    #[cfg(feature = "image")]
    fit: fit::Fit,
}

#[derive(Clone)]
enum Source {
    Path(PathBuf),
    Bytes(Vec<u8>),
    Url(String),
}

/// The most bytes of a file, where nothing else is said.
const MAX_BYTES: u64 = 100 << 20;

impl Attachment {
    fn new(source: Source) -> Self {
        Self {
            source,
            kind: None,
            media_type: None,
            name: None,
            detail: None,
            max_bytes: MAX_BYTES,
            #[cfg(feature = "image")]
            fit: fit::Fit::default(),
        }
    }

    /// What a person named: an address with `http`, `https` or `data`, else a
    /// file, with or without `file:`.
    pub fn of(what: &str) -> Self {
        let (scheme, rest) = what.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" | "data" => Self::url(what),
            "file" => Self::path(rest.strip_prefix("//").unwrap_or(rest)),
            _ => Self::path(what),
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

    /// The same, of which no more than so many bytes are read if it is a file;
    /// 100 MiB unless it is said.
    pub fn with_max_bytes(mut self, most: u64) -> Self {
        self.max_bytes = most;
        self
    }

    /// The same as a picture whose longer side has no more than so many pixels.
    /// One that has more is made smaller; an animated one becomes its first
    /// frame. It keeps its proportions and is turned as its EXIF data says, of
    /// which nothing is left. What comes of it is a PNG where something shows
    /// through, else a JPEG.
    ///
    /// PNG, JPEG, GIF, WebP and BMP can be made smaller. [Loading](Self::load)
    /// it then takes the processor for some 10 ms a megapixel: in a server,
    /// load it where that blocks nobody.
    #[cfg(feature = "image")]
    pub fn with_max_side(mut self, pixels: u32) -> Self {
        self.fit.side = Some(pixels);
        self
    }

    /// The same, made to fit what it is [loaded for](Self::load_for) if it is a
    /// picture: converted where its format isn't taken, and made smaller where
    /// its sides or its bytes are beyond the limits. As
    /// [`with_max_side`](Self::with_max_side) otherwise.
    #[cfg(feature = "image")]
    pub fn fitted(mut self) -> Self {
        self.fit.to_limits = true;
        self
    }

    /// The same with the bytes in place of an address, for a provider that
    /// doesn't fetch; files and bytes stay as they are.
    ///
    /// # Errors
    /// As [`MediaFetcher::fetch`].
    pub async fn fetched(mut self, fetcher: &dyn MediaFetcher) -> Result<Self> {
        let Source::Url(url) = &self.source else {
            return Ok(self);
        };
        if !url.starts_with("http") {
            return Ok(self);
        }
        let title = self.title();
        let found = fetcher.fetch(url).await?;
        self.media_type = match self.media_type {
            Some(media_type) => Some(media_type),
            None => Some(found.media_type(self.kind, &title)?),
        };
        let last = title.rsplit('/').next().filter(|it| !it.is_empty());
        self.name = self.name.or_else(|| last.map(str::to_owned));
        self.source = Source::Bytes(found.bytes.into());
        Ok(self)
    }

    /// The part of a message that it makes, whatever the model. A file is read
    /// with blocking calls.
    ///
    /// # Errors
    /// [`Media`](ErrorKind::Media) for a file that can't be read, for what is
    /// empty or too large, of a kind that it isn't said to be, or can't be told.
    pub fn load(self) -> Result<Part> {
        self.load_for(&MediaLimits::UNKNOWN)
    }

    /// The same for a model that takes what these limits say:
    /// [`ModelInfo::media`](parlor_core::ModelInfo::media).
    ///
    /// # Errors
    /// As [`load`](Self::load), and as [`MediaLimits::check`].
    pub fn load_for(self, limits: &MediaLimits) -> Result<Part> {
        let title = self.title();
        let bytes = match &self.source {
            Source::Url(url) => return self.address(url, limits, &title),
            Source::Path(path) => self.read(path, &title)?,
            Source::Bytes(_) => Vec::new(),
        };
        let bytes = match self.source {
            Source::Bytes(bytes) => bytes,
            _ => bytes,
        };
        if bytes.is_empty() {
            return Err(refused(&title, "is empty"));
        }
        let found = MediaFormat::of_bytes(&bytes);
        let media_type = match (found, self.media_type) {
            // A text is whatever sort of text it is said to be.
            (Some(MediaFormat::Text) | None, Some(said)) => said,
            (Some(MediaFormat::Text), None) if self.kind.is_none() => {
                return text(bytes, self.name, &title);
            }
            (Some(format), Some(said)) if is_sound_alone(format, &said) => said,
            (Some(format), _) => format.media_type().to_owned(),
            (None, None) => {
                return Err(
                    refused(&title, "is neither text nor a kind of media that is known")
                        .with_help("Say what it is with `with_media_type`, or convert it."),
                );
            }
        };
        #[cfg(feature = "image")]
        let (bytes, media_type) = match found {
            Some(format) if format.kind() == MediaKind::Image => {
                let (bytes, format) = self.fit.apply(bytes, format, &limits.image, &title)?;
                (bytes, format.media_type().to_owned())
            }
            _ => (bytes, media_type),
        };
        let mut media = Media::bytes(media_type, bytes);
        if let Some(kind) = self.kind
            && kind != media.kind
        {
            let media_type = media.media_type.unwrap_or_default();
            let what = format!("is {media_type} and not what it is attached as");
            return Err(refused(&title, &what));
        }
        limits.check(&media, &title)?;
        media.name = self.name;
        media.detail = self.detail;
        Ok(media.into())
    }

    fn address(&self, url: &str, limits: &MediaLimits, title: &str) -> Result<Part> {
        let has_scheme = url.split_once(':').is_some_and(|(scheme, rest)| {
            let known = |it: char| it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.');
            scheme.len() > 1 && scheme.chars().all(known) && !rest.is_empty()
        });
        if !has_scheme {
            return Err(refused(title, "is no address").with_help(
                "Begin an address with `https://`, or attach a file with `Attachment::path`.",
            ));
        }
        let inline = url.strip_prefix("data:").and_then(|rest| {
            let media_type = rest.split([';', ',']).next()?;
            (!media_type.is_empty()).then(|| media_type.to_owned())
        });
        let by_ending = || MediaFormat::of_name(url).map(|it| it.media_type().to_owned());
        let media_type = self.media_type.clone().or(inline).or_else(by_ending);
        let by_type = media_type.as_deref().map(MediaKind::of_media_type);
        let Some(kind) = self.kind.or(by_type) else {
            return Err(refused(title, "doesn't say what it is").with_help(
                "Say it with `with_kind` or `with_media_type`; the provider fetches it, not parlor.",
            ));
        };
        let mut media = Media::url(kind, url);
        // An ending that speaks of another kind is wrong about this one.
        media.media_type = media_type.filter(|_| by_type == Some(kind));
        media.name = self.name.clone();
        media.detail = self.detail.clone();
        limits.check(&media, title)?;
        Ok(media.into())
    }

    /// A file's bytes, no more than allowed.
    fn read(&self, path: &Path, title: &str) -> Result<Vec<u8>> {
        let unread = |error: std::io::Error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                _ => error.to_string(),
            };
            refused(title, &format!("can't be read: {why}"))
                .with_help("Check the path and its permissions.")
                .with_source(error)
        };
        let file = File::open(path).map_err(unread)?;
        let about = file.metadata().map_err(unread)?;
        // A device may never end.
        if !about.is_file() {
            let what = match about.is_dir() {
                true => "is a folder",
                false => "is no file",
            };
            return Err(refused(title, what).with_help("Name a file."));
        }
        let mut bytes = Vec::new();
        let more = file
            .take(self.max_bytes.saturating_add(1))
            .read_to_end(&mut bytes);
        more.map_err(unread)?;
        match bytes.len() as u64 > self.max_bytes {
            true => {
                let what = format!("has more than {} bytes", self.max_bytes);
                Err(refused(title, &what)
                    .with_help("Make it smaller, cut it, or give its address."))
            }
            false => Ok(bytes),
        }
    }

    /// What it is called in an error.
    fn title(&self) -> String {
        match (&self.source, &self.name) {
            (Source::Path(path), _) => path.display().to_string(),
            (Source::Url(url), None) if url.starts_with("data:") => "a `data:` address".to_owned(),
            (_, Some(name)) => name.clone(),
            (Source::Url(url), _) => url.split(['?', '#']).next().unwrap_or(url).to_owned(),
            (Source::Bytes(bytes), _) => format!("an attachment of {} bytes", bytes.len()),
        }
    }
}

/// Whether a container of films is said to hold a sound alone.
fn is_sound_alone(format: MediaFormat, said: &str) -> bool {
    format.kind() == MediaKind::Video && MediaKind::of_media_type(said) == MediaKind::Audio
}

/// A text under its name.
fn text(bytes: Vec<u8>, name: Option<String>, title: &str) -> Result<Part> {
    let text = String::from_utf8(bytes)
        .map_err(|error| refused(title, "is no text in UTF-8").with_source(error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    Ok(match name {
        Some(name) => Part::text(format!("<file name=\"{name}\">\n{text}{end}</file>\n\n")),
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
