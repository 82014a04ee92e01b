//! A model that is known not to stream is asked for the whole answer, which is
//! played as a stream, in every dialect; or it isn't asked.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::{
    Alternatives, Capabilities, Capability, ChatModel, ChatRequest, ErrorKind, Grammar, ModelInfo,
    OnUnsupported,
};
use parlor_dialect::ServerDialect;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_http::{Endpoint, HttpModel};
use parlor_testkit::{DialectServer, Sage};

async fn check<D: ServerDialect + Clone>(dialect: D) {
    let name = dialect.name();
    let sage = Arc::new(Sage::new("quick-1"));
    let server = DialectServer::start(dialect.clone(), sage).await.unwrap();
    let mut info = ModelInfo::new("acme", "quick-1");
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Streaming]);
    info.alternatives = Alternatives::new(|_| Some("acme/quick-2".to_owned()));
    let model = HttpModel::new(dialect, Endpoint::new(&server.url()).unwrap(), info);
    let mut request = ChatRequest::from("Why is the sky blue?");

    for wish in [None, Some(OnUnsupported::Error)] {
        request.on_unsupported = wish;
        let error = model.stream(&request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        assert!(error.help().contains("`acme/quick-2`"), "{name}: {error}");
        assert_eq!(server.requests().len(), 0, "{name}: nothing is sent");
    }

    request.on_unsupported = Some(OnUnsupported::Warn);
    let mut whole = model.chat(&request).await.unwrap();
    assert_eq!(whole.warnings, [], "{name}: nothing lacks");
    let mut stream = model.stream(&request).await.unwrap();
    let mut grammar = Grammar::new();
    while let Some(event) = stream.next().await {
        grammar.check(&event).unwrap();
    }
    grammar.finish().unwrap();
    let mut played = stream.stop();
    assert!(!played.interrupted, "{name}");
    let messages: Vec<_> = played.warnings.iter().map(|it| &*it.message).collect();
    let warning = "`stream` is not supported by this model; `acme/quick-2` supports it";
    assert_eq!(messages, [warning], "{name}");
    for response in [&mut whole, &mut played] {
        // Each answer has an id and a time of its own.
        (response.id, response.created) = (None, None);
        (response.metadata, response.warnings) = Default::default();
    }
    assert_eq!(played, whole, "{name}");

    let sent = server.requests();
    let said = |at: usize| (sent[at].path.clone(), sent[at].json());
    assert_eq!(said(1), said(0), "{name}: asked like a call");
}

#[tokio::test]
async fn a_model_that_does_not_stream_is_asked_whole() {
    check(OpenAiChat::default()).await;
    check(OpenAiResponses::default()).await;
    check(AnthropicMessages::default()).await;
    check(Gemini::default()).await;
    check(Ollama::default()).await;
    check(BedrockConverse::default()).await;
    check(Cohere::default()).await;
}
