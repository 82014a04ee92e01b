//! Batches over HTTP: what is checked before anything is sent, and results that break.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::*;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_http::{BatchApi, Endpoint, HttpBatches, HttpModel};
use parlor_testkit::{ApiServer, BatchAnswer, BatchServer};

fn batches_at(url: &str, api: BatchApi) -> HttpBatches {
    let endpoint = Endpoint::new(url).unwrap();
    let mut info = ModelInfo::new("acme", "acme-1");
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Json]);
    HttpBatches::new(HttpModel::new(OpenAiChat::default(), endpoint, info), api)
}

fn items(ids: &[&str]) -> Vec<BatchItem> {
    let item = |id: &&str| BatchItem::new(*id, format!("say {id}"));
    ids.iter().map(item).collect()
}

#[tokio::test]
async fn what_does_not_fit_is_not_sent() {
    let server = BatchServer::start(OpenAiChat::default(), |_, _| BatchAnswer::Missing);
    let server = server.await.unwrap();
    let long = "x".repeat(65);
    let large = BatchItem::new("large", "y".repeat(2000));
    let mut strict = ChatRequest::from("hi");
    strict.output = Some(OutputFormat::Json);
    strict.on_unsupported = Some(OnUnsupported::Error);
    for api in [BatchApi::by_file(), BatchApi::in_body("/all/batches")] {
        let batches = batches_at(&server.url(), api.with_limits(Some(3), Some(2000)));
        for (items, kind, said) in [
            (
                items(&["a", "b", "a"]),
                ErrorKind::Validation,
                "two items have the id `a`",
            ),
            (
                items(&["a b"]),
                ErrorKind::Validation,
                "`a b` can't be an item's id",
            ),
            (
                items(&[&long]),
                ErrorKind::Validation,
                "can't be an item's id",
            ),
            (Vec::new(), ErrorKind::Validation, "at least one"),
            (
                items(&["a", "b", "c", "d"]),
                ErrorKind::Validation,
                "at most 3 requests, and these are 4",
            ),
            (
                vec![BatchItem::new("small", "?"), large.clone()],
                ErrorKind::Validation,
                "at most 2000 bytes, and 2 of 2 requests are more",
            ),
            (
                vec![BatchItem::new("k", strict.clone())],
                ErrorKind::Unsupported,
                "item `k`: ",
            ),
        ] {
            let error = batches.submit("n", &items).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().contains(said), "{error}");
            assert!(!Unconfirmed::is_in(&error));
        }
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn results_that_break_end_with_the_error_and_ids_stay_one_segment() {
    let server = ApiServer::start([
        (
            "GET /batches/ab",
            200,
            r#"{"id": "ab", "status": "expired", "output_file_id": "../f", "error_file_id": "g"}"#,
        ),
        (
            "GET /files/..f/content",
            200,
            concat!(
                r#"{"custom_id": null, "response": {}}"#,
                "\n\n",
                r#"{"custom_id": "a", "response": {"status_code": 200, "body": {}}, "error": {}}"#,
            ),
        ),
        (
            "GET /files/g/content",
            503,
            r#"{"error": {"message": "later"}}"#,
        ),
    ])
    .await
    .unwrap();
    let batches = batches_at(&server.url(), BatchApi::by_file());
    let mut results = batches.results("a/b").await.unwrap();
    let nobody = results.next().await.unwrap().unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Decode);
    assert_eq!(results.next().await.unwrap().unwrap().id, "a");
    let broken = results.next().await.unwrap().unwrap_err();
    assert_eq!(broken.status(), Some(503));
    assert!(results.next().await.is_none());
}
