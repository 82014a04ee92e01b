//! Attachments: a file, a folder, an address, what a command prints or stdin becomes
//! parts of the message.

mod command;
mod folder;

use std::io::Read;
use std::path::Path;

use parlor::agent::Attachment;
use parlor::{ErrorKind, MediaFormat, MediaKind, Part};

use crate::clipboard;
use crate::failure::Failure;

/// The most bytes of one attachment. No provider takes a larger file inline.
const LIMIT: u64 = 50 * 1024 * 1024;

/// What stands for the clipboard, where there is no file of that name.
const CLIPBOARD: &str = "clipboard";

/// The parts for what was named: a path, an address with `http`, `https`, `data`
/// or `file`, a command after `!`, or the clipboard.
pub(crate) fn parts(what: &str) -> Result<Vec<Part>, Failure> {
    match what.strip_prefix('!') {
        Some(command) => command::part(command).map(|part| vec![part]),
        None if Path::new(what).is_dir() => folder::parts(what),
        None if what == CLIPBOARD && !Path::new(what).exists() => {
            clipboard::part().map(|(part, _)| vec![part])
        }
        None => part(what).map(|part| vec![part]),
    }
}

fn part(what: &str) -> Result<Part, Failure> {
    let mut attachment = Attachment::of(what).with_max_bytes(LIMIT);
    // An address that doesn't tell is most likely a picture's; of a file, bytes
    // tell.
    let is_address = ["http:", "https:"].iter().any(|it| what.starts_with(it));
    if is_address && MediaFormat::of_name(what).is_none() {
        attachment = attachment.with_kind(MediaKind::Image);
    }
    loaded(attachment)
}

/// The part for what came through stdin.
pub(crate) fn from_stdin(bytes: Vec<u8>) -> Result<Part, Failure> {
    match MediaFormat::of_head(&bytes) {
        Some(_) => loaded(Attachment::bytes(bytes)),
        None => loaded(Attachment::bytes(bytes).with_name("stdin")),
    }
}

pub(crate) fn loaded(attachment: Attachment) -> Result<Part, Failure> {
    attachment.load().map_err(|error| {
        let failure = wrong(error.message().to_owned());
        match error.message().contains("neither text nor") {
            true => failure.help("attach an image, a sound, a video, a PDF or UTF-8 text"),
            false => failure.help(error.help()),
        }
    })
}

/// Reads all, up to the limit.
pub(crate) fn read(from: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            wrong(format!("cannot read {name}: {error}")).help("check the path and its permissions")
        })?;
    if bytes.len() as u64 > LIMIT {
        let limit = LIMIT / 1024 / 1024;
        return Err(wrong(format!("{name} is larger than {limit} MiB"))
            .help("attach a smaller file, or the address of it"));
    }
    Ok(bytes)
}

fn wrong(fact: String) -> Failure {
    Failure::bad_input("attachment", ErrorKind::Media, fact)
}
