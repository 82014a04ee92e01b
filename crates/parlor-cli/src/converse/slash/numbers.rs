//! Commands that tell how things stand.

use parlor::Cost;

use super::{During, Slash, slash};
use crate::converse::status::{grouped, money, turns};
use crate::converse::{Flow, Session};
use crate::failure::Failure;
use crate::interrupt;
use crate::terminal;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "tokens",
        "",
        "what this conversation used",
        During::Answer,
        tokens,
    ),
    slash(
        "status",
        "",
        "who answers, how fast, what is kept where",
        During::Answer,
        status,
    ),
    slash(
        "doctor",
        "",
        "what is set up, and what is missing",
        During::Prompt,
        doctor,
    ),
];

fn tokens(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let stats = session.chat.stats();
    if let Some((usage, cost)) = &session.earlier {
        let count = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), grouped);
        let cost = cost.as_ref().map(|cost| format!(", {}", money(cost)));
        let told = format!(
            "before it was gone on with: {} in, {} out{}",
            count(usage.input_tokens),
            count(usage.output_tokens),
            cost.unwrap_or_default(),
        );
        session.say(&told);
    }
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
    if stats.models.is_empty() && session.earlier.is_none() {
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
            .map(|it| format!(", {}{it:.0} tok/s", figures.mark()))
            .unwrap_or_default();
        lines.push(format!("last answer: first words after {first}{speed}"));
        lines.extend(
            figures
                .cost
                .as_ref()
                .zip(figures.money())
                .map(|(cost, told)| match cost.as_of.is_empty() {
                    true => format!("last cost: {told}"),
                    false => format!("last cost: {told} by the prices of {}", cost.as_of),
                }),
        );
        if let (Some(used), Some(window)) = (figures.usage.total_tokens(), session.context_window())
        {
            let part = used as f64 / window as f64 * 100.0;
            let (used, window) = (figures.tokens(used), grouped(window));
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

fn doctor(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let config = session.config.as_deref();
    let takes_keys = session.takes_keys;
    let told =
        crate::commands::doctor::told(&session.registry, config, &session.terminal, takes_keys);
    match session.interrupts.wait(&session.runtime, told) {
        Some(told) => session.say(told.trim_end()),
        None => return Err(interrupt::stopped().into()),
    }
    Ok(Flow::Go)
}
