//! What a line that begins with `/` does.
//!
//! The commands stand in files by what they are about, each with its own table;
//! here they are put together and found.

mod asking;
mod kept;
mod numbers;
mod passing;
mod shape;
mod tools;
mod turns;

use std::borrow::Cow;

use parlor::agent::Turn;
use parlor::{ChatRequest, Message, Role};

use super::editor::PROMPT;
use super::{Flow, Session, keys};
use crate::failure::Failure;
pub(super) use asking::SETTINGS;
pub(super) use shape::OFF;
pub(super) use tools::WORDS as TOOL_WORDS;

/// When a command may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum During {
    /// At the prompt alone.
    Prompt,
    /// While an answer comes too: it tells how things stand, or changes what is asked
    /// next. It leaves the history, what goes with the next message, and the keys alone.
    Answer,
}

/// A command: its word, what stands after it, what it does, and when it may.
pub(super) struct Slash {
    pub(super) name: &'static str,
    pub(super) takes: &'static str,
    pub(super) about: &'static str,
    during: During,
    run: fn(&mut Session, &str) -> Result<Flow, Failure>,
}

/// All commands by what they are about, in the order of the help.
const GROUPS: &[&[Slash]] = &[
    &[slash(
        "help",
        "",
        "these commands and the keys",
        During::Answer,
        help,
    )],
    asking::COMMANDS,
    passing::COMMANDS,
    turns::COMMANDS,
    tools::COMMANDS,
    kept::COMMANDS,
    numbers::COMMANDS,
    &[
        slash(
            "keys",
            "",
            "what each key does, and what this terminal delivers",
            During::Prompt,
            keys::keys,
        ),
        slash(
            "quit",
            "",
            "leave; everything is kept",
            During::Answer,
            quit,
        ),
        slash("exit", "", "the same", During::Answer, quit),
    ],
];

/// All commands, in the order of the help.
pub(super) fn all() -> impl Iterator<Item = &'static Slash> {
    GROUPS.iter().copied().flatten()
}

/// What aichat calls them, beside the names that are the same, after a dot.
const OF_AICHAT: &[(&str, &str)] = &[
    ("file", "attach"),
    ("info", "status"),
    ("prompt", "system"),
    ("regenerate", "retry"),
    ("role", "template"),
    ("session", "resume"),
];

const KEYS: &str = "\
Enter sends. Shift-Enter, Alt-Enter, Ctrl-J or a \\ at the end begin a new line. Ctrl-O opens your \
editor, Ctrl-R looks in what you entered before. In a menu Tab and the arrows choose, Enter takes what \
is chosen, Esc closes it. Ctrl-C stops an answer and keeps what came; Ctrl-D leaves. A message that \
begins with / is written //.
While an answer comes, commands with a * run when they are entered; what else is typed stands at the next \
prompt.";

/// The column of what a command does, in the help.
const ABOUT: usize = 26;

const fn slash(
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    during: During,
    run: fn(&mut Session, &str) -> Result<Flow, Failure>,
) -> Slash {
    Slash {
        name,
        takes,
        about,
        during,
        run,
    }
}

/// The command that a word means: itself, or the only one that begins so. One that
/// the others of these begin with, as /model and /models, is the only one.
fn find(word: &str) -> Result<&'static Slash, String> {
    if let Some(exact) = all().find(|slash| slash.name == word) {
        return Ok(exact);
    }
    let begins: Vec<&Slash> = all().filter(|slash| slash.name.starts_with(word)).collect();
    let shortest = begins.iter().min_by_key(|slash| slash.name.len());
    if let Some(shortest) = shortest
        && begins
            .iter()
            .all(|slash| slash.name.starts_with(shortest.name))
    {
        return Ok(shortest);
    }
    let near = all().map(|slash| (strsim::osa_distance(word, slash.name), slash.name));
    let near = near.min().filter(|(distance, _)| *distance <= 2);
    let others: Vec<String> = begins
        .iter()
        .map(|slash| format!("/{}", slash.name))
        .collect();
    Err(match (others.as_slice(), near) {
        ([], Some((_, name))) => format!("There is no /{word}. Did you mean /{name}?"),
        ([], None) => format!(
            "There is no /{word}. /help lists what there is; //{word} is sent as a message."
        ),
        (others, _) => format!("/{word} may be {}.", others.join(", ")),
    })
}

/// The command line in what was entered, if it is one: after a slash, or as aichat
/// has it. A path or a comment that was pasted begins with a slash too, and is none.
pub(super) fn command(text: &str) -> Option<Cow<'_, str>> {
    match text.strip_prefix('/') {
        Some(rest) => may_be_command(rest).then_some(Cow::Borrowed(rest)),
        None => dotted(text).map(Cow::Owned),
    }
}

/// Whether what stands after a slash is a command's word, or would be one but for a slip.
fn may_be_command(rest: &str) -> bool {
    let word = rest.split(char::is_whitespace).next().unwrap_or_default();
    let is_empty = rest.trim().is_empty();
    let begins = word.starts_with(|c: char| c.is_alphabetic() || c == '?');
    is_empty || (begins && !word.contains('/'))
}

