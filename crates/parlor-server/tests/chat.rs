//! The chat service beside conversations: models, and answers that nobody keeps.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod talk;

use parlor::{Error, ErrorKind, Part, Role};
use parlor_server::ServerConfig;
use serde_json::{Value, json};
use talk::{MODEL, Talk};

const SETTINGS: &str = "default_model = \"quick\"\n\
    [models]\nquick = { model = \"openai-chat/behind\", label = \"Quick one\" }\n\
    locked = { model = \"openai-chat/behind\", api_key_env = \"NOBODYS_KEY\" }\n\
    [routes.either]\nmodels = [\"locked\", \"quick\"]\n";

fn model<'a>(models: &'a Value, id: &str) -> &'a Value {
    let models = models["models"].as_array().unwrap();
    models
        .iter()
        .find(|it| it["id"] == id)
        .expect("it is listed")
}

#[tokio::test]
async fn models_are_listed_with_what_is_known_of_them() {
    let talk = Talk::start_with(ServerConfig::default(), SETTINGS).await;
    let models = talk.client.get("/api/models").await;
    assert_eq!(models["default"], "quick");
    let quick = model(&models, "quick");
    assert_eq!(quick["name"], "Quick one");
    assert_eq!(
        (&quick["provider"], &quick["model"]),
        (&json!("openai-chat"), &json!("behind"))
    );
    assert_eq!(
        (&quick["ready"], &quick["contextWindow"]),
        (&json!(true), &json!(1000))
    );
    assert_eq!(quick["price"]["as_of"], "2026-01-01");
    let locked = model(&models, "locked");
    assert_eq!(locked["ready"], false);
    assert!(
        locked["why"]["help"]
            .as_str()
            .unwrap()
            .contains("NOBODYS_KEY"),
        "{locked}"
    );
    assert_eq!(model(&models, "either")["ready"], true);
    assert_eq!(model(&models, MODEL)["ready"], true);
    let is_anthropic = |it: &Value| it["provider"] == "anthropic";
    assert!(
        !models["models"]
            .as_array()
            .unwrap()
            .iter()
            .any(is_anthropic)
    );
    let all = talk.client.get("/api/models?all=true").await;
    let foreign = all["models"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| is_anthropic(it));
    assert_eq!(foreign.unwrap()["ready"], false);
}

#[tokio::test]
async fn a_provider_that_fails_degrades_its_models_alone() {
    let talk = Talk::start_with(ServerConfig::default(), SETTINGS).await;
    let asked = json!({ "model": "quick", "messages": [{ "role": "user", "content": "Hi" }] });
    for times in 1..=3 {
        let ask = talk.client.post("/api/chat/stream", &asked);
        let fail = async {
            let broken = Error::new(ErrorKind::Overloaded, "too much to do");
            talk.call().await.fail(broken);
        };
        let ((status, answer), ()) = tokio::join!(ask, fail);
        assert_eq!(status, 503, "{answer}");
        let models = talk.client.get("/api/models").await;
        let quick = model(&models, "quick");
        assert_eq!(quick["ready"], times < 3, "{quick}");
        let why = quick["why"]["message"].as_str().unwrap();
        assert!(why.contains("openai-chat failed"), "{why}");
    }
    let ask = talk.client.post("/api/chat/stream", &asked);
    let ((status, _), ()) = tokio::join!(ask, async { talk.call().await.end("Fine") });
    assert_eq!(status, 200);
    let models = talk.client.get("/api/models").await;
    let quick = model(&models, "quick");
    assert_eq!(
        (&quick["ready"], &quick["why"]),
        (&json!(true), &Value::Null)
    );
}

