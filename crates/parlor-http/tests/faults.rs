//! What servers break doesn't break a model over HTTP, in any dialect.
//!
//! With `PARLOR_FAULTS=crlf,drip` in the environment only the cases of these names are played.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use parlor_core::{ChatModel, ChatModelExt, ModelInfo};
use parlor_dialect::Dialect;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_http::{Auth, Endpoint, HttpModel, Timeouts};
use parlor_testkit::fault::{FaultServer, FaultSuite, Wire};

/// Well above the pauses of a drip and the time that 8 MiB take, also where the machine has much
/// else to do; well below the server's patience.
const LIMIT: Duration = Duration::from_secs(4);

async fn play<D: Dialect + Clone>(wire: Wire, dialect: D) {
    let suite = FaultSuite::new(wire, move |base_url| -> Arc<dyn ChatModel> {
        let mut timeouts = Timeouts::default();
        timeouts.first_event = Some(LIMIT);
        timeouts.idle = Some(LIMIT);
        let endpoint = Endpoint::new(base_url)
            .unwrap()
            .with_auth(Auth::Bearer(FaultSuite::KEY.into()))
            .with_timeouts(timeouts);
        let info = ModelInfo::new("test", "test-model");
        Arc::new(HttpModel::new(dialect.clone(), endpoint, info))
    });
    let only = std::env::var("PARLOR_FAULTS").ok();
    let suite = match &only {
        Some(names) => suite.only(names.split(',')),
        None => suite,
    };
    suite.run().await.unwrap().assert();
}

#[tokio::test]
async fn openai_chat() {
    play(Wire::OpenAiChat, OpenAiChat::default()).await;
}

#[tokio::test]
async fn openai_responses() {
    play(Wire::OpenAiResponses, OpenAiResponses::default()).await;
}

#[tokio::test]
async fn anthropic_messages() {
    play(Wire::AnthropicMessages, AnthropicMessages::default()).await;
}

#[tokio::test]
async fn bedrock_converse() {
    play(Wire::BedrockConverse, BedrockConverse::default()).await;
}

#[tokio::test]
async fn gemini() {
    play(Wire::Gemini, Gemini::default()).await;
}

#[tokio::test]
async fn ollama() {
    play(Wire::Ollama, Ollama::default()).await;
}

#[tokio::test]
async fn cohere() {
    play(Wire::Cohere, Cohere::default()).await;
}

/// A stall after the reason for the end, by a model with the usual limits: the
/// client hangs up before the server does.
async fn ends_soon<D: Dialect>(server: &FaultServer, dialect: D) {
    let (name, case) = (dialect.name(), "stall-after-finish");
    let endpoint = Endpoint::new(&server.url(case)).unwrap();
    let endpoint = endpoint.with_auth(Auth::Bearer(FaultSuite::KEY.into()));
    let model = HttpModel::new(dialect, endpoint, ModelInfo::new("test", "test-model"));
    let answer = model.ask_stream("Hi").await.unwrap().response().await;
    assert!(!answer.unwrap().interrupted, "{name}");
    let seen = server.requests_of(case);
    let last = seen.last().unwrap();
    assert!(!last.finished, "{name}: the server's patience ran out");
}

#[tokio::test]
async fn a_stall_after_the_last_reason_is_not_waited_out() {
    let server = FaultServer::start().await.unwrap();
    ends_soon(&server, OpenAiChat::default()).await;
    ends_soon(&server, AnthropicMessages::default()).await;
    ends_soon(&server, Gemini::default()).await;
}
