//! What servers break, through the command: the first 24 kinds in each dialect, all in one.
//!
//! Each case runs in JSON, streamed and whole, and what the command prints and
//! exits with is compared with what a correct client delivers.

use std::process::Command;
use std::sync::Arc;

use crate::common::{Home, Ran};
use parlor_testkit::fault::{
    Expect, FAULTS, Failure, FaultServer, Mode, Outcome, Partial, Reading, Wire,
};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The kinds of faults that are tried in every dialect, from 1.
const KINDS: u8 = 24;

/// 8 MiB in small pieces: it takes as long as a stalled server may.
const BIG: u8 = 31;

/// How many run at once: most of what takes time is waiting.
const ROOM: usize = 12;

const KEY: &str = "test-key-0123456789";

/// One attempt, so that each case is played once, and clocks above the pauses
/// of a drip.
const CONFIG: &str = "[layers.retry]\nattempts = 1\n\
    [layers.timeout]\nfirst_event = \"2s\"\nidle = \"2s\"\n";

/// The command that asks the server at an address in a dialect.
fn ask(home: &Home, wire: Wire, url: &str, more: &[&str]) -> Command {
    let (model, variables): (&str, &[&str]) = match wire {
        Wire::OpenAiChat => ("openai/test-model", &["OPENAI_API_KEY"]),
        Wire::AnthropicMessages => (
            "anthropic/test-model",
            &["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
        ),
        Wire::Gemini => (
            "gemini/test-model",
            &["GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"],
        ),
        Wire::BedrockConverse => (
            "bedrock/test-model",
            &[
                "AWS_BEARER_TOKEN_BEDROCK",
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            ],
        ),
        Wire::Cohere => ("cohere/test-model", &["CO_API_KEY", "CO_API_URL"]),
        Wire::OpenAiResponses => ("openai-responses/test-model", &["OPENAI_API_KEY"]),
        Wire::BedrockAnthropic => (
            "bedrock-anthropic/test-model",
            &[
                "AWS_BEARER_TOKEN_BEDROCK",
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            ],
        ),
        Wire::Hunyuan => ("hunyuan-native/test-model", &["TENCENTCLOUD_SECRET_ID"]),
        Wire::QianfanV1 => ("qianfan-v1/test-model", &["QIANFAN_ACCESS_TOKEN"]),
        Wire::Ollama => ("ollama/test-model", &["OLLAMA_API_KEY", "OLLAMA_HOST"]),
    };
    // Nothing is kept: writing to the disk would take longer than all else.
    let mut arguments = vec!["-m", model, "--no-save"];
    if variables.len() == 1 {
        arguments.extend(["--base-url", url]);
    }
    arguments.extend(more);
    arguments.push("Hi");
    let mut command = home.parlor(&arguments);
    for (variable, value) in variables.iter().zip([KEY, url]) {
        command.env(variable, value);
    }
    if wire == Wire::Hunyuan {
        command.env("TENCENTCLOUD_SECRET_KEY", KEY);
    }
    command
}

async fn run(command: Command) -> Ran {
    let mut command = command;
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    Ran::of(output.await.unwrap())
}

/// Whether the command's answer is this reading; else what differs.
fn is_answer(ran: &Ran, wanted: &Reading) -> Result<(), String> {
    let first = wanted.first();
    let object: Value = serde_json::from_str(&ran.stdout).map_err(|error| error.to_string())?;
    same("text", &object["text"], &first.text.clone().into())?;
    same(
        "reasoning",
        &object["reasoning"],
        &first.reasoning.clone().into(),
    )?;
    let kind = object["finish_reason"]["kind"].as_str().unwrap_or_default();
    if !first.finish.contains(&kind) {
        return Err(format!("finish reason {kind}, wanted {:?}", first.finish));
    }
    let withheld = ["refusal", "content_filter"].contains(&kind);
    same("exit code", &ran.code, &Some(if withheld { 9 } else { 0 }))?;
    let raw = object["finish_reason"]["raw"].as_str().map(str::to_owned);
    same("raw finish reason", &raw, &first.finish_raw)?;
    let usage = &object["usage"];
    same(
        "input tokens",
        &usage["input_tokens"].as_u64(),
        &wanted.input_tokens,
    )?;
    same(
        "output tokens",
        &usage["output_tokens"].as_u64(),
        &wanted.output_tokens,
    )?;
    let calls = object["tool_calls"].as_array().cloned().unwrap_or_default();
    same("number of calls", &calls.len(), &first.tool_calls.len())?;
    for (call, wanted) in calls.iter().zip(&first.tool_calls) {
        same("call's name", &call["name"], &wanted.name.clone().into())?;
        same("call's arguments", &call["arguments"], &wanted.arguments)?;
        match &wanted.id {
            Some(id) => same("call's id", &call["id"], &id.clone().into())?,
            None if call["id"].as_str().is_some_and(|id| !id.is_empty()) => {}
            None => return Err("a call without an id".to_owned()),
        }
    }
    Ok(())
}

/// Whether the command failed so; else what differs.
fn is_failure(ran: &Ran, wanted: &Failure) -> Result<(), String> {
    same("stdout", &ran.stdout.as_str(), &"")?;
    let error: Value = serde_json::from_str(&ran.stderr).map_err(|error| error.to_string())?;
    let error = &error["error"];
    let kind = error["kind"].as_str().unwrap_or_default();
    if !wanted.kinds.contains(&kind) {
        return Err(format!("kind {kind}, wanted {:?}", wanted.kinds));
    }
    same("exit code", &ran.code, &Some(exit_of(kind)))?;
    if let Some(status) = wanted.status {
        same("status", &error["status"].as_u64(), &Some(status.into()))?;
    }
    if let Some(code) = wanted.code {
        same("code", &error["code"], &code.into())?;
    }
    let message = error["message"].as_str().unwrap_or_default();
    if !message.contains(wanted.message) {
        return Err(format!("message {message:?} without {:?}", wanted.message));
    }
    let help = error["help"].as_str().unwrap_or_default();
    if help.is_empty() {
        return Err("no help".to_owned());
    }
    let parts = error["partial"]["choices"][0]["message"]["parts"].as_array();
    let text: String = parts
        .into_iter()
        .flatten()
        .filter(|part| part["type"] == "text")
        .filter_map(|part| part["text"].as_str())
        .collect();
    match &wanted.partial {
        Partial::Exactly(wanted) => same("partial text", &text, wanted),
        Partial::Within(whole) if !whole.starts_with(&text) => {
            Err(format!("partial text {text:?} is not of {whole:?}"))
        }
        _ => Ok(()),
    }
}

fn exit_of(kind: &str) -> i32 {
    match kind {
        "configuration" => 3,
        "authentication" | "permission" => 4,
        "model_not_found" => 5,
        "connection" | "truncated" => 6,
        timeout if timeout.ends_with("_timeout") => 6,
        "rate_limited" | "quota_exhausted" | "overloaded" => 7,
        "context_too_long" => 8,
        "content_filtered" => 9,
        _ => 1,
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    match got == wanted {
        true => Ok(()),
        false => Err(format!("{what}: {got:?}, wanted {wanted:?}")),
    }
}

/// What differs from each of the right outcomes; nothing if one holds.
fn judge(ran: &Ran, expect: &Expect) -> Option<String> {
    let mut complaints = Vec::new();
    for outcome in &expect.outcomes {
        let judged = match outcome {
            Outcome::Answer(reading) => is_answer(ran, reading),
            Outcome::Failure(failure) => is_failure(ran, failure),
        };
        match judged {
            Ok(()) => return None,
            Err(complaint) => complaints.push(complaint),
        }
    }
    Some(complaints.join("; or "))
}

async fn try_all(wire: Wire, kinds: impl Fn(u8) -> bool) {
    let home = Arc::new(Home::new());
    home.config(CONFIG);
    let server = FaultServer::start().await.unwrap();
    let room = Arc::new(Semaphore::new(ROOM));
    let mut running = JoinSet::new();
    for fault in FAULTS.iter().filter(|fault| kinds(fault.number)) {
        for mode in Mode::ALL {
            let Ok(expect) = fault.expect(wire, mode) else {
                continue;
            };
            if expect.drop_at.is_some() || expect.warm_up || expect.hangs_up {
                continue;
            }
            let more: &[&str] = match mode {
                Mode::Stream => &["--output", "json"],
                Mode::Whole => &["--output", "json", "--no-stream"],
            };
            let command = ask(&home, wire, &server.url(fault.name), more);
            let room = room.clone();
            running.spawn(async move {
                let _place = room.acquire().await.unwrap();
                let ran = run(command).await;
                assert!(!ran.stderr.contains(KEY), "{ran:?}");
                let complaint = judge(&ran, &expect)?;
                Some(format!("{} {mode:?}: {complaint}\n    {ran:?}", fault.name))
            });
        }
    }
    let cases = running.len();
    let wrong: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(cases > 40, "only {cases} cases");
    let list = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "{} of {cases} are wrong:\n{list}",
        wrong.len()
    );
}

#[tokio::test]
async fn the_ollama_wire() {
    try_all(Wire::Ollama, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_anthropic_wire() {
    try_all(Wire::AnthropicMessages, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_gemini_wire() {
    try_all(Wire::Gemini, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_bedrock_wire() {
    try_all(Wire::BedrockConverse, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_openai_wire() {
    try_all(Wire::OpenAiChat, |kind| kind != BIG).await;
}

#[tokio::test]
async fn the_cohere_wire() {
    try_all(Wire::Cohere, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_responses_wire() {
    try_all(Wire::OpenAiResponses, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_wire_of_claude_on_bedrock() {
    try_all(Wire::BedrockAnthropic, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_hunyuan_wire() {
    try_all(Wire::Hunyuan, |kind| kind <= KINDS).await;
}

#[tokio::test]
async fn the_wire_of_qianfans_first_generation() {
    try_all(Wire::QianfanV1, |kind| kind <= KINDS).await;
}