fn lines(body: &str, prefix: &str) -> Vec<Value> {
    let lines = body.lines().filter_map(|line| line.strip_prefix(prefix));
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_answer_comes_as_lines_or_as_events() {
    let talk = Talk::start(ServerConfig::default()).await;
    for (accept, kind, prefix) in [
        ("*/*", "application/x-ndjson", ""),
        ("text/event-stream", "text/event-stream", "data: "),
        (
            "application/json, text/event-stream;q=0.9",
            "text/event-stream",
            "data: ",
        ),
    ] {
        let asked = json!({
            "model": MODEL, "max_tokens": 11, "temperature": 0.5, "reasoning": "low",
            "somethingElse": { "a": 1 },
            "messages": [
                { "role": "system", "content": "Be brief.", "id": 7 },
                { "role": "user", "content": [
                    { "type": "text", "text": "What is it?" },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } },
                ] },
            ],
        });
        let body = asked.to_string();
        let headers = [("accept", accept)];
        let open = talk
            .client
            .open("POST", "/api/chat/stream", &body, &headers);
        let say = async {
            let call = talk.call().await;
            let request = call.request.clone();
            call.say("Fine, ");
            call.end("thanks.");
            request
        };
        let (mut opened, request) = tokio::join!(open, say);
        assert_eq!(request.max_output_tokens, Some(11));
        assert_eq!(request.messages[0].role, Role::System);
        let parts = &request.messages[1].parts;
        assert!(
            parts.iter().any(|it| matches!(it, Part::Media(_))),
            "{parts:?}"
        );
        assert!(
            opened.head.contains(&format!("content-type: {kind}")),
            "{:?}",
            opened.head
        );
        let told = lines(&opened.rest().await, prefix);
        let text: String = told
            .iter()
            .map(|it| it["content"].as_str().unwrap())
            .collect();
        assert_eq!(text, "Fine, thanks.");
        let (last, before) = told.split_last().unwrap();
        assert!(before.iter().all(|it| it["finished"] == false));
        assert_eq!(
            (&last["finished"], &last["finishReason"]["kind"]),
            (&json!(true), &json!("stop"))
        );
        assert_eq!(last["usage"]["output_tokens"], 3);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_says_so_in_its_last_chunk() {
    let talk = Talk::start(ServerConfig::default()).await;
    let asked = json!({ "model": MODEL, "messages": [{ "role": "user", "content": "Hi" }] });
    let body = asked.to_string();
    let open = talk.client.open("POST", "/api/chat/stream", &body, &[]);
    let say = async {
        let call = talk.call().await;
        call.say("Half");
        call.fail(Error::new(ErrorKind::Overloaded, "too much to do"));
    };
    let (mut opened, ()) = tokio::join!(open, say);
    assert_eq!(opened.status, 200);
    let told = lines(&opened.rest().await, "");
    let (last, before) = told.split_last().unwrap();
    assert_eq!(before[0]["content"], "Half");
    assert_eq!(last["finished"], true);
    assert!(
        last["error"]["message"]
            .as_str()
            .unwrap()
            .contains("too much"),
        "{last}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_question_has_its_status() {
    let talk = Talk::start(ServerConfig::default()).await;
    let said = json!([{ "role": "user", "content": "Hi" }]);
    for (status, asked) in [
        (400, json!({ "messages": said })),
        (400, json!({ "model": MODEL })),
        (400, json!({ "model": MODEL, "messages": [] })),
        (
            400,
            json!({ "model": MODEL, "messages": [{ "role": "user", "content": " " }] }),
        ),
        (
            400,
            json!({ "model": MODEL, "messages": [{ "role": "system", "content": "Hi" }] }),
        ),
        (
            400,
            json!({ "model": MODEL, "messages": [{ "role": "nobody", "content": "Hi" }] }),
        ),
        (
            400,
            json!({ "model": MODEL, "messages": [{ "role": "user", "content": [7] }] }),
        ),
        (404, json!({ "model": "nobody/knows", "messages": said })),
        (404, json!({ "model": "nothing", "messages": said })),
    ] {
        let (is, answer) = talk.client.post("/api/chat/stream", &asked).await;
        assert_eq!(is, status, "{asked}: {answer}");
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
}

#[test]
fn the_document_has_each_media_type_that_is_given() {
    let paths = &parlor_server::openapi()["paths"];
    for (path, method, kinds) in [
        (
            "/api/chat/stream",
            "post",
            &["application/x-ndjson", "text/event-stream"][..],
        ),
        (
            "/api/conversations/{id}/export",
            "get",
            &["application/json", "text/markdown"],
        ),
        (
            "/api/conversations/{id}/turns/{turn}/media/{at}",
            "get",
            &["*/*"],
        ),
    ] {
        let content = &paths[path][method]["responses"]["200"]["content"];
        let mut told: Vec<_> = content.as_object().unwrap().keys().collect();
        told.sort();
        assert_eq!(told, kinds, "{path}");
    }
}
