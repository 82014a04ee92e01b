//! What a service does when its client leaves, and what it tells one that stays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor_server::{OnDisconnect, Outcome, ServerConfig, UsageEvent};
use parlor_testkit::{ApiAnswer, ApiServer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::stage::{BOUND, Counted, registry, serve};
use crate::tee::post;

/// How long a provider waits for being hung up on.
const WAIT: Duration = Duration::from_millis(200);

const CHAT: &str = "/v1/chat/completions";

async fn start(settings: &str, mut config: ServerConfig) -> (SocketAddr, Arc<Counted>) {
    let counted = Counted::of(&mut config);
    let (address, _) = serve(registry(settings), config).await;
    (address, counted)
}

/// A provider that begins, waits whether it is hung up on, and goes on if not; it tells when it has
/// begun.
async fn patient() -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, tell.clone()));
        }
    });
    (url, told)
}

async fn answer(mut stream: TcpStream, tell: mpsc::UnboundedSender<()>) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"}") {
        if !matches!(stream.read_buf(&mut asked).await, Ok(1..)) {
            return;
        }
    }
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8 });
    let streams = asked.windows(13).any(|it| it == b"\"stream\":true");
    let (first, rest) = match streams {
        true => {
            let delta = json!({ "choices": [{ "index": 0, "delta": { "content": "One" } }] });
            let last = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }], "usage": usage });
            let head =
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n";
            let first = format!("{head}data: {delta}\n\n");
            (first, format!("data: {last}\n\ndata: [DONE]\n\n"))
        }
        false => {
            let message = json!({ "role": "assistant", "content": "One" });
            let body = json!({
                "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }], "usage": usage,
            });
            let head =
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n";
            (String::new(), format!("{head}{body}"))
        }
    };
    let _ = stream.write_all(first.as_bytes()).await;
    let _ = tell.send(());
    if timeout(WAIT, stream.read_u8()).await.is_err() {
        let _ = stream.write_all(rest.as_bytes()).await;
    }
}

/// Asks a model, and leaves once its provider has begun; how that was counted.
async fn left(policy: &[(&str, OnDisconnect)], model: &str, streams: bool) -> UsageEvent {
    let (url, mut begun) = patient().await;
    let mut config = ServerConfig::default();
    config.on_disconnect = policy
        .iter()
        .map(|(name, it)| ((*name).to_owned(), *it))
        .collect();
    let settings = format!(
        "[providers.openai-chat]\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n[layers.retry]\nattempts = 1\n"
    );
    let (service, counted) = start(&settings, config).await;
    let body = json!({
        "model": model, "stream": streams, "messages": [{ "role": "user", "content": "Hi" }],
    });
    let body = body.to_string();
    let mut stream = TcpStream::connect(service).await.unwrap();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    timeout(BOUND, begun.recv()).await.unwrap();
    if streams {
        let mut came = Vec::new();
        while !came.windows(3).any(|it| it == b"One") {
            stream.read_buf(&mut came).await.unwrap();
        }
    }
    drop(stream);
    counted.wait_for(1).await.swap_remove(0)
}

#[tokio::test]
async fn an_answer_is_finished_without_its_client_where_that_is_wanted() {
    use OnDisconnect::{Cancel, Finish};
    for streams in [false, true] {
        for (policy, is_finished) in [
            (&[][..], false),
            (&[("*", Finish)][..], true),
            (&[("*", Finish), ("openai-chat/*", Cancel)][..], false),
            (&[("*", Cancel), ("openai-chat/night", Finish)][..], true),
        ] {
            let event = left(policy, "openai-chat/night", streams).await;
            let right = match is_finished {
                true => (Outcome::Completed, Some(5)),
                false => (
                    Outcome::Left,
                    event.usage.output_tokens.filter(|it| *it != 5),
                ),
            };
            assert_eq!(
                (event.outcome, event.usage.output_tokens),
                right,
                "{policy:?} {streams}"
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_honoured_is_told_before_a_stream() {
    let answer = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"content\":[],\"model\":\"a\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let provider = ApiServer::answering(move |_| ApiAnswer::new(200, answer))
        .await
        .unwrap();
    let settings = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        provider.url()
    );
    let (service, _) = start(&settings, ServerConfig::default()).await;
    let body = json!({
        "model": "anthropic/a", "stream": true, "seed": 7, "max_tokens": 9,
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    let came = post(service, CHAT, "", &body).await;
    assert_eq!(came.status, 200, "{}", came.body.escape_ascii());
    assert!(
        came.head.contains("x-parlor-warnings: seed=unsupported"),
        "{}",
        came.head
    );
    let text = String::from_utf8(came.body).unwrap();
    assert!(
        text.contains("\"Hi\"") && text.trim_end().ends_with("data: [DONE]"),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_of_a_routes_second_model_has_that_models_price() {
    let provider = ApiServer::answering(|seen| {
        let model = seen.json().unwrap()["model"].as_str().unwrap().to_owned();
        let message = json!({ "role": "assistant", "content": "Hi" });
        let answer = json!({
            "model": format!("{model}-2026-01-01"),
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000 },
        });
        match model.as_str() {
            "cheap" => ApiAnswer::new(200, answer.to_string()),
            _ => ApiAnswer::new(500, "{}"),
        }
    });
    let provider = provider.await.unwrap();
    let price = |id: &str, input: &str| {
        format!(
            "{{ id = \"{id}\", price = {{ input = {input}, output = 9.0, as_of = \"2026-01-01\" }} }}"
        )
    };
    let settings = format!(
        "[providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\nmodels = [{}, {}]\n\
         [routes.house]\nmodels = [\"openai-chat/dear\", \"openai-chat/cheap\"]\n\
         [layers.retry]\nattempts = 1\n",
        provider.url(),
        price("dear", "30.0"),
        price("cheap", "2.0"),
    );
    let (service, counted) = start(&settings, ServerConfig::default()).await;
    let body = json!({ "model": "house", "messages": [{ "role": "user", "content": "Hi" }] });
    assert_eq!(post(service, CHAT, "", &body).await.status, 200);
    let event = counted.wait_for(1).await.swap_remove(0);
    assert_eq!(event.model.as_deref(), Some("cheap"));
    let cost = event.cost.unwrap();
    assert!(format!("{cost:?}").contains('2'), "{cost:?}");
}
