//! Layers between a client and a provider of its dialect: what passes, and what is written anew.

use crate::support::{gateway, post};
use parlor_testkit::{ApiAnswer, ApiServer};
use std::sync::atomic::{AtomicUsize, Ordering};

const PATH: &str = "/v1/chat/completions";

/// A stream and an answer with what no dialect knows, so that bytes can be told from what is
/// written anew.
const STREAM: &str = ": hello\r\n\r\ndata: {\"id\": \"1\", \"odd\": [1.50], \"model\": \"m\", \"choices\": [{\"index\": 0, \"delta\": {\"content\": \"Mail a@b.example\"}}]}\r\n\r\ndata: {\"id\": \"1\", \"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n";
const WHOLE: &str = "{\"id\": \"1\", \"odd\": [1.50], \"model\": \"m\", \"choices\": [{\"index\": 0, \"message\": {\"role\": \"assistant\", \"content\": \"Mail a@b.example\"}, \"finish_reason\": \"stop\"}]}";

fn asked(model: &str, stream: bool) -> String {
    // In an order and with spaces of its own, and with fields that nobody knows.
    format!(
        "{{ \"odd\": [1.50],\"stream\":{stream}, \"stream_options\": {{\"include_usage\": true}}, \
         \"messages\": [{{\"odd\": 1, \"role\": \"user\", \"content\": \"Mail a@b.example\"}}], \
         \"temperature\": 0, \"model\" : \"{model}\"}}"
    )
}

fn answer(sent: &[u8]) -> ApiAnswer {
    match String::from_utf8_lossy(sent).contains("\"stream\":true") {
        true => ApiAnswer::new(200, STREAM),
        false => ApiAnswer::new(200, WHOLE),
    }
}

async fn upstream() -> ApiServer {
    ApiServer::answering(|seen| answer(&seen.body))
        .await
        .unwrap()
}

fn provider(server: &ApiServer) -> String {
    let url = server.url();
    format!("[providers.openai-chat]\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n")
}

/// What came through a gateway with these layers, asked for in one piece and as a stream.
async fn both(server: &ApiServer, layers: &str) -> [Vec<u8>; 2] {
    let address = gateway(&format!("{}{layers}", provider(server))).await;
    let whole = asked("openai-chat/m", false);
    let whole = post(&address, PATH, "", whole.as_bytes()).await;
    let stream = asked("openai-chat/m", true);
    let stream = post(&address, PATH, "", stream.as_bytes()).await;
    assert_eq!((whole.status, stream.status), (200, 200), "{layers}");
    assert!(stream.head.contains("text/event-stream"), "{}", stream.head);
    [whole.body, stream.body]
}

fn passed([whole, stream]: &[Vec<u8>; 2]) -> [bool; 2] {
    [whole == WHOLE.as_bytes(), stream == STREAM.as_bytes()]
}

#[tokio::test]
async fn layers_that_watch_let_bytes_through_both_ways() {
    for layers in [
        "",
        "[layers.retry]\nattempts = 3\n",
        "[layers.timeout]\nidle = \"5s\"\n",
        "[layers.concurrency]\nmax = 4\n",
        "[layers.strict]\n",
        "[layers.trace]\n",
        "[layers.budget]\ntokens_per_day = 100000\n",
    ] {
        let server = upstream().await;
        let came = both(&server, layers).await;
        assert_eq!(passed(&came), [true, true], "{layers}");
        let seen = server.requests();
        let sent = String::from_utf8_lossy(&seen[1].body).into_owned();
        assert_eq!(sent, asked("m", true), "{layers}");
    }
}

#[tokio::test]
async fn layers_that_change_texts_have_them_written_anew() {
    let server = upstream().await;
    let came = both(&server, "[layers.redact]\nemails = true\n").await;
    assert_eq!(passed(&came), [false, false]);
    for seen in server.requests() {
        let sent = String::from_utf8_lossy(&seen.body).into_owned();
        assert!(!sent.contains("a@b.example"), "{sent}");
        // What the client said beyond core's words goes to its own dialect all the same.
        assert!(sent.contains("\"odd\""), "{sent}");
    }
    for body in came {
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(body.contains("Mail a@b.example"), "{body}");
    }
    let server = upstream().await;
    let came = both(&server, "[layers.resume]\nattempts = 1\nmode = \"ask\"\n").await;
    assert_eq!(passed(&came), [true, false]);
}

