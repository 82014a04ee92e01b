//! What a line that begins with `/` does.

use parlor::agent::Turn;
use parlor::{Cost, Message, Role};

use super::status::{grouped, money, turns};
use super::{Flow, Session};
use crate::failure::Failure;
use crate::{keeper, terminal};

/// A command: its word, what stands after it, what it does.
pub(super) struct Slash {
    pub(super) name: &'static str,
    pub(super) takes: &'static str,
    pub(super) about: &'static str,
    run: fn(&mut Session, &str) -> Result<Flow, Failure>,
}

/// All commands, in the order of the help.
pub(super) const SLASHES: &[Slash] = &[
    slash("help", "", "these commands and the keys", help),
    slash("model", "[MODEL]", "whom to ask from now on", model),
    slash(
        "system",
        "[TEXT]",
        "instructions for the model; `-` for none",
        system,
    ),
    slash(
        "think",
        "[on|off|EFFORT]",
        "show thoughts, or ask for more of them",
        think,
    ),
    slash(
        "set",
        "[NAME VALUE]",
        "temperature, top_p, max_tokens, seed; `-` for the default",
        set,
    ),
    slash(
        "template",
        "[NAME] [KEY=VALUE…] [TEXT]",
        "ask by a template, or list them",
        super::template::template,
    ),
    slash(
        "attach",
        "FILE",
        "send a file or URL with the next message",
        attach,
    ),
    slash("retry", "", "ask the last question again", |session, _| {
        session.ask_again().map(|()| Flow::Go)
    }),
    slash("undo", "", "take the last turn back", undo),
    slash(
        "fork",
        "",
        "go on in a copy, and leave this conversation as it is",
        fork,
    ),
    slash("new", "", "begin another conversation", new),
    slash(
        "clear",
        "",
        "begin another conversation; the instructions stay",
        clear,
    ),
    slash(
        "resume",
        "[ID|WORDS]",
        "go on with a conversation that was kept",
        resume,
    ),
    slash(
        "copy",
        "[N]",
        "copy the answer, or its Nth piece of code",
        copy,
    ),
    slash(
        "export",
        "FILE",
        "write the conversation as Markdown, or as JSON by the name",
        export,
    ),
    slash("tokens", "", "what this conversation used", tokens),
    slash(
        "status",
        "",
        "who answers, how fast, what is kept where",
        status,
    ),
    slash("quit", "", "leave; everything is kept", |_, _| {
        Ok(Flow::Quit)
    }),
    slash("exit", "", "the same", |_, _| Ok(Flow::Quit)),
];

const KEYS: &str = "\
Enter sends. Shift-Enter, Alt-Enter, Ctrl-J or a \\ at the end begin a new line. Ctrl-O opens your
editor, Ctrl-R looks in what you entered before, Tab completes. Ctrl-C stops an answer and keeps
what came; Ctrl-D leaves. A message that begins with / is written //.";

const fn slash(
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    run: fn(&mut Session, &str) -> Result<Flow, Failure>,
) -> Slash {
    Slash {
        name,
        takes,
        about,
        run,
    }
}

/// The command that a word means: itself, or the only one that begins so.
fn find(word: &str) -> Result<&'static Slash, String> {
    if let Some(exact) = SLASHES.iter().find(|slash| slash.name == word) {
        return Ok(exact);
    }
    let begins: Vec<&Slash> = SLASHES
        .iter()
        .filter(|slash| slash.name.starts_with(word))
        .collect();
    if let [only] = begins.as_slice() {
        return Ok(only);
    }
    let near = SLASHES
        .iter()
        .map(|slash| (strsim::osa_distance(word, slash.name), slash.name));
    let near = near.min().filter(|(distance, _)| *distance <= 2);
    let others: Vec<String> = begins
        .iter()
        .map(|slash| format!("/{}", slash.name))
        .collect();
    Err(match (others.as_slice(), near) {
        ([], Some((_, name))) => format!("There is no /{word}. Did you mean /{name}?"),
        ([], None) => format!("There is no /{word}. /help lists what there is."),
        (others, _) => format!("/{word} may be {}.", others.join(", ")),
    })
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
    for slash in SLASHES {
        let word = format!("/{} {}", slash.name, slash.takes);
        session.say(&format!("  {word:<24} {}", slash.about));
    }
    session.say(KEYS);
    Ok(Flow::Go)
}

