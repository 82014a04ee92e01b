//! Commands that take something in beside the words, or hand something out.

use std::path::{Path, PathBuf};

use parlor::agent::Turn;

use super::{During, Slash, slash};
use crate::converse::{Flow, Session};
use crate::environment::env;
use crate::failure::Failure;
use crate::terminal;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "attach",
        "FILE",
        "send a file, folder, URL or !command with the next message",
        During::Prompt,
        attach,
    ),
    slash(
        "paste",
        "",
        "send the picture or the text of the clipboard with the next message",
        During::Prompt,
        paste,
    ),
    slash(
        "copy",
        "[N]",
        "copy the answer, or its Nth piece of code",
        During::Answer,
        copy,
    ),
];

fn attach(session: &mut Session, what: &str) -> Result<Flow, Failure> {
    if what.is_empty() {
        session.say("Name a file, a folder, a URL, or a command after `!`.");
        return Ok(Flow::Go);
    }
    let is_path = !what.starts_with('!') && !what.contains("://");
    let meant = if is_path { path(what) } else { what.to_owned() };
    session.attached.extend(crate::attach::parts(&meant)?);
    session.say(&format!("{what} goes with the next message."));
    Ok(Flow::Go)
}

/// The path that is meant where no shell reads what is written: `~/` is home, and quotes and
/// backslashes are as terminals write them for a file that is dropped there.
pub(super) fn path(written: &str) -> String {
    if Path::new(written).exists() {
        return written.to_owned();
    }
    let in_quotes = ['"', '\''].into_iter().find_map(|quote| {
        let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.to_owned())
    });
    let path = in_quotes.unwrap_or_else(|| match cfg!(unix) {
        true => unescaped(written),
        false => written.to_owned(),
    });
    let below_home = Path::new(&path).strip_prefix("~").ok().and_then(|rest| {
        let (_, home) = env().first(&["HOME", "USERPROFILE"])?;
        let path: PathBuf = Path::new(&home).join(rest);
        path.into_os_string().into_string().ok()
    });
    below_home.unwrap_or(path)
}

/// The text without the backslashes before letters that a shell would read otherwise.
fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    let next = || match letters.next()? {
        '\\' => letters.next().or(Some('\\')),
        letter => Some(letter),
    };
    std::iter::from_fn(next).collect()
}

fn copy(session: &mut Session, which: &str) -> Result<Flow, Failure> {
    let text = session
        .chat
        .history()
        .turns()
        .last()
        .map(Turn::text)
        .unwrap_or_default();
    let text = match which.parse::<usize>() {
        Ok(number @ 1..) => {
            let pieces = crate::markdown::pieces_of_code(&text);
            let count = pieces.len();
            pieces.into_iter().nth(number - 1).ok_or(match count {
                0 => "The answer has no code between fences.".to_owned(),
                1 => "The answer has one piece of code: /copy 1".to_owned(),
                count => format!("The answer has {count} pieces of code."),
            })
        }
        Err(_) if which.is_empty() => Some(text)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| "There is nothing to copy.".to_owned()),
        _ => Err("/copy takes the number of a piece of code, from 1 on.".to_owned()),
    };
    let text = match text {
        Ok(text) => text,
        Err(told) => {
            session.say(&told);
            return Ok(Flow::Go);
        }
    };
    terminal::to_clipboard(&text)?;
    session.say(&format!(
        "{} characters are copied, if the terminal allows it.",
        text.chars().count()
    ));
    Ok(Flow::Go)
}

fn paste(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let (part, told) = crate::clipboard::part()?;
    session.attached.push(part);
    session.say(&format!("{told} goes with the next message."));
    Ok(Flow::Go)
}
