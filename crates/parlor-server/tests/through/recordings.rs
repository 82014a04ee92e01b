//! What providers sent reaches clients of their dialect byte for byte.

use crate::support::{ASKS, gateway, post, request_of};
use parlor_testkit::{Cassette, Cuts, ReplayServer};
use serde_json::Value;

/// Whether a recording is of an answer that the provider itself would give to a stream or a call.
fn is_plain(cassette: &Cassette, streams: bool) -> bool {
    let response = &cassette.response;
    let text = response.body.trim_ascii_start();
    let is_json = text.starts_with(b"{") || text.starts_with(b"[");
    response.status == 200
        && cassette.expected.error.is_none()
        && response.streaming == streams
        && (is_json != streams || cassette.dialect == "ollama-chat")
}

fn asks_usage(body: &Value) -> bool {
    body["stream_options"]["include_usage"] == true
}

/// The stream without the frame in which usage comes alone, where it was asked for by the gateway.
fn without_usage(stream: &[u8]) -> Vec<u8> {
    let frames = stream.split_inclusive(|it| *it == b'\n');
    let mut frames: Vec<&[u8]> = frames.collect();
    let is_usage = |line: &&[u8]| {
        let line = String::from_utf8_lossy(line);
        line.contains("\"choices\":[]") && line.contains("\"prompt_tokens\":")
    };
    if let Some(at) = frames.iter().position(is_usage) {
        frames.drain(at..(at + 2).min(frames.len()));
    }
    frames.concat()
}

#[tokio::test]
async fn recordings_pass_byte_for_byte() {
    let mut told = Vec::new();
    for asks in &ASKS {
        let Some(cassettes) = Cassette::load_all(asks.dialect) else {
            println!("skipped: no recordings");
            return;
        };
        let (mut passed, mut changed) = (0, 0);
        for cassette in cassettes {
            let upstream = ReplayServer::start([cassette.clone()], Cuts::Seeded(7));
            let upstream = upstream.await.unwrap();
            // The hosts that were recorded fetch what the one that is configured wouldn't.
            let settings = format!(
                "[providers.{0}]\nbase_url = \"{1}{2}\"\napi_key_env = \"KEY\"\n\
                 layers = {{ fetch_media = false }}\n\
                 [models.alias]\nmodel = \"{0}/the-model\"\n",
                asks.provider,
                upstream.url(&cassette),
                asks.base
            );
            let Some((body, streams)) = request_of(&cassette, "alias") else {
                continue;
            };
            if !is_plain(&cassette, streams) {
                continue;
            }
            let address = gateway(&settings).await;
            let sent = serde_json::to_vec(&body).unwrap();
            let came = post(&address, &asks.path("alias", streams), "", &sent).await;
            let id = cassette.id();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(came.status, 200, "{id}: {}", text(&came.body));
            // Blanks that keep the line open before an answer in one piece are dropped.
            let recorded = match streams {
                true => &*cassette.response.body,
                false => cassette.response.body.trim_ascii_start(),
            };
            let recorded = match asks.dialect == "openai-chat" && !asks_usage(&body) {
                true => without_usage(recorded),
                false => recorded.to_vec(),
            };
            let came_body = match streams {
                true => &*came.body,
                false => came.body.trim_ascii_start(),
            };
            if came_body == recorded {
                passed += 1;
            } else {
                changed += 1;
                println!(
                    "{id}:\n--- {}\n+++ {}",
                    text(&cassette.response.body),
                    text(&came.body)
                );
            }
            let seen = upstream.requests_of(&cassette);
            let mut want: Value = body;
            if asks.dialect != "gemini" {
                want["model"] = "the-model".into();
            }
            // Nothing waits in the background here.
            if want.get("background") == Some(&true.into()) {
                want.as_object_mut().unwrap().remove("background");
            }
            assert_eq!(seen.len(), 1, "{id}");
            if asks.dialect == "openai-chat" && streams && want.get("stream_options").is_none() {
                want["stream_options"] = serde_json::json!({ "include_usage": true });
            }
            assert_eq!(seen[0].json().unwrap(), want, "{id}");
        }
        told.push(format!(
            "{}: {passed} passed, {changed} changed",
            asks.dialect
        ));
    }
    println!("{told:?}");
    assert!(told.iter().all(|it| it.ends_with(" 0 changed")), "{told:?}");
}
