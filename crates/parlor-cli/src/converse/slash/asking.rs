//! Commands about who is asked, and how.

use parlor::agent::Modes;

use super::{During, Slash, slash};
use crate::args;
use crate::commands::known_models;
use crate::converse::{Flow, Session};
use crate::failure::Failure;

/// The most models in one list.
const LISTED: usize = 30;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "model",
        "[MODEL]",
        "whom to ask from now on",
        During::Answer,
        model,
    ),
    slash(
        "models",
        "[WORDS]",
        "the models that can be asked, or those with these words",
        During::Answer,
        models,
    ),
    slash(
        "system",
        "[TEXT]",
        "instructions for the model; `-` for none",
        During::Prompt,
        system,
    ),
    slash(
        "think",
        "[on|off|EFFORT]",
        "show thoughts, or ask for more of them",
        During::Answer,
        think,
    ),
    slash(
        "schema",
        "[FIELDS|FILE|off]",
        "have the next answer in JSON: `name, age int`, or a file with a JSON Schema",
        During::Prompt,
        super::shape::schema,
    ),
    slash(
        "set",
        "[NAME VALUE]",
        "temperature, top_p, max_tokens, seed; `-` for the default; or mode creative, balanced, precise, code",
        During::Answer,
        set,
    ),
];

fn model(session: &mut Session, id: &str) -> Result<Flow, Failure> {
    if id.is_empty() {
        let id = session.chosen.resolved.id();
        session.say(&format!(
            "{id} answers. /model PROVIDER/MODEL asks another one."
        ));
        return Ok(Flow::Go);
    }
    let forced = id.strip_prefix("-f ");
    session.choose(forced.unwrap_or(id).trim(), forced.is_some())?;
    let id = session.chosen.resolved.id();
    session.say(&format!("{id} answers from now on."));
    Ok(Flow::Go)
}

fn models(session: &mut Session, words: &str) -> Result<Flow, Failure> {
    let wanted = words.to_lowercase();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let mut known = known_models(&session.registry);
    known.retain(|model| {
        let id = model.text.to_lowercase();
        wanted.iter().all(|word| id.contains(word))
    });
    let shown = known.iter().take(LISTED);
    let widest = shown.clone().map(|model| model.text.len()).max();
    let widest = widest.unwrap_or(0);
    for model in shown {
        session.say(format!("  {:<widest$}  {}", model.text, model.about).trim_end());
    }
    match known.len().saturating_sub(LISTED) {
        0 if known.is_empty() => {
            session.say("No model at hand has these words; parlor models looks among all of them.")
        }
        0 => {}
        more => session.say(&format!("{more} more: /models WORDS shows fewer.")),
    }
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
        "on" | "show" => {
            session.thoughts = true;
            let off = args::reasoning("off").ok().and_then(|it| it.wish);
            let wish = &mut session.chat.request_mut().reasoning;
            // What was turned off isn't there to be shown.
            *wish = wish.take().filter(|wish| Some(wish) != off.as_ref());
        }
        "hide" => session.thoughts = false,
        word => match args::reasoning(word) {
            Ok(reasoning) => {
                session.thoughts = reasoning.show;
                session.chat.request_mut().reasoning = reasoning.wish;
                let told = match reasoning.show {
                    true => format!("Thoughts are shown; {word} is asked for."),
                    false => "Thoughts are not shown, and none are asked for.".to_owned(),
                };
                session.say(&told);
                return Ok(Flow::Go);
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

/// What `/set` sets.
pub(in crate::converse) const SETTINGS: &[&str] =
    &["temperature", "top_p", "max_tokens", "seed", "mode"];

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
        "temperature" => changed(&mut request.temperature, name, value, args::temperature),
        "top_p" => changed(&mut request.top_p, name, value, args::top_p),
        "max_tokens" => changed(&mut request.max_output_tokens, name, value, args::tokens),
        "seed" => changed(&mut request.seed, name, value, |text| {
            text.parse()
                .map_err(|_| "expected a whole number".to_owned())
        }),
        "mode" => match Modes::new().get(value) {
            Ok(mode) => {
                mode.apply(request);
                let temperature = request.temperature.unwrap_or_default();
                format!("{value}: temperature {temperature}, and the model's defaults beside.")
            }
            Err(_) => {
                let names: Vec<String> = Modes::new().names().map(str::to_owned).collect();
                format!("/set mode takes one of {}.", names.join(", "))
            }
        },
        other => format!("There is no setting {other}: {}.", SETTINGS.join(", ")),
    };
    session.say(&told);
    Ok(Flow::Go)
}

fn changed<T: std::fmt::Display>(
    setting: &mut Option<T>,
    name: &str,
    value: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> String {
    match read(value) {
        _ if value == "-" => *setting = None,
        Ok(read) => *setting = Some(read),
        Err(told) => return format!("{name}: {told}, or `-` for the default."),
    }
    match setting {
        Some(value) => format!("{name} is {value}."),
        None => format!("{name} is the model's default."),
    }
}
