//! A folder as an attachment: its texts, each under its name.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use parlor::agent::Attachment;
use parlor::{MediaFormat, Part};

use super::{loaded, wrong};
use crate::failure::Failure;

/// The most files of one folder, and the most bytes of them together: more
/// fits no model.
const FILES: usize = 2_000;
const BYTES: usize = 8 * 1024 * 1024;

/// The bytes of a file that tell whether to read on.
const HEAD: usize = 8 * 1024;

/// The texts in a folder, ordered by name. Hidden files are left out, and those
/// that `.gitignore` or `.ignore` name; so are pictures and whatever else is no text.
pub(super) fn parts(folder: &str) -> Result<Vec<Part>, Failure> {
    let mut parts = Vec::new();
    let mut left = BYTES;
    for path in files(folder)? {
        let shown = path.display().to_string();
        let read = text(&path).map_err(|error| {
            wrong(format!("cannot read {shown}: {error}")).help("check the file's permissions")
        })?;
        let Some(bytes) = read else { continue };
        left = left
            .checked_sub(bytes.len())
            .ok_or_else(|| too_much(folder))?;
        parts.push(loaded(Attachment::bytes(bytes).with_name(shown))?);
    }
    if parts.is_empty() {
        let fact = format!("there is no text in the folder {folder}");
        return Err(wrong(fact).help("hidden and ignored files don't count; name a file itself"));
    }
    Ok(parts)
}

/// What a file holds, if that is text: of what is larger than all may be together, no
/// more is read than tells that.
fn text(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    for most in [HEAD, BYTES + 1] {
        let more = most.saturating_sub(bytes.len());
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        file.by_ref().take(more).read_to_end(&mut bytes)?;
        if !is_text(&bytes, bytes.len() >= most) {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// Whether bytes are text, of which a letter may be cut where there are more of them.
fn is_text(bytes: &[u8], goes_on: bool) -> bool {
    MediaFormat::of_head(bytes).is_none()
        && std::str::from_utf8(bytes)
            .map_or_else(|error| goes_on && error.error_len().is_none(), |_| true)
}

fn files(folder: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut builder = WalkBuilder::new(Path::new(folder));
    builder
        .require_git(false)
        .sort_by_file_path(|one, other| one.cmp(other));
    let mut files = Vec::new();
    for entry in builder.build() {
        let entry = entry.map_err(|error| {
            wrong(format!("cannot read the folder {folder}: {error}"))
                .help("check the path and its permissions")
        })?;
        // Neither links nor pipes: a link may lead anywhere, a pipe never ends.
        if entry.file_type().is_some_and(|it| it.is_file()) {
            files.push(entry.into_path());
        }
        if files.len() > FILES {
            return Err(too_much(folder));
        }
    }
    Ok(files)
}

fn too_much(folder: &str) -> Failure {
    let limit = BYTES / 1024 / 1024;
    wrong(format!(
        "{folder} holds more than {FILES} files or {limit} MiB of text"
    ))
    .help("attach the folders or files that matter")
    .help("name what doesn't in a file .ignore")
}
