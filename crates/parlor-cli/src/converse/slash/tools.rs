//! Commands about what the model may call.

use super::{During, Slash, slash};
use crate::converse::{Flow, Session};
use crate::failure::Failure;
use crate::tools::Policy;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "tools",
        "[on|off|allow|ask|deny NAME]",
        "what the model may call, and whether you are asked",
        During::Prompt,
        tools,
    ),
    slash(
        "mcp",
        "",
        "MCP servers and their tools",
        During::Answer,
        mcp,
    ),
];

/// What can be done with a tool.
pub(in crate::converse) const WORDS: &[&str] = &["on ", "off ", "allow ", "ask ", "deny "];

fn tools(session: &mut Session, words: &str) -> Result<Flow, Failure> {
    let (word, names) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let names: Vec<&str> = names.split_whitespace().collect();
    let policy = match word {
        "" => {
            list(session);
            return Ok(Flow::Go);
        }
        "on" | "off" => None,
        "allow" => Some(Policy::Allow),
        "ask" => Some(Policy::Ask),
        "deny" => Some(Policy::Deny),
        other => {
            session.say(&format!(
                "There is no /tools {other}: on, off, allow, ask or deny, and then the tool's name."
            ));
            return Ok(Flow::Go);
        }
    };
    if names.is_empty() {
        session.say(&format!(
            "Name a tool, an MCP server, or `all`: /tools {word} NAME"
        ));
    }
    for name in names {
        let told = match policy {
            None => turned(session, name, word == "on")?,
            Some(policy) => decided(session, name, policy)?,
        };
        session.say(&told);
    }
    Ok(Flow::Go)
}

fn turned(session: &mut Session, name: &str, on: bool) -> Result<String, Failure> {
    Ok(match session.kit.turn(name, on)? {
        false => format!("There is no tool {name}. /tools lists them."),
        true if on => format!("{name} is on."),
        true => format!("{name} is off."),
    })
}

fn decided(session: &mut Session, name: &str, policy: Policy) -> Result<String, Failure> {
    let decided = session.kit.decide(name, policy)?.join(", ");
    Ok(match policy {
        _ if decided.is_empty() => {
            format!(
                "There is no tool {name}. /tools lists them; a server's are known once it is on."
            )
        }
        Policy::Allow => format!("{decided}: runs without asking, in later conversations too."),
        Policy::Ask => format!("{decided}: you are asked before each call."),
        Policy::Deny => format!(
            "{decided}: doesn't run, in later conversations neither, and the model isn't told of it."
        ),
    })
}

fn list(session: &mut Session) {
    let mut lines = Vec::new();
    for listed in session.kit.list() {
        let entry = listed.entry;
        let state = if entry.is_on { "on" } else { "off" };
        let (name, effect) = (&entry.shown, entry.effect_word());
        let (policy, source) = (listed.policy.as_str(), &entry.source);
        lines.push(format!(
            "  {state:<3} {name:<24} {policy:<5}  {effect:<7}  {source}"
        ));
    }
    for line in session.kit.server_lines(false) {
        lines.push(line);
    }
    for line in lines {
        session.say(&line);
    }
    session.say(
        "/tools on NAME lets the model call it; allow, ask and deny say whether you are asked.",
    );
}

fn mcp(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let lines = session.kit.server_lines(true);
    if lines.is_empty() {
        session.say("No MCP server is configured: [mcp.NAME] with `command` or `url`.");
    }
    for line in lines {
        session.say(&line);
    }
    Ok(Flow::Go)
}