fn model(session: &mut Session, id: &str) -> Result<Flow, Failure> {
    if id.is_empty() {
        let id = session.chosen.resolved.id();
        session.say(&format!(
            "{id} answers. /model PROVIDER/MODEL asks another one."
        ));
        return Ok(Flow::Go);
    }
    session.choose(id)?;
    let id = session.chosen.resolved.id();
    session.say(&format!("{id} answers from now on."));
    Ok(Flow::Go)
}

fn system(session: &mut Session, text: &str) -> Result<Flow, Failure> {
    if text.is_empty() {
        let told = session
            .chat
            .history()
            .system()
            .unwrap_or("The model has no instructions.");
        let told = told.to_owned();
        session.say(&told);
        return Ok(Flow::Go);
    }
    let text = (text != "-").then(|| text.to_owned());
    let told = match text {
        Some(_) => "It is told so from now on.",
        None => "It is told nothing.",
    };
    session.set_system(text);
    session.say(told);
    Ok(Flow::Go)
}

fn think(session: &mut Session, word: &str) -> Result<Flow, Failure> {
    match word {
        "" => session.thoughts = !session.thoughts,
        "on" | "show" => session.thoughts = true,
        "hide" => session.thoughts = false,
        word => match crate::args::reasoning(word) {
            Ok(reasoning) => {
                session.thoughts = reasoning.show;
                session.chat.request_mut().reasoning = reasoning.wish;
            }
            Err(told) => {
                session.say(&told);
                return Ok(Flow::Go);
            }
        },
    }
    session.say(if session.thoughts {
        "Thoughts are shown."
    } else {
        "Thoughts are not shown."
    });
    Ok(Flow::Go)
}

fn set(session: &mut Session, words: &str) -> Result<Flow, Failure> {
    let (name, value) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let value = value.trim();
    let request = session.chat.request_mut();
    let told = match name {
        "" => {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "default".to_owned());
            format!(
                "temperature {} · top_p {} · max_tokens {} · seed {}",
                shown(request.temperature.map(|it| it.to_string())),
                shown(request.top_p.map(|it| it.to_string())),
                shown(request.max_output_tokens.map(|it| it.to_string())),
                shown(request.seed.map(|it| it.to_string())),
            )
        }
        "temperature" => changed(&mut request.temperature, name, value),
        "top_p" => changed(&mut request.top_p, name, value),
        "max_tokens" => changed(&mut request.max_output_tokens, name, value),
        "seed" => changed(&mut request.seed, name, value),
        other => format!("There is no setting {other}: temperature, top_p, max_tokens, seed."),
    };
    session.say(&told);
    Ok(Flow::Go)
}

fn changed<T: std::str::FromStr + std::fmt::Display>(
    setting: &mut Option<T>,
    name: &str,
    value: &str,
) -> String {
    match value.parse::<T>() {
        Ok(parsed) => *setting = Some(parsed),
        Err(_) if value == "-" => *setting = None,
        Err(_) => return format!("{name} takes a number, or `-` for the default."),
    }
    match setting {
        Some(value) => format!("{name} is {value}."),
        None => format!("{name} is the model's default."),
    }
}

fn attach(session: &mut Session, what: &str) -> Result<Flow, Failure> {
    if what.is_empty() {
        session.say("Name a file or a URL.");
        return Ok(Flow::Go);
    }
    let part = crate::attach::part(what)?;
    session.attached.push(part);
    session.say(&format!("{what} goes with the next message."));
    Ok(Flow::Go)
}

fn undo(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let Some(turn) = session.chat.history_mut().undo() else {
        session.say("There is nothing to take back.");
        return Ok(Flow::Go);
    };
    let left = session.chat.history().turns().len();
    session.keep(|session| session.runtime.block_on(session.keeper.rewind(left)));
    session.say(&format!("Taken back: {}", first_line(&turn)));
    Ok(Flow::Go)
}

