//! What is kept of a question and its answer.

use parlor::agent::{History, KeptTurn, Turn, TurnState};
use parlor::{ChatModel, ChatResponse, Latency, Message};

use super::ask::Stopped;
use crate::choose::Chosen;
use crate::keeper;

/// The turn as it is kept: with the whole answer, or with what had come.
pub(super) fn turn(
    question: &[Message],
    outcome: &Result<ChatResponse, Stopped>,
    model: &dyn ChatModel,
    chosen: &Chosen,
) -> KeptTurn {
    let response = match outcome {
        Ok(response) => Some(response),
        Err(Stopped::Call(error)) => error.partial(),
        Err(Stopped::Output(_, partial)) => partial.as_deref(),
    };
    let mut turn = turn_of(question, response, chosen);
    let mut cost = None;
    let mut latency = Latency::default();
    if let Some(response) = response {
        // Behind a route each has a price of its own.
        let price = match chosen.targets().nth(1) {
            None => model.info().price.as_ref(),
            Some(_) => chosen
                .answered(response)
                .and_then(|it| it.config.price.as_ref()),
        };
        cost = price.and_then(|price| price.cost(response.usage.as_ref()?));
        latency = response.metadata.latency.clone();
    }
    let is_whole = matches!(outcome, Ok(response) if !response.interrupted);
    if !is_whole {
        turn.state = TurnState::Interrupted;
    }
    let instance = &chosen.of_id(turn.model.as_deref()).config.instance;
    let mut kept = keeper::kept(&turn, instance, cost);
    kept.latency = latency;
    kept
}

/// The turn of a question, worked examples before it too, and of what was answered.
pub(super) fn turn_of(
    question: &[Message],
    response: Option<&ChatResponse>,
    chosen: &Chosen,
) -> Turn {
    let answer = response.and_then(ChatResponse::message);
    let said = question.iter().chain(answer).cloned().collect();
    let history = History::of(None, vec![Turn::new(said)], None);
    let mut turn = history.turns().first().cloned().unwrap_or_default();
    let answered = response.and_then(|it| chosen.answered(it));
    turn.model = Some(answered.unwrap_or(&chosen.resolved).id());
    turn.usage = response.and_then(|it| it.usage.clone()).unwrap_or_default();
    turn
}
