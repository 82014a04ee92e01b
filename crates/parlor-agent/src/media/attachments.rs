//! Several attachments at once.

use super::Attachment;
use parlor_core::{Media, MediaFetcher, MediaLimits, Message, Part, Result};
use std::path::PathBuf;

/// Several things to show a model in one message, held to limits together.
///
/// ```
/// use parlor_agent::{Attachment, Attachments};
/// use parlor_core::{ChatModel, ChatModelExt, Echo, Message};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let model = Echo::new();
/// let message = Attachments::new()
///     .with(Attachment::bytes(&b"\x89PNG\r\n\x1a\n rest of it"[..]))
///     .with(Attachment::bytes("Some notes."))
///     .attach(Message::user("What do they show? "), &model.info().media)?;
/// assert_eq!(message.parts.len(), 3);
/// # model.ask(message).await?;
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "they are attached by `attach`"]
pub struct Attachments(Vec<Attachment>);

impl Attachments {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// These files. Patterns such as `*.png` are the shell's affair.
    pub fn paths(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        paths.into_iter().map(Attachment::path).collect()
    }

    /// The same with one more.
    pub fn with(mut self, attachment: Attachment) -> Self {
        self.0.push(attachment);
        self
    }

    /// The same, each with a longer side of no more than so many pixels if it is
    /// a picture: [`Attachment::with_max_side`].
    #[cfg(feature = "image")]
    pub fn with_max_side(self, pixels: u32) -> Self {
        let all = self.0.into_iter();
        all.map(|it| it.with_max_side(pixels)).collect()
    }

    /// The same, each made to fit if it is a picture: [`Attachment::fitted`].
    #[cfg(feature = "image")]
    pub fn fitted(self) -> Self {
        self.0.into_iter().map(Attachment::fitted).collect()
    }

    /// The same with the bytes in place of addresses, one fetched after the
    /// other: [`Attachment::fetched`].
    ///
    /// # Errors
    /// That of the first that can't be fetched.
    pub async fn fetched(self, fetcher: &dyn MediaFetcher) -> Result<Self> {
        let mut all = Vec::with_capacity(self.0.len());
        for attachment in self.0 {
            all.push(attachment.fetched(fetcher).await?);
        }
        Ok(Self(all))
    }

    /// A message with them behind what it says, for a model that takes what
    /// these limits say: [`ModelInfo::media`](parlor_core::ModelInfo::media). A
    /// file is read with blocking calls.
    ///
    /// # Errors
    /// As [`Attachment::load_for`], and as [`MediaLimits::check_together`].
    pub fn attach(self, mut message: Message, limits: &MediaLimits) -> Result<Message> {
        let mut limits = *limits;
        // A crowd of pictures has to be smaller; some may turn out to be no
        // pictures, and the others are a little smaller then.
        if let Some((count, side)) = limits.image.crowd
            && self.0.len() > count as usize
        {
            limits.image.side = Some(limits.image.side.unwrap_or(side).min(side));
        }
        for attachment in self.0 {
            let part = attachment.load_for(&limits)?;
            message.parts.push(part);
        }
        limits.check_together(message.parts.iter().filter_map(medium))?;
        Ok(message)
    }
}

fn medium(part: &Part) -> Option<&Media> {
    match part {
        Part::Media(media) => Some(media),
        _ => None,
    }
}

impl FromIterator<Attachment> for Attachments {
    fn from_iter<T: IntoIterator<Item = Attachment>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Extend<Attachment> for Attachments {
    fn extend<T: IntoIterator<Item = Attachment>>(&mut self, more: T) {
        self.0.extend(more);
    }
}
