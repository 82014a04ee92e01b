//! Reasoning: it comes, and it goes back.

use parlor_core::{ChatRequest, ChatResponse, Effort, Event, Part, Support, ToolResult};

use super::tools::{answered, weather};
use crate::conformance::case::{Stop, Trial, Verdict, Way, ensure, says};

const SUM: &str = "What is 17 + 25? Answer with the number alone.";

fn sum() -> ChatRequest {
    ChatRequest::from(SUM).with_reasoning(Effort::Low)
}

/// Whether an answer has reasoning, readable, hidden, or only counted.
fn reasoned(trial: &Trial<'_>, response: &ChatResponse) -> Verdict {
    let parts = response.choices.iter().flat_map(|it| &it.message.parts);
    let has_part = parts.into_iter().any(|it| matches!(it, Part::Reasoning(_)));
    let tokens = response.usage.as_ref().and_then(|it| it.reasoning_tokens);
    match (has_part || tokens.is_some_and(|it| it > 0), trial.support) {
        (true, _) => Ok(()),
        (false, Support::Unknown) => Err(Stop::Skip(
            "the answer shows no sign of reasoning".to_owned(),
        )),
        (false, _) => Err(Stop::Fail(
            "the answer shows no sign of reasoning".to_owned(),
        )),
    }
}

pub(super) async fn whole(trial: &Trial<'_>) -> Verdict {
    let response = trial.chat(&sum()).await?;
    reasoned(trial, &response)?;
    says(&response, "42")
}

pub(super) async fn stream(trial: &Trial<'_>) -> Verdict {
    let (response, events) = trial.stream(&sum()).await?;
    reasoned(trial, &response)?;
    let place = |which: fn(&Event) -> bool| events.iter().position(which);
    let reasoning = place(|event| matches!(event, Event::ReasoningDelta { .. }));
    let text = place(|event| event.text().is_some());
    ensure!(
        reasoning.is_none() || text.is_none() || reasoning < text,
        "the answer began before the reasoning"
    );
    says(&response, "42")
}

pub(super) async fn replay(trial: &Trial<'_>) -> Verdict {
    for way in [Way::Whole, Way::Stream] {
        let request = weather("What is the weather in Oslo? Use the tool.");
        let request = request.with_reasoning(Effort::Low);
        let response = trial.ask(way, &request).await?;
        reasoned(trial, &response)?;
        let count = response.tool_calls().count();
        ensure!(count > 0, "no tool was called: {:?}", response.text());
        let request = answered(&request, &response, |call| {
            ToolResult::text(&call.id, "It rains, at 7 degrees.")
        });
        says(&trial.ask(way, &request).await?, "7")?;
    }
    Ok(())
}
