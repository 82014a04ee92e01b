//! Commands about single turns: asked by other means, again, summed up, or taken back.

use parlor::{Message, Part, estimate};

use super::{During, Slash, first_line, slash};
use crate::converse::status::{grouped, turns};
use crate::converse::{Flow, Session, template};
use crate::edit;
use crate::failure::Failure;
use crate::keeper::question;

/// The last turns that are sent whole beside a summary.
const KEPT_WHOLE: usize = 2;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "template",
        "[NAME] [KEY=VALUE…] [TEXT]",
        "ask by a template, or list them",
        During::Prompt,
        template::template,
    ),
    slash(
        "retry",
        "",
        "ask the last question again",
        During::Prompt,
        retry,
    ),
    slash(
        "edit",
        "[N]",
        "change the last question, or the Nth before the end, in your editor, and ask it",
        During::Prompt,
        edit_question,
    ),
    slash("undo", "", "take the last turn back", During::Prompt, undo),
    slash(
        "compact",
        "[N]",
        "have all but the last N turns (2) summed up; they stay kept",
        During::Prompt,
        compact,
    ),
];

fn retry(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    session.ask_again().map(|()| Flow::Go)
}

/// Goes back to before a question, and asks it in other words. What was answered
/// stays kept, on a branch of its own.
fn edit_question(session: &mut Session, which: &str) -> Result<Flow, Failure> {
    let all = session.chat.history().turns();
    let back = match which.parse::<usize>() {
        Ok(back @ 1..) => back,
        Err(_) if which.is_empty() => 1,
        _ => return Err(Failure::usage("/edit takes a number of turns").help("/edit, or /edit 2")),
    };
    let Some((left, turn)) = all
        .len()
        .checked_sub(back)
        .and_then(|at| Some((at, all.get(at)?)))
    else {
        session.say("There is no such question yet.");
        return Ok(Flow::Go);
    };
    let mut asked = question(turn);
    let before = asked.last().map(Message::text).unwrap_or_default();
    let after = edit::text(&format!("{before}\n"))?.trim().to_owned();
    if after.is_empty() || after == before.trim() {
        session.say("Nothing was changed, and nothing is asked.");
        return Ok(Flow::Go);
    }
    if let Some(last) = asked.last_mut() {
        last.parts.retain(|part| !matches!(part, Part::Text(_)));
        last.parts.push(Part::text(&after));
    }
    session.ready_tools()?;
    while session.chat.history().turns().len() > left {
        session.chat.history_mut().undo();
    }
    session.rewind(left);
    session.tell(&format!("› {after}"));
    session.ask_now(asked)?;
    Ok(Flow::Go)
}

fn undo(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let Some(turn) = session.chat.history_mut().undo() else {
        session.say("There is nothing to take back.");
        return Ok(Flow::Go);
    };
    let left = session.chat.history().turns().len();
    session.rewind(left);
    session.say(&format!("Taken back: {}", first_line(&turn)));
    Ok(Flow::Go)
}

/// Has the older turns summed up by the model that answers.
fn compact(session: &mut Session, words: &str) -> Result<Flow, Failure> {
    let keep = match words.parse() {
        Ok(keep) => keep,
        Err(_) if words.is_empty() => KEPT_WHOLE,
        Err(_) => {
            return Err(Failure::usage("/compact takes how many turns stay whole")
                .help("/compact, or /compact 4"));
        }
    };
    let before = size(session);
    if session.chat.history().turns().len() > keep {
        session.tell("Summing up… (Ctrl-C stops it)");
    }
    let Session {
        runtime,
        chat,
        interrupts,
        ..
    } = session;
    let told = match interrupts.wait(runtime, chat.compact(keep)) {
        None => "Stopped; nothing was changed.".to_owned(),
        Some(Ok(0)) => format!("There are no more than {} to sum up.", turns(keep)),
        Some(Ok(count)) => {
            session.keep(|session| {
                let summary = session.chat.history().summary().cloned();
                let kept = session.keeper.set_summary(summary.as_ref());
                session.runtime.block_on(kept)
            });
            let are = if count == 1 { "is" } else { "are" };
            format!(
                "{} {are} summed up: ~{} tokens go out instead of ~{}. All of it stays kept.",
                turns(count),
                grouped(size(session)),
                grouped(before),
            )
        }
        Some(Err(error)) => {
            let context = session.chosen.context(error.provider(), error.model());
            return Err(Failure::of(error, &context));
        }
    };
    session.say(&told);
    Ok(Flow::Go)
}

/// About how many tokens of the history are sent.
fn size(session: &Session) -> u64 {
    let mut request = parlor::ChatRequest::default();
    request.messages = session.chat.history().compacted();
    estimate::input_tokens(&request)
}
