//! Holds the media of a request to what the provider takes, for every dialect alike.

use super::Policy;
use parlor_core::{
    ChatRequest, Error, ErrorKind, Media, MediaKind, OnUnsupported, Part, Result, WarningKind,
};
use std::borrow::Cow;

impl Policy<'_> {
    /// The request without the media that the provider is known not to take:
    /// see [`ModelInfo::media`](parlor_core::ModelInfo::media). What can't be
    /// sent is an error of the kind `Media`, or left out with a warning where
    /// the caller is content with one; too many together are sent with it.
    ///
    /// # Errors
    /// `Media`, with the medium's kind and place, the limit and what to do.
    pub(super) fn hold_media<'r>(
        &mut self,
        mut request: Cow<'r, ChatRequest>,
    ) -> Result<Cow<'r, ChatRequest>> {
        let limits = &self.info.media;
        if limits.is_unknown() || !request.messages.iter().any(|it| any(&it.parts)) {
            return Ok(request);
        }
        let mut all = Vec::new();
        for message in &request.messages {
            gather(&message.parts, &mut all);
        }
        let mut counts = [0_usize; 4];
        let mut taken = Vec::with_capacity(all.len());
        let mut refused = Vec::new();
        for media in &all {
            let (slot, word) = word_of(media.kind);
            let count = counts.get_mut(slot).map_or(0, |it| {
                *it += 1;
                *it
            });
            let title = match &media.name {
                Some(name) => format!("{word} {count} (`{name}`)"),
                None => format!("{word} {count}"),
            };
            let checked = limits.check(media, &title);
            taken.push(checked.is_ok());
            refused.extend(checked.err().map(|error| (word, error)));
        }
        let kept = all
            .iter()
            .zip(&taken)
            .filter_map(|(it, taken)| taken.then_some(*it));
        let together = limits.check_together(kept);
        for (word, error) in refused {
            self.media(word, error)?;
        }
        if let Err(error) = together {
            self.media("media", error)?;
        }
        if taken.contains(&false) {
            let mut taken = taken.into_iter();
            for message in &mut request.to_mut().messages {
                leave_out(&mut message.parts, &mut taken);
            }
        }
        Ok(request)
    }

    /// Media that can't be sent: the error, unless the caller is content with a
    /// warning that says the same.
    ///
    /// # Errors
    /// The error, with the provider and the model.
    pub fn media(&mut self, setting: &str, error: Error) -> Result<()> {
        match self.wish {
            Some(OnUnsupported::Warn) => {
                self.warn(
                    WarningKind::Unsupported,
                    setting,
                    error.message().to_owned(),
                );
                Ok(())
            }
            _ => Err(error
                .with_kind(ErrorKind::Media)
                .with_provider(&self.info.provider)
                .with_model(&self.info.model)),
        }
    }
}

/// A place in a table of counts, and what people call it.
fn word_of(kind: MediaKind) -> (usize, &'static str) {
    match kind {
        MediaKind::Image => (0, "image"),
        MediaKind::Audio => (1, "audio"),
        MediaKind::Video => (2, "video"),
        _ => (3, "document"),
    }
}

fn any(parts: &[Part]) -> bool {
    parts.iter().any(|part| match part {
        Part::Media(_) => true,
        Part::ToolResult(result) => any(&result.parts),
        _ => false,
    })
}

/// Media in their order, those in results of tools too.
fn gather<'r>(parts: &'r [Part], all: &mut Vec<&'r Media>) {
    for part in parts {
        match part {
            Part::Media(media) => all.push(media),
            Part::ToolResult(result) => gather(&result.parts, all),
            _ => {}
        }
    }
}

/// Leaves out the media that aren't taken; `taken` is in the order of
/// [`gather`].
fn leave_out(parts: &mut Vec<Part>, taken: &mut impl Iterator<Item = bool>) {
    parts.retain_mut(|part| match part {
        Part::Media(_) => taken.next().unwrap_or(true),
        Part::ToolResult(result) => {
            leave_out(&mut result.parts, taken);
            true
        }
        _ => true,
    });
}
