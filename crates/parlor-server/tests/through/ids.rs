//! What clients know an answer by, where its provider gives it no name and no time.

use crate::support::{gateway, post};
use parlor_testkit::{ApiAnswer, ApiServer};
use serde_json::{Value, json};

const PIECE: &str =
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Fine.\"},\"done\":false}\n";
const WHOLE: &str = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Fine.\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n";

/// The objects of an answer: of one as JSON, or of each event of a stream.
fn objects(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(body);
    let datas = text.lines().filter_map(|it| it.strip_prefix("data: "));
    let datas: Vec<Value> = datas
        .filter_map(|it| serde_json::from_str(it).ok())
        .collect();
    match serde_json::from_slice(body) {
        Ok(whole) => vec![whole],
        Err(_) => datas,
    }
}

#[tokio::test]
async fn an_answer_without_an_id_gets_one_of_its_clients_form() {
    let server = ApiServer::answering(|seen| {
        match String::from_utf8_lossy(&seen.body).contains("\"stream\":false") {
            true => ApiAnswer::new(200, WHOLE),
            false => ApiAnswer::new(200, format!("{PIECE}{WHOLE}")),
        }
    });
    let server = server.await.unwrap();
    let settings = format!("[providers.ollama]\nbase_url = \"{}\"\n", server.url());
    let address = gateway(&settings).await;
    let mut seen = Vec::new();
    for (path, begins) in [
        ("/v1/chat/completions", "chatcmpl-"),
        ("/v1/messages", "msg_"),
        ("/v1/responses", "resp_"),
    ] {
        for stream in [false, true] {
            let said = json!([{ "role": "user", "content": "Hi" }]);
            let body = json!({ "model": "ollama/m", "max_tokens": 9, "messages": said,
                "input": "Hi", "stream": stream });
            let came = post(&address, path, "", body.to_string().as_bytes()).await;
            assert_eq!(came.status, 200, "{path}");
            let told = objects(&came.body);
            let first = &told[0];
            let first = [&first["message"], &first["response"], first];
            let first = first.into_iter().find(|it| it["id"].is_string()).unwrap();
            let id = first["id"].as_str().unwrap().to_owned();
            assert!(id.starts_with(begins) && id.len() > 16, "{path} {first}");
            let created = [&first["created"], &first["created_at"]];
            if path != "/v1/messages" {
                // Of a year that isn't 1970.
                assert!(
                    created.iter().any(|it| it.as_u64() > Some(1 << 30)),
                    "{first}"
                );
            }
            assert!(!seen.contains(&id), "{id} twice");
            let same = told
                .iter()
                .filter(|it| it["object"] == "chat.completion.chunk");
            same.for_each(|it| assert_eq!(it["id"], *id));
            seen.push(id);
        }
    }
}
