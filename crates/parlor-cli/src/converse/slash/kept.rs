//! Commands about whole conversations, which are kept.

use super::{During, Slash, slash};
use crate::converse::{Flow, Session};
use crate::failure::Failure;
use crate::{keeper, pick, terminal};

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "fork",
        "",
        "go on in a copy, and leave this conversation as it is",
        During::Prompt,
        fork,
    ),
    slash("new", "", "begin another conversation", During::Prompt, new),
    slash(
        "clear",
        "",
        "begin another conversation; the instructions stay",
        During::Prompt,
        clear,
    ),
    slash(
        "resume",
        "[ID|WORDS]",
        "go on with a conversation that was kept: pick it, or name it",
        During::Prompt,
        resume,
    ),
    slash(
        "title",
        "TEXT",
        "call this conversation by other words",
        During::Prompt,
        title,
    ),
    slash(
        "export",
        "[-f] FILE",
        "write the conversation as Markdown, or as JSON by the name; -f over another",
        During::Prompt,
        export,
    ),
];

fn fork(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let before = session.keeper().id().map(str::to_owned);
    session.runtime.block_on(session.keeper.fork())?;
    let told = match (before, session.keeper().id()) {
        (Some(before), Some(now)) => format!("This is {now} now; {before} stays as it is."),
        _ => "There is nothing to fork yet.".to_owned(),
    };
    session.say(&told);
    Ok(Flow::Go)
}

fn new(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    session.begin_anew(None);
    session.say("A new conversation.");
    Ok(Flow::Go)
}

fn clear(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let system = session.chat.history().system().map(str::to_owned);
    session.begin_anew(system);
    session.say(match session.keeps {
        true => "A new conversation; the one before is kept.",
        false => "A new conversation.",
    });
    Ok(Flow::Go)
}

fn resume(session: &mut Session, words: &str) -> Result<Flow, Failure> {
    let shelf = session.shelf.clone();
    let is_name = !words.contains(char::is_whitespace) && !words.is_empty();
    let found = is_name.then(|| session.runtime.block_on(keeper::find(&shelf, words)));
    if let Some(Ok(kept)) = found {
        session.leave_behind();
        session.go_on(&kept);
        return session.offer_pending().map(|()| Flow::Go);
    }
    if pick::can(&session.terminal) {
        let picked = pick::pick(&shelf, &session.runtime, words, &session.terminal)?;
        if let Some(id) = picked {
            let kept = session.runtime.block_on(keeper::find(&shelf, &id))?;
            session.leave_behind();
            session.go_on(&kept);
            session.offer_pending()?;
        }
        return Ok(Flow::Go);
    }
    let listed = session
        .runtime
        .block_on(crate::commands::history::listed(&shelf, words, 10))?;
    if listed.is_empty() {
        session.say("Nothing like this is kept.");
    }
    for line in listed {
        session.say(&line);
    }
    Ok(Flow::Go)
}

fn title(session: &mut Session, text: &str) -> Result<Flow, Failure> {
    let text = terminal::printable(text);
    let told = match (session.keeper().id().map(str::to_owned), text.trim()) {
        (None, _) => "Nothing of this conversation is kept yet.".to_owned(),
        (Some(_), "") => "Say what it is called: /title Plans for the garden".to_owned(),
        (Some(id), text) => {
            session.runtime.block_on(session.keeper.set_title(text))?;
            format!("{id} is called {text} from now on.")
        }
    };
    session.say(&told);
    Ok(Flow::Go)
}

fn export(session: &mut Session, file: &str) -> Result<Flow, Failure> {
    let forced = file.strip_prefix("-f");
    let forced = forced.filter(|rest| rest.is_empty() || rest.starts_with(' '));
    let over = forced.is_some();
    let file = forced.unwrap_or(file).trim_start();
    if file.is_empty() {
        session.say("Name a file: notes.md, or notes.json.");
        return Ok(Flow::Go);
    }
    let path = super::passing::path(file);
    let path = std::path::Path::new(&path);
    match crate::export::write(session.chat.history(), path, over) {
        Ok(()) => session.say(&format!("Written to {}.", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => session.say(&format!(
            "{file} is there already and stays as it is. Name another, or /export -f {file}"
        )),
        Err(error) => session.say(&format!("{file} can't be written: {error}")),
    }
    Ok(Flow::Go)
}