fn fork(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let before = session.keeper().id().map(str::to_owned);
    session.keep(|session| session.runtime.block_on(session.keeper.fork()).map(drop));
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
    session.say("A new conversation; the one before is kept.");
    Ok(Flow::Go)
}

fn resume(session: &mut Session, words: &str) -> Result<Flow, Failure> {
    let shelf = session.shelf.clone();
    let is_name = !words.contains(char::is_whitespace) && !words.is_empty();
    let found = is_name.then(|| session.runtime.block_on(keeper::find(&shelf, words)));
    if let Some(Ok(kept)) = found {
        session.go_on(&kept);
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

fn copy(session: &mut Session, which: &str) -> Result<Flow, Failure> {
    let text = session
        .chat
        .history()
        .turns()
        .last()
        .map(Turn::text)
        .unwrap_or_default();
    let text = match which.parse::<usize>() {
        Ok(number) => crate::markdown::pieces_of_code(&text)
            .into_iter()
            .nth(number.wrapping_sub(1)),
        Err(_) => Some(text).filter(|text| !text.is_empty()),
    };
    let Some(text) = text else {
        session.say("There is nothing to copy.");
        return Ok(Flow::Go);
    };
    terminal::to_clipboard(&text)?;
    session.say(&format!(
        "{} characters are copied, if the terminal allows it.",
        text.chars().count()
    ));
    Ok(Flow::Go)
}

fn export(session: &mut Session, file: &str) -> Result<Flow, Failure> {
    if file.is_empty() {
        session.say("Name a file: notes.md, or notes.json.");
        return Ok(Flow::Go);
    }
    let written = crate::export::write(session.chat.history(), std::path::Path::new(file));
    match written {
        Ok(()) => session.say(&format!("Written to {file}.")),
        Err(error) => session.say(&format!("{file} can't be written: {error}")),
    }
    Ok(Flow::Go)
}

fn tokens(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let stats = session.chat.stats();
    for (model, figures) in &stats.models {
        let usage = &figures.usage;
        let count = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), grouped);
        let costs = figures.cost.iter();
        let costs =
            costs.map(|(currency, amount)| money(&Cost::new(*amount, currency.clone(), "")));
        let costs: Vec<String> = costs.collect();
        session.say(&format!(
            "{model}: {} in, {} out, {} cached {}",
            count(usage.input_tokens),
            count(usage.output_tokens),
            count(usage.cached_input_tokens),
            costs.join(" + "),
        ));
    }
    if stats.models.is_empty() {
        session.say("Nothing was used yet.");
    }
    Ok(Flow::Go)
}

fn status(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let count = turns(session.chat.history().turns().len());
    let mut lines = vec![format!("model: {}", session.chosen.resolved.id())];
    if let Some(figures) = &session.figures {
        let first = figures.first.map(terminal::span).unwrap_or_default();
        let speed = figures
            .speed()
            .map(|it| format!(", {it:.0} tok/s"))
            .unwrap_or_default();
        lines.push(format!("last answer: first words after {first}{speed}"));
        lines.extend(
            figures
                .cost
                .as_ref()
                .map(|cost| format!("last cost: {} by the prices of {}", money(cost), cost.as_of)),
        );
        if let (Some(used), Some(window)) = (figures.usage.total_tokens(), session.context_window())
        {
            let part = used as f64 / window as f64 * 100.0;
            let (used, window) = (grouped(used), grouped(window));
            lines.push(format!("context: {used} of {window} tokens ({part:.0} %)"));
        }
    }
    let kept = match session.keeper().id() {
        Some(id) if !session.unkept => format!("kept as {id}"),
        _ => "not kept".to_owned(),
    };
    lines.push(format!("conversation: {count}, {kept}"));
    lines.iter().for_each(|line| session.say(line));
    Ok(Flow::Go)
}

/// The beginning of what a person asked.
pub(super) fn first_line(turn: &Turn) -> String {
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
    fn names_are_told_apart_by_their_words() {
        let mut names: Vec<&str> = SLASHES.iter().map(|slash| slash.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SLASHES.len());
    }
}
