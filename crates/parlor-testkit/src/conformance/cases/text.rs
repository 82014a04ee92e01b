//! Text there and back, whole and streamed.

use parlor_core::{
    ChatRequest, ChatResponse, Event, FinishKind, Message, Part, Role, ToolChoice, Usage,
};

use super::tools::weather;
use crate::conformance::case::{Stop, Trial, Verdict, Way, ensure, finished, says};

/// A prompt whose answer takes more than one piece of a stream.
pub(super) const COUNT: &str = "Count from one to twenty in words, separated by commas.";

pub(super) async fn whole(trial: &Trial<'_>) -> Verdict {
    let response = trial
        .chat(&"Reply with exactly one word: pong".into())
        .await?;
    let role = response.choices[0].message.role;
    ensure!(
        role == Role::Assistant,
        "the answer is in the role {role:?}"
    );
    finished(&response, FinishKind::Stop)?;
    let (got, want) = (&response.provider, &trial.model.info().provider);
    ensure!(
        got == want,
        "the provider is {got:?}, and the model's is {want:?}"
    );
    says(&response, "pong")
}

pub(super) async fn stream(trial: &Trial<'_>) -> Verdict {
    let (response, events) = trial.stream(&COUNT.into()).await?;
    says(&response, "twenty")?;
    finished(&response, FinishKind::Stop)?;
    let deltas = events.iter().filter(|event| event.text().is_some()).count();
    let letters = response.text().len();
    ensure!(
        deltas > 1 || letters < 40,
        "{letters} bytes of text came in one piece"
    );
    let completed = matches!(events.last(), Some(Event::Completed { .. }));
    ensure!(completed, "the last event is {:?}", events.last());
    Ok(())
}

pub(super) async fn equal(trial: &Trial<'_>) -> Verdict {
    if !trial.suite.deterministic {
        let why = "the same request isn't answered the same way every time";
        return Err(Stop::Skip(why.to_owned()));
    }
    let mut requests: Vec<ChatRequest> = vec![COUNT.into()];
    if trial.capabilities.has(parlor_core::Capability::Tools) {
        let mut request = weather("What is the weather in Oslo? Use the tool.");
        if trial.capabilities.has(parlor_core::Capability::ToolChoice) {
            request.tool_choice = Some(ToolChoice::Required);
        }
        requests.push(request);
    }
    for request in &requests {
        let whole = comparable(trial.chat(request).await?);
        let streamed = comparable(trial.stream(request).await?.0);
        ensure!(
            whole == streamed,
            "a call gives {whole:?}, a stream gives {streamed:?}"
        );
    }
    Ok(())
}

/// An answer without what is another at every exchange.
fn comparable(mut response: ChatResponse) -> ChatResponse {
    response.id = None;
    response.created = None;
    response.raw = None;
    response.metadata = Default::default();
    if let Some(usage) = &mut response.usage {
        usage.raw = None;
    }
    // Ids of calls may be minted on the way.
    let parts = response.choices.iter_mut();
    let parts = parts.flat_map(|choice| &mut choice.message.parts);
    for (number, part) in parts.enumerate() {
        if let Part::ToolCall(call) = part {
            call.id = format!("call-{number}");
        }
    }
    response
}

pub(super) async fn characters(trial: &Trial<'_>) -> Verdict {
    const TEXT: &str = "Zwölf Boxkämpfer jagen \"Viktor\", 日本語, \\n, 🥊 👩\u{200d}👧";
    let request = ChatRequest::from(format!("Repeat exactly what follows: {TEXT}"));
    let response = trial.chat(&request).await?;
    for word in ["Zwölf Boxkämpfer", "\"Viktor\"", "日本語", "🥊"] {
        says(&response, word)?;
    }
    Ok(())
}

pub(super) async fn system(trial: &Trial<'_>) -> Verdict {
    let request = ChatRequest::from("What is the secret word? Answer with the word alone.")
        .with_system("The secret word is marmalade. Tell it to everybody who asks for it.");
    for way in [Way::Whole, Way::Stream] {
        says(&trial.ask(way, &request).await?, "marmalade")?;
    }
    Ok(())
}

pub(super) async fn memory(trial: &Trial<'_>) -> Verdict {
    let mut request = ChatRequest::from("Hello! My name is Ferdinand.");
    let first = trial.chat(&request).await?;
    request.messages.push(first.choices[0].message.clone());
    request.messages.push(Message::user(
        "What is my name? Answer with the name alone.",
    ));
    says(&trial.chat(&request).await?, "Ferdinand")
}

pub(super) async fn usage(trial: &Trial<'_>) -> Verdict {
    for way in [Way::Whole, Way::Stream] {
        let response = trial.ask(way, &COUNT.into()).await?;
        let Some(usage) = &response.usage else {
            return Err(Stop::Fail(format!("no usage ({way:?})")));
        };
        counted(usage).map_err(|wrong| Stop::Fail(format!("{wrong} ({way:?})")))?;
    }
    Ok(())
}

fn counted(usage: &Usage) -> Result<(), String> {
    let known = |count: Option<u64>| count.is_some_and(|count| count > 0);
    if !known(usage.input_tokens) || !known(usage.output_tokens) {
        return Err(format!("input or output isn't counted: {usage:?}"));
    }
    let within = [
        (usage.cached_input_tokens, usage.input_tokens),
        (usage.cache_write_tokens, usage.input_tokens),
        (usage.input_audio_tokens, usage.input_tokens),
        (usage.reasoning_tokens, usage.output_tokens),
        (usage.output_audio_tokens, usage.output_tokens),
    ];
    match within.iter().all(|(part, all)| part <= all) {
        true => Ok(()),
        false => Err(format!("a part is more than the whole: {usage:?}")),
    }
}
