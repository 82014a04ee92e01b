//! The whole answer as one JSON object.

use std::io;

use parlor::agent::RunEvent;
use parlor::catalogue::Price;
use parlor::{ChatResponse, Event, Message, Part, ToolCall, ToolResult, Warning};
use serde::Serialize;
use serde_json::Value;

use super::{Output, escaped};
use crate::choose::Chosen;
use crate::terminal;

#[derive(Debug)]
pub(crate) struct JsonOutput {
    /// The models that may answer: for an answer that doesn't say which, and
    /// for the price.
    chosen: Chosen,
    /// What is known of the model before it is asked.
    warning: Option<Warning>,
    /// Whether a person reads it.
    pretty: bool,
    /// The calls that were run, or refused, with what came of each.
    ran: Vec<(ToolCall, Option<ToolResult>)>,
}

impl JsonOutput {
    pub(crate) fn new(chosen: &Chosen, warning: Option<Warning>, pretty: bool) -> Self {
        Self {
            chosen: chosen.clone(),
            warning,
            pretty,
            ran: Vec::new(),
        }
    }
}

impl JsonOutput {
    /// The answer as an object.
    pub(crate) fn object(&self, response: &ChatResponse) -> serde_json::Result<Value> {
        serde_json::to_value(self.answer(response))
    }

    fn answer<'a>(&'a self, response: &'a ChatResponse) -> Answer<'a> {
        let answered = self.chosen.answered(response);
        let model = answered.map_or("", |it| &it.model);
        let price = answered.and_then(|it| it.config.price.as_ref());
        let mut answer = Answer::of(response, model, price);
        if !self.ran.is_empty() {
            let ran = self.ran.iter();
            let ran = ran.map(|(call, result)| Call {
                result: result.as_ref().map(Outcome::of),
                ..Call::of(call)
            });
            answer.tool_calls = ran.collect();
        }
        answer.warnings.splice(..0, &self.warning);
        answer
    }
}

impl Output for JsonOutput {
    fn event(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }

    fn tool(&mut self, _: &RunEvent) -> io::Result<()> {
        Ok(())
    }

    fn turn(&mut self, messages: &[Message]) {
        for part in messages.iter().flat_map(|message| &message.parts) {
            match part {
                Part::ToolCall(call) => self.ran.push((call.clone(), None)),
                Part::ToolResult(result) => {
                    let mut ran = self.ran.iter_mut();
                    if let Some((_, place)) = ran.find(|(call, _)| call.id == result.call_id) {
                        *place = Some(result.clone());
                    }
                }
                _ => {}
            }
        }
    }

    fn end(&mut self, response: &ChatResponse) -> io::Result<()> {
        let answer = self.answer(response);
        let text = match self.pretty {
            true => serde_json::to_string_pretty(&answer)?,
            false => serde_json::to_string(&answer)?,
        };
        terminal::say(&format!("{}\n", escaped(text)))
    }

    fn fail(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The object. Its fields are a promise to scripts.
#[derive(Serialize)]
struct Answer<'a> {
    id: Option<&'a str>,
    provider: &'a str,
    model: &'a str,
    text: String,
    reasoning: String,
    tool_calls: Vec<Call<'a>>,
    finish_reason: Finish<'a>,
    usage: Tokens,
    cost: Option<Money>,
    latency: Times,
    message: Option<&'a Message>,
    warnings: Vec<&'a Warning>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    name: &'a str,
    /// Parsed, or the text as it came where that can't be done.
    arguments: Value,
    /// What came of it, where it was run here or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    text: String,
    is_error: bool,
}

impl Outcome {
    fn of(result: &ToolResult) -> Self {
        Self {
            text: result.joined_text(),
            is_error: result.is_error,
        }
    }
}

#[derive(Serialize)]
struct Finish<'a> {
    /// As in core, or `interrupted`.
    kind: &'a str,
    raw: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

#[derive(Serialize)]
struct Money {
    amount: f64,
    currency: String,
    /// The day of the prices; `null` where they have none, as what is free here.
    as_of: Option<String>,
}

#[derive(Serialize)]
struct Times {
    first_event_ms: Option<u64>,
    total_ms: Option<u64>,
}

impl<'a> Answer<'a> {
    fn of(response: &'a ChatResponse, model: &'a str, price: Option<&Price>) -> Self {
        let usage = response.usage.as_ref();
        let cost = usage.and_then(|usage| price?.cost(usage));
        let latency = &response.metadata.latency;
        Self {
            id: response.id.as_deref(),
            provider: &response.provider,
            model: response.model.as_deref().unwrap_or(model),
            text: response.text(),
            reasoning: response.reasoning(),
            tool_calls: response.tool_calls().map(Call::of).collect(),
            finish_reason: Finish::of(response),
            usage: usage.map_or_else(Tokens::default, |usage| Tokens {
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
                total_tokens: usage.total_tokens(),
                cached_input_tokens: usage.cached_input_tokens,
                reasoning_tokens: usage.reasoning_tokens,
            }),
            cost: cost.map(|cost| Money {
                amount: cost.amount,
                currency: cost.currency.into_owned(),
                as_of: Some(cost.as_of.into_owned()).filter(|day| !day.is_empty()),
            }),
            latency: Times {
                first_event_ms: latency.first_event_ms,
                total_ms: latency.total_ms,
            },
            message: response.message(),
            warnings: response.warnings.iter().collect(),
        }
    }
}

impl<'a> Call<'a> {
    fn of(call: &'a ToolCall) -> Self {
        let as_it_came = |_| Value::String(call.arguments.text.clone());
        Self {
            id: &call.id,
            name: &call.name,
            arguments: call.arguments.parse().unwrap_or_else(as_it_came),
            result: None,
        }
    }
}

impl<'a> Finish<'a> {
    fn of(response: &'a ChatResponse) -> Self {
        match response.finish_reason() {
            _ if response.interrupted => Self {
                kind: "interrupted",
                raw: None,
            },
            Some(reason) => Self {
                kind: reason.kind.as_str(),
                raw: reason.raw.as_deref(),
            },
            None => Self {
                kind: "other",
                raw: None,
            },
        }
    }
}