/// The message in what was entered: without the slash by which a person has it begin
/// with one that isn't a command's, and with the blanks that its first line begins with.
pub(super) fn message(text: &str) -> &str {
    let text = text.trim_end();
    let lead = text.len() - text.trim_start().len();
    let blank = text.get(..lead).and_then(|lead| lead.rfind('\n'));
    let text = text.get(blank.map_or(0, |at| at + 1)..).unwrap_or(text);
    let rest = text.strip_prefix('/').filter(|rest| !rest.contains('\n'));
    rest.filter(|rest| rest.strip_prefix('/').is_some_and(may_be_command))
        .unwrap_or(text)
}

/// The command line in a line of aichat's, which begins with a dot. Only whole
/// names count, since what people ask may begin so too.
fn dotted(text: &str) -> Option<String> {
    let line = text.strip_prefix('.')?;
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end)?;
    let alias = OF_AICHAT.iter().find(|(theirs, _)| *theirs == word);
    let name = match alias {
        Some((_, ours)) => ours,
        None => all().find(|slash| slash.name == word)?.name,
    };
    Some(format!("{name}{rest}"))
}

impl Session {
    /// Runs a line that began with `/`, which isn't part of it any more.
    pub(super) fn slash(&mut self, line: &str) -> Result<Flow, Failure> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match find(word) {
            Ok(slash) => (slash.run)(self, rest.trim()),
            Err(told) => {
                self.say(&told);
                Ok(Flow::Go)
            }
        }
    }

    /// Runs a command that was entered while an answer comes, or says that it waits.
    pub(super) fn slash_meanwhile(&mut self, entered: &str) -> Result<Flow, Failure> {
        self.part();
        self.tell(&format!("{PROMPT}{entered}"));
        let line = command(entered).unwrap_or_default();
        let word = line.split(char::is_whitespace).next().unwrap_or_default();
        let waits = find(word).ok().filter(|it| it.during == During::Prompt);
        if let Some(slash) = waits {
            self.ahead.hold(entered);
            let name = slash.name;
            self.say(&format!(
                "/{name} waits until the answer ends; Ctrl-C stops it."
            ));
            return Ok(Flow::Go);
        }
        let before = self.next();
        let flow = self.slash(&line)?;
        if self.next() != before {
            self.say("That is from the next question on.");
        }
        Ok(flow)
    }

    /// What the next question is asked with.
    fn next(&mut self) -> (bool, ChatRequest, String) {
        let request = self.chat.request_mut().clone();
        (self.thoughts, request, self.chosen.resolved.id())
    }

    /// Other instructions for the model from now on.
    pub(super) fn set_system(&mut self, text: Option<String>) {
        self.chat.history_mut().set_system(text.clone());
        self.keep(|session| {
            session
                .runtime
                .block_on(session.keeper.set_system(text.as_deref()))
        });
    }
}

fn help(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    for slash in all() {
        let word = format!("/{} {}", slash.name, slash.takes);
        let mark = match slash.during {
            During::Answer => "*",
            During::Prompt => " ",
        };
        match word.len() < ABOUT - 3 {
            true => session.say(&format!(
                "{mark} {word:<width$}{}",
                slash.about,
                width = ABOUT - 2
            )),
            false => {
                session.say(&format!("{mark} {}", word.trim_end()));
                session.say(&format!("{:ABOUT$}{}", "", slash.about));
            }
        }
    }
    session.say(KEYS);
    Ok(Flow::Go)
}

fn quit(_: &mut Session, _: &str) -> Result<Flow, Failure> {
    Ok(Flow::Quit)
}

/// The beginning of what a person asked.
pub(crate) fn first_line(turn: &Turn) -> String {
    let asked = turn
        .messages
        .iter()
        .find(|message| message.role == Role::User);
    asked
        .map(|message: &Message| parlor::agent::title_of(message))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_of_one_command_is_it() {
        assert_eq!(find("und").unwrap().name, "undo");
        assert_eq!(find("exit").unwrap().name, "exit");
        assert!(find("s").is_err_and(|told| told.contains("/set") && told.contains("/status")));
        assert!(find("modle").is_err_and(|told| told.contains("/model")));
        assert!(find("weather").is_err_and(|told| told.contains("/help")));
    }

    #[test]
    fn paths_and_comments_are_messages_and_lose_nothing() {
        for said in [
            "/usr/bin/env: what is it?",
            "/** Says hello. */",
            "// a comment",
            "/// Docs.\nfn f() {}",
            "//nolint: this\nfn f() {}",
        ] {
            assert_eq!((command(said), message(said)), (None, said));
        }
        assert_eq!(command("/retyr now").as_deref(), Some("retyr now"));
        assert_eq!(command("/?").as_deref(), Some("?"));
        assert_eq!((command("//retry"), message("//retry")), (None, "/retry"));
        assert_eq!(
            message("\n  \n    def f():\n        pass\n\n"),
            "    def f():\n        pass"
        );
    }

    #[test]
    fn names_of_aichat_are_commands_and_other_words_after_a_dot_are_not() {
        assert_eq!(dotted(".model a/b").as_deref(), Some("model a/b"));
        assert_eq!(dotted(".regenerate").as_deref(), Some("retry"));
        for said in [".env holds what?", ".5 + .5", "...", ".mod", "."] {
            assert_eq!(dotted(said), None, "{said}");
        }
        for (_, ours) in OF_AICHAT {
            assert!(all().any(|slash| slash.name == *ours), "{ours}");
        }
    }

    #[test]
    fn names_are_told_apart_by_their_words() {
        let mut names: Vec<&str> = all().map(|slash| slash.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().count());
    }
}
