//! Tools: calls, results, choices.

use parlor_core::{
    Capability, ChatRequest, ChatResponse, Event, FinishKind, Message, Part, PartKind, ToolCall,
    ToolChoice, ToolDefinition, ToolResult,
};
use serde_json::{Value, json};
use std::collections::HashSet;

use crate::conformance::case::{Stop, Trial, Verdict, Way, ensure, finished, says};

const OSLO: &str = "What is the weather in Oslo? Use the tool.";

/// A prompt, with a tool that knows the weather.
pub(super) fn weather(prompt: &str) -> ChatRequest {
    ChatRequest::from(prompt).with_tool(tool("get_weather", "Tells the weather in a city.", "city"))
}

fn tool(name: &str, about: &str, argument: &str) -> ToolDefinition {
    let parameters = json!({
        "type": "object",
        "properties": { argument: { "type": "string", "description": format!("The {argument}'s name.") } },
        "required": [argument],
        "additionalProperties": false,
    });
    ToolDefinition::function(name, about, parameters)
}

/// Must call a tool, where the model can be made to.
fn pressed(trial: &Trial<'_>, mut request: ChatRequest) -> ChatRequest {
    if trial.capabilities.has(Capability::ToolChoice) {
        request.tool_choice = Some(ToolChoice::Required);
    }
    request
}

/// The calls of an answer, which are right in themselves.
fn calls(response: &ChatResponse) -> Verdict<Vec<ToolCall>> {
    let calls: Vec<ToolCall> = response.tool_calls().cloned().collect();
    ensure!(
        !calls.is_empty(),
        "no tool was called: {:?}",
        response.text()
    );
    finished(response, FinishKind::ToolCalls)?;
    let ids: HashSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
    let distinct = ids.len() == calls.len() && !ids.contains("");
    ensure!(distinct, "the calls' ids are {ids:?}");
    Ok(calls)
}

/// The argument of a call to the weather.
fn city(call: &ToolCall) -> Verdict<String> {
    let (name, text) = (&call.name, &call.arguments.text);
    ensure!(name == "get_weather", "the tool {name:?} was called");
    let arguments = call.arguments.parse();
    let city = arguments.ok().and_then(|it| it.get("city").cloned());
    match city {
        Some(Value::String(city)) => Ok(city),
        _ => Err(Stop::Fail(format!("the arguments are {text:?}"))),
    }
}

/// The conversation with an answer's calls and their results.
pub(super) fn answered(
    request: &ChatRequest,
    response: &ChatResponse,
    run: impl Fn(&ToolCall) -> ToolResult,
) -> ChatRequest {
    let mut request = request.clone();
    request.tool_choice = None;
    let results = response.tool_calls().map(|call| {
        let mut result = run(call);
        result.name = Some(call.name.clone());
        result
    });
    request.messages.extend(response.message().cloned());
    request.messages.push(Message::tool_results(results));
    request
}

async fn one_call(trial: &Trial<'_>, way: Way) -> Verdict<(ChatRequest, ChatResponse)> {
    let request = pressed(trial, weather(OSLO));
    let response = trial.ask(way, &request).await?;
    for call in calls(&response)? {
        let city = city(&call)?;
        ensure!(
            city.contains("Oslo"),
            "the weather of {city:?} was asked for"
        );
    }
    Ok((request, response))
}

async fn a_round(trial: &Trial<'_>, way: Way) -> Verdict {
    let (request, response) = one_call(trial, way).await?;
    let request = answered(&request, &response, |call| {
        ToolResult::text(&call.id, "It rains, at 7 degrees.")
    });
    let answer = trial.ask(way, &request).await?;
    let again = answer.tool_calls().count();
    ensure!(again == 0, "it called the tool again");
    finished(&answer, FinishKind::Stop)?;
    says(&answer, "7")
}

pub(super) async fn whole(trial: &Trial<'_>) -> Verdict {
    a_round(trial, Way::Whole).await
}

pub(super) async fn stream(trial: &Trial<'_>) -> Verdict {
    a_round(trial, Way::Stream).await?;
    let (response, events) = trial.stream(&pressed(trial, weather(OSLO))).await?;
    let parts = response.choices.iter().flat_map(|it| &it.message.parts);
    let in_message = parts
        .filter(|part| matches!(part, Part::ToolCall(_)))
        .count();
    let begun = (events.iter())
        .filter(|event| {
            let kind = PartKind::ToolCall;
            matches!(event, Event::PartStarted { kind: it, call: Some(call), .. }
                if *it == kind && !call.name.is_empty() && !call.id.is_empty())
        })
        .count();
    ensure!(
        begun == in_message,
        "{in_message} calls came, and {begun} began with id and name"
    );
    Ok(())
}

pub(super) async fn parallel(trial: &Trial<'_>) -> Verdict {
    let prompt = "What is the weather in Oslo and in Rome? Call the tool for both cities at once.";
    for way in [Way::Whole, Way::Stream] {
        let request = pressed(trial, weather(prompt));
        let response = trial.ask(way, &request).await?;
        let calls = calls(&response)?;
        let count = calls.len();
        ensure!(
            count == 2,
            "{count} calls came where two were asked for ({way:?})"
        );
        let mut cities = vec![city(&calls[0])?, city(&calls[1])?];
        cities.sort();
        let right = cities[0].contains("Oslo") && cities[1].contains("Rome");
        ensure!(right, "the weather of {cities:?} was asked for");
        let request = answered(&request, &response, |call| {
            let oslo = call.arguments.text.contains("Oslo");
            let told = if oslo { "7 degrees" } else { "21 degrees" };
            ToolResult::text(&call.id, told)
        });
        let answer = trial.ask(way, &request).await?;
        says(&answer, "7")?;
        says(&answer, "21")?;
    }
    Ok(())
}

pub(super) async fn required(trial: &Trial<'_>) -> Verdict {
    let mut request = weather("Greet the people of Oslo.");
    request.tool_choice = Some(ToolChoice::Required);
    let request = trial.strictly(request);
    for way in [Way::Whole, Way::Stream] {
        for call in calls(&trial.ask(way, &request).await?)? {
            city(&call)?;
        }
    }
    Ok(())
}

pub(super) async fn named(trial: &Trial<'_>) -> Verdict {
    let clock = tool("get_time", "Tells the time in a city.", "city");
    let mut request = weather("What is the weather in Oslo?").with_tool(clock);
    request.tool_choice = Some(ToolChoice::Tool("get_time".to_owned()));
    let response = trial.chat(&trial.strictly(request)).await?;
    for call in calls(&response)? {
        let name = call.name;
        ensure!(name == "get_time", "the tool {name:?} was called");
    }
    Ok(())
}

pub(super) async fn none(trial: &Trial<'_>) -> Verdict {
    let mut request = weather("What is the weather in Oslo?");
    request.tool_choice = Some(ToolChoice::None);
    let response = trial.chat(&trial.strictly(request)).await?;
    let count = response.tool_calls().count();
    ensure!(count == 0, "{count} tools were called");
    finished(&response, FinishKind::Stop)
}

pub(super) async fn failure(trial: &Trial<'_>) -> Verdict {
    let (request, response) = one_call(trial, Way::Whole).await?;
    let request = answered(&request, &response, |call| {
        ToolResult::error(&call.id, "The weather station of Oslo is on fire.")
    });
    let answer = trial.chat(&request).await?;
    let told = !answer.text().is_empty() || answer.tool_calls().count() > 0;
    ensure!(told, "the answer is empty");
    Ok(())
}
