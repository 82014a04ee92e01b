//! Counts what decoding a stream allocates: nothing for a usual text delta.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

#[path = "../benches/streams.rs"]
mod streams;

use allocation_counter::measure;
use parlor_dialect::Dialect;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use streams::{
    ANTHROPIC_MESSAGES, BEDROCK_CONVERSE, COHERE, GEMINI, OLLAMA, OPENAI_CHAT, OPENAI_RESPONSES,
    Stream,
};

/// What beginning, ending and a frame across two reads may cost; the delta is
/// sent 10,000 times.
const MOST: u64 = 150;

fn check<D: Dialect>(stream: &Stream, dialect: &D) {
    let body = stream.body(false);
    let (mut read, floor) = (0, stream.read_floor(&body));
    let count = measure(|| read = stream.decode(dialect, &body)).count_total;
    assert_eq!(read, floor);
    assert!(count <= MOST, "{}: {count} allocations", dialect.name());
}

#[test]
fn a_chat_completions_delta_allocates_nothing() {
    check(&OPENAI_CHAT, &OpenAiChat::default());
}

#[test]
fn a_responses_delta_allocates_nothing() {
    check(&OPENAI_RESPONSES, &OpenAiResponses::default());
}

#[test]
fn a_messages_delta_allocates_nothing() {
    check(&ANTHROPIC_MESSAGES, &AnthropicMessages::default());
}

#[test]
fn a_gemini_delta_allocates_nothing() {
    check(&GEMINI, &Gemini::default());
}

#[test]
fn an_ollama_delta_allocates_nothing() {
    check(&OLLAMA, &Ollama::default());
}

#[test]
fn a_cohere_delta_allocates_nothing() {
    check(&COHERE, &Cohere::default());
}

#[test]
fn a_converse_delta_allocates_nothing() {
    check(&BEDROCK_CONVERSE, &BedrockConverse::default());
}