#[tokio::test]
async fn a_kept_answer_is_written_anew_and_only_for_the_same_bytes() {
    let server = upstream().await;
    let address = gateway(&format!("{}[layers.cache]\n", provider(&server))).await;
    let same = asked("openai-chat/m", true);
    let first = post(&address, PATH, "", same.as_bytes()).await;
    assert_eq!(first.body, STREAM.as_bytes());
    let second = post(&address, PATH, "", same.as_bytes()).await;
    assert_ne!(second.body, STREAM.as_bytes());
    assert!(String::from_utf8_lossy(&second.body).contains("Mail a@b.example"));
    // A call may be given what a stream was, for both say the same.
    let whole = asked("openai-chat/m", false);
    let whole = post(&address, PATH, "", whole.as_bytes()).await;
    assert_eq!(server.requests().len(), 1);
    assert!(String::from_utf8_lossy(&whole.body).contains("Mail a@b.example"));
    // It may mean something else within what core has no words for.
    let other = same.replace("{\"odd\": 1,", "{\"odd\": 2,");
    post(&address, PATH, "", other.as_bytes()).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_stream_that_is_opened_again_passes_the_second_ones_bytes() {
    let count = AtomicUsize::new(0);
    let broken = "data: {\"id\": \"0\", \"choices\": []}\n\ndata: {\"error\": {\"message\": \"busy\", \"code\": 503}}\n\n";
    let server = ApiServer::answering(move |seen| match count.fetch_add(1, Ordering::SeqCst) {
        0 => ApiAnswer::new(200, broken),
        _ => answer(&seen.body),
    });
    let server = server.await.unwrap();
    let settings = "[layers.retry]\nattempts = 2\nbase_delay = \"1ms\"\n";
    let address = gateway(&format!("{}{settings}", provider(&server))).await;
    let came = post(&address, PATH, "", asked("openai-chat/m", true).as_bytes()).await;
    assert_eq!(String::from_utf8_lossy(&came.body), STREAM);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_fallback_of_another_dialect_answers_in_the_clients() {
    let down = ApiServer::answering(|_| ApiAnswer::new(500, "{}"))
        .await
        .unwrap();
    let other = ApiServer::answering(|_| {
        ApiAnswer::new(
            200,
            "{\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c\",\"stop_reason\":\"end_turn\",\
             \"content\":[{\"type\":\"text\",\"text\":\"Fine.\"}],\
             \"usage\":{\"input_tokens\":1,\"output_tokens\":1}}",
        )
    });
    let other = other.await.unwrap();
    let settings = format!(
        "{}[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n\
         [layers.retry]\nattempts = 1\n\
         [routes.safe]\nmodels = [\"openai-chat/m\", \"anthropic/c\"]\n",
        provider(&down),
        other.url()
    );
    let address = gateway(&settings).await;
    for stream in [false, true] {
        let came = post(&address, PATH, "", asked("safe", stream).as_bytes()).await;
        let body = String::from_utf8_lossy(&came.body).into_owned();
        assert_eq!(came.status, 200, "{body}");
        assert!(body.contains("Fine.") && body.contains("choices"), "{body}");
    }
    // What only the first dialect knows went to nobody else.
    for seen in other.requests() {
        let sent = String::from_utf8_lossy(&seen.body).into_owned();
        assert!(!sent.contains("odd"), "{sent}");
    }
}

#[tokio::test]
async fn a_break_amid_what_passes_is_told_once() {
    let start =
        "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Half\"}}]}\n\n";
    let error = "data: {\"error\":{\"message\":\"too much\",\"odd\":1}}\n\n";
    for (rest, told) in [
        (error, error),
        ("", "broke off"),
        ("data: {\"id\":\n\n", "\"error\""),
    ] {
        let body = format!("{start}{rest}");
        let server = ApiServer::answering(move |_| ApiAnswer::new(200, body.clone()));
        let server = server.await.unwrap();
        let address = gateway(&provider(&server)).await;
        let came = post(&address, PATH, "", asked("openai-chat/m", true).as_bytes()).await;
        let body = String::from_utf8_lossy(&came.body).into_owned();
        assert!(body.starts_with(start), "{body}");
        let end = body.split_at(start.len()).1;
        assert_eq!(end.matches("\"error\"").count(), 1, "{end}");
        assert_eq!(end.matches("data:").count(), 1, "{end}");
        assert!(end.contains(told) || told == "broke off", "{end}");
    }
}

#[tokio::test]
async fn features_that_a_client_turns_on_reach_its_own_dialect() {
    let server = ApiServer::answering(|_| {
        ApiAnswer::new(
            200,
            "{\"type\":\"message\",\"role\":\"assistant\",\"stop_reason\":\"end_turn\",\"content\":[]}",
        )
    });
    let server = server.await.unwrap();
    let settings = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        server.url()
    );
    let body = "{\"model\":\"anthropic/c\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
    let headers = "anthropic-version: 2023-06-01\r\nanthropic-beta: one,two\r\nanthropic-beta: three\r\ncookie: a=b\r\nx-api-key: of-the-client\r\n";
    for layers in ["", "[layers.redact]\nemails = true\n"] {
        let address = gateway(&format!("{settings}{layers}")).await;
        let body = body.replace("Hi", "a@b.example");
        let came = post(&address, "/v1/messages", headers, body.as_bytes()).await;
        assert_eq!(came.status, 200, "{layers}");
    }
    for seen in server.requests() {
        assert_eq!(seen.header("anthropic-beta"), Some("one,two,three"));
        assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(seen.header("x-api-key"), Some("upstream-key"));
        assert_eq!(seen.header("cookie"), None);
    }
    assert_eq!(server.requests().len(), 2);
}
