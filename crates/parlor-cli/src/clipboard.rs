//! What the clipboard holds: a picture, or text.
//!
//! With the feature `clipboard` the system is asked itself. Without, and where
//! that fails, the programs that desktops have for it are.

use std::io;
use std::process::{Command, Stdio};

use parlor::agent::Attachment;
use parlor::{ErrorKind, Part};

use crate::attach;
use crate::failure::Failure;

/// The programs that print a picture from the clipboard as PNG.
const PICTURES: &[&[&str]] = &[
    &["wl-paste", "--no-newline", "--type", "image/png"],
    &["xclip", "-selection", "clipboard", "-t", "image/png", "-o"],
    &["pngpaste", "-"],
];

/// What a PNG begins with.
const PNG: &[u8] = b"\x89PNG";

/// The programs that print its text.
const TEXTS: &[&[&str]] = &[
    &["wl-paste", "--no-newline", "--type", "text/plain"],
    &["xclip", "-selection", "clipboard", "-o"],
    &["xsel", "--clipboard", "--output"],
    &["pbpaste"],
    &[
        "powershell.exe",
        "-NoProfile",
        "-Command",
        "Get-Clipboard",
        "-Raw",
    ],
];

/// What the clipboard holds as a part of a message, and in words.
pub(crate) fn part() -> Result<(Part, String), Failure> {
    #[cfg(feature = "clipboard")]
    if let Some(found) = system::part()? {
        return Ok(found);
    }
    let mut there = false;
    let mut said = None;
    let mut printed = |programs: &[&[&str]]| {
        let mut outputs = programs.iter().filter_map(|words| {
            let output = output(words)?;
            there = true;
            output.map_err(|why| said = Some(why)).ok()
        });
        outputs.find(|bytes| !bytes.is_empty())
    };
    // Whoever owns it may give text whatever is asked for, as xclip does.
    let picture = printed(PICTURES).filter(|bytes| bytes.starts_with(PNG));
    if let Some(picture) = picture {
        return self::picture(picture);
    }
    if let Some(text) = printed(TEXTS) {
        return Ok(text_part(&String::from_utf8_lossy(&text)));
    }
    Err(match said {
        Some(said) => nothing(&format!(
            "the clipboard gives neither a picture nor text ({said})"
        )),
        None if there => nothing("the clipboard holds neither a picture nor text"),
        None => nothing("the clipboard can't be read from here").help(
            "install wl-paste (wl-clipboard) or xclip, or build with the feature `clipboard`",
        ),
    }
    .help(
        "text can be pasted by the terminal's own keys, and a file sent by -a FILE or /attach FILE",
    ))
}

/// A picture's bytes as a part.
fn picture(bytes: Vec<u8>) -> Result<(Part, String), Failure> {
    let told = format!("A picture ({} KB)", bytes.len().div_ceil(1024));
    Ok((attach::loaded(Attachment::bytes(bytes))?, told))
}

fn text_part(text: &str) -> (Part, String) {
    let text = text.replace("\r\n", "\n");
    let told = format!("Text ({} characters)", text.chars().count());
    (Part::text(text), told)
}

/// What a program prints, or why it fails, in its own words; `None` where there is no such program.
fn output(words: &[&str]) -> Option<Result<Vec<u8>, String>> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(format!("{program}: {error}"))),
        Ok(output) if output.status.success() => Some(Ok(output.stdout)),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().map(str::trim).find(|line| !line.is_empty());
            let said = said.map_or_else(|| output.status.to_string(), str::to_owned);
            Some(Err(format!("{program}: {said}")))
        }
    }
}

fn nothing(fact: &str) -> Failure {
    Failure::bad_input("clipboard", ErrorKind::Media, fact)
}

#[cfg(feature = "clipboard")]
mod system {
    use std::io::Cursor;

    use arboard::{Clipboard, ImageData};
    use image::{ImageFormat, RgbaImage};
    use parlor::Part;

    use super::{picture, text_part};
    use crate::failure::Failure;

    /// What the system's clipboard holds; `None` where it can't be asked.
    pub(super) fn part() -> Result<Option<(Part, String)>, Failure> {
        let Ok(mut clipboard) = Clipboard::new() else {
            return Ok(None);
        };
        if let Some(png) = clipboard.get_image().ok().and_then(png) {
            return picture(png).map(Some);
        }
        let text = clipboard.get_text().ok().filter(|text| !text.is_empty());
        Ok(text.map(|text| text_part(&text)))
    }

    fn png(data: ImageData<'_>) -> Option<Vec<u8>> {
        let (width, height) = (data.width.try_into().ok()?, data.height.try_into().ok()?);
        let image = RgbaImage::from_raw(width, height, data.bytes.into_owned())?;
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).ok()?;
        Some(png.into_inner())
    }
}
