//! A connection that went stale between two requests costs nobody an answer.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::{ChatModel, ChatModelExt, ErrorKind, ModelInfo};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_http::{Auth, Endpoint, HttpModel};
use parlor_testkit::fault::{FaultServer, FaultSuite};

fn model(server: &FaultServer, case: &str) -> impl ChatModel {
    let endpoint = Endpoint::new(&server.url(case))
        .unwrap()
        .with_auth(Auth::Bearer(FaultSuite::KEY.into()));
    let info = ModelInfo::new("test", "test-model");
    HttpModel::new(OpenAiChat::default(), endpoint, info)
}

#[tokio::test]
async fn a_request_on_a_stale_connection_is_sent_once_more_on_a_new_one() {
    let server = FaultServer::start().await.unwrap();
    for _ in 0..3 {
        // Models share the connections to their host.
        let model = model(&server, "reset-reused");
        assert!(!model.ask("Hi").await.unwrap().text().is_empty());
    }
    let seen = server.requests_of("reset-reused");
    let reused = seen.iter().filter(|it| it.reused()).count();
    assert_eq!((seen.len(), reused), (5, 2));
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_not_tried_again() {
    let server = FaultServer::start().await.unwrap();
    let model = model(&server, "reset-before-headers");
    let error = model.ask("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(server.requests_of("reset-before-headers").len(), 1);
}
