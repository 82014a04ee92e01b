//! What the provider sends and reads, against servers with its answers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::*;
use parlor_kimi::{
    KimiOptions, PROVIDERS, Purpose, answer_builtin, balance, estimate_tokens, extract, files,
    model, web_search,
};
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::ApiServer;
use serde_json::{Value, json};

const CHAT: &str = "POST /chat/completions";

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("moonshot")
        .with_base_url(base_url)
        .with_key(KeySource::Explicit("sk-test-0123456789".into()))
        .with_env(Env::empty())
}

fn message(message: Value, finish: &str) -> String {
    json!({"id": "c-1", "model": "kimi-k3", "choices": [
        {"index": 0, "message": message, "finish_reason": finish},
    ]})
    .to_string()
}

fn hello() -> String {
    message(json!({"role": "assistant", "content": "Hello"}), "stop")
}

/// What a request to a model of this name says.
async fn sent(name: &str, request: &ChatRequest) -> (Value, Vec<String>) {
    let answer = hello();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let model = model(name, &config(&server.url())).unwrap();
    let response = model.chat(request).await.unwrap();
    let warned = response.warnings.iter().map(|it| it.setting.clone());
    (server.requests()[0].json().unwrap(), warned.collect())
}

#[tokio::test]
async fn each_line_thinks_in_its_own_way() {
    let think = ChatRequest::from("a").with_reasoning(Effort::Medium);
    let never = ChatRequest::from("a").with_reasoning(ReasoningConfig::off());
    let (body, _) = sent("kimi-k2.6", &never).await;
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    let (body, _) = sent("kimi-k2.6", &think).await;
    assert_eq!(body["thinking"], json!({"type": "enabled"}));
    let (body, warned) = sent("kimi-k3.1-pro", &think).await;
    assert_eq!(
        (&body["reasoning_effort"], &body["thinking"]),
        (&json!("low"), &Value::Null)
    );
    assert_eq!(warned, ["reasoning.effort"]);
    let (body, warned) = sent("kimi-k3", &never).await;
    assert_eq!(
        (&body["reasoning_effort"], warned.len()),
        (&json!("low"), 1)
    );
    for name in ["kimi-k2-thinking", "kimi-k2.7-code"] {
        let (body, warned) = sent(name, &think).await;
        assert_eq!((body.get("thinking"), warned.len()), (None, 0), "{name}");
        assert_eq!(sent(name, &never).await.1, ["reasoning"], "{name}");
    }
    let (body, warned) = sent("kimi-k2-turbo-preview", &think).await;
    assert_eq!(
        (body.get("thinking"), warned),
        (None, vec!["reasoning".to_owned()])
    );
}

#[tokio::test]
async fn schemas_of_tools_say_their_types() {
    let schema = json!({"type": "object", "properties": {"mode": {"enum": ["a", "b"]}}});
    let tool = ToolDefinition::function("look", "Looks.", schema);
    let (body, warned) = sent("kimi-k3", &ChatRequest::from("Hi").with_tool(tool)).await;
    let mode = &body["tools"][0]["function"]["parameters"]["properties"]["mode"];
    assert_eq!(*mode, json!({"enum": ["a", "b"], "type": "string"}));
    assert_eq!(warned, [""; 0]);
}

#[tokio::test]
async fn sampling_is_fixed_from_one_line_on() {
    let mut request = ChatRequest::from("a").with_temperature(1.5);
    request.n = Some(2);
    let (body, _) = sent("kimi-k2-turbo-preview", &request).await;
    assert_eq!((&body["temperature"], &body["n"]), (&json!(1.0), &json!(2)));
    let (body, warned) = sent("kimi-k3", &request).await;
    assert_eq!((body.get("temperature"), body.get("n")), (None, None));
    assert_eq!(warned, ["temperature", "n"]);
}

#[tokio::test]
async fn an_answer_that_was_begun_is_continued() {
    let mut begun = Message::assistant("{");
    begun.name = Some("json".to_owned());
    let request = ChatRequest::new([Message::user("a"), begun]);
    let (body, _) = sent("kimi-k3", &request).await;
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": "{", "name": "json", "partial": true})
    );
}

#[tokio::test]
async fn thoughts_go_back_with_calls_and_all_of_them_when_kept() {
    let call =
        json!({"id": "f:0", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let turn = json!({"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call]});
    let answers = [message(turn, "tool_calls"), hello()];
    let server = ApiServer::start(answers.each_ref().map(|it| (CHAT, 200, it.as_str())))
        .await
        .unwrap();
    let model = model("kimi-k2.6", &config(&server.url())).unwrap();
    let mut said = Message::assistant("b");
    said.parts.insert(0, Part::from(Reasoning::new("earlier")));
    let mut request = ChatRequest::new([Message::user("a"), said, Message::user("c")]);
    let response = model.chat(&request).await.unwrap();
    request.messages.push(response.message().unwrap().clone());
    let result = ToolResult::text("f:0", "4");
    request
        .messages
        .push(Message::new(Role::Tool, vec![result.into()]));
    model.chat(&request).await.unwrap();
    let mut options = KimiOptions::default();
    options.keep_thoughts = true;
    model.chat(&options.apply(request)).await.unwrap();
    let messages = |at: usize| server.requests()[at].json().unwrap()["messages"].clone();
    let turns = messages(1);
    assert_eq!(turns[1].get("reasoning_content"), None);
    assert_eq!(turns[3]["reasoning_content"], "hm");
    assert_eq!(turns[3].get("content"), None);
    assert_eq!(turns[4]["tool_call_id"], "f:0");
    assert_eq!(messages(2)[1]["reasoning_content"], "earlier");
    let thinking = server.requests()[2].json().unwrap()["thinking"].clone();
    assert_eq!(thinking, json!({"type": "enabled", "keep": "all"}));
}

#[tokio::test]
async fn the_providers_search_is_answered_with_its_own_arguments() {
    let arguments =
        "{\"search_result\": {\"search_id\": \"s1\"}, \"usage\": {\"total_tokens\": 9}}";
    let call = json!({"index": 0, "id": "w:0", "type": "builtin_function",
        "function": {"name": "$web_search", "arguments": arguments}});
    let turn = json!({"role": "assistant", "content": "", "tool_calls": [call]});
    let answers = [message(turn, "tool_calls"), hello()];
    let server = ApiServer::start(answers.each_ref().map(|it| (CHAT, 200, it.as_str())))
        .await
        .unwrap();
    let model = model("kimi-k3", &config(&server.url())).unwrap();
    let mut request = ChatRequest::from("What is new?").with_tool(web_search(model.info()));
    let response = model.chat(&request).await.unwrap();
    let results = response
        .tool_calls()
        .map(|call| answer_builtin(call).unwrap().into());
    let results = Message::new(Role::Tool, results.collect::<Vec<Part>>());
    request.messages.push(response.message().unwrap().clone());
    request.messages.push(results);
    assert_eq!(model.chat(&request).await.unwrap().text(), "Hello");
    let body = server.requests()[1].json().unwrap();
    let tool = json!({"type": "builtin_function", "function": {"name": "$web_search"}});
    assert_eq!(body["tools"], json!([tool]));
    let asked = &body["messages"][1]["tool_calls"][0];
    assert_eq!(
        (&asked["type"], &asked["function"]["arguments"]),
        (&json!("builtin_function"), &json!(arguments))
    );
    assert_eq!(body["messages"][2]["content"], arguments);
    let own = ToolCall::new("t", "lookup", Arguments::json("{}"));
    assert_eq!(answer_builtin(&own), None);
}

#[tokio::test]
async fn files_are_kept_and_read() {
    let file = json!({"id": "f-1", "object": "file", "bytes": 4, "created_at": 7,
        "filename": "a.pdf", "purpose": "file-extract", "status": "ok"});
    let list = json!({"object": "list", "data": [file]}).to_string();
    let file = file.to_string();
    let server = ApiServer::start([
        ("POST /files", 200, file.as_str()),
        ("GET /files", 200, list.as_str()),
        ("GET /files/f-1", 200, file.as_str()),
        ("GET /files/f-1/content", 200, "The text."),
        ("DELETE /files/f-1", 200, r#"{"deleted": true}"#),
    ])
    .await
    .unwrap();
    let config = config(&server.url());
    let text = extract(&config, "a.pdf", "application/pdf", b"%PDF".as_slice()).await;
    assert_eq!(text.unwrap(), "The text.");
    let seen = server.requests();
    let asked: Vec<_> = seen
        .iter()
        .map(|it| (it.method.as_str(), it.path.as_str()))
        .collect();
    assert_eq!(
        asked,
        [
            ("POST", "/files"),
            ("GET", "/files/f-1/content"),
            ("DELETE", "/files/f-1")
        ]
    );
    let kind = seen[0].header("content-type").unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    let form = String::from_utf8_lossy(&seen[0].body).into_owned();
    assert!(
        form.contains("name=\"purpose\"\r\n\r\nfile-extract\r\n"),
        "{form}"
    );
    assert!(
        form.contains("filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n"),
        "{form}"
    );
    let files = files(&config).unwrap();
    let known = files.list().await.unwrap();
    assert_eq!(
        (known.len(), known[0].name.as_deref(), known[0].bytes),
        (1, Some("a.pdf"), Some(4))
    );
    assert_eq!(
        files.get("f-1").await.unwrap().status.as_deref(),
        Some("ok")
    );
    // An id can't lead elsewhere.
    let error = files.get("../users/me/balance").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert_eq!(
        server.requests().last().unwrap().path,
        "/files/..usersmebalance"
    );
    assert_eq!(Purpose::Video.as_str(), "video");
}

#[tokio::test]
async fn an_uploaded_video_is_named_by_its_id() {
    let video = Media::new(MediaKind::Video, MediaSource::File("f-1".to_owned()));
    let request = ChatRequest::new([Message::new(Role::User, vec![video.into()])]);
    let (body, _) = sent("kimi-k3", &request).await;
    assert_eq!(
        body["messages"][0]["content"][0]["video_url"]["url"],
        "ms://f-1"
    );
}

#[tokio::test]
async fn tokens_and_money_are_told() {
    let server = ApiServer::start([
        ("POST /tokenizers/estimate-token-count", 200, r#"{"data": {"total_tokens": 80}}"#),
        ("GET /users/me/balance", 200,
         r#"{"code": 0, "data": {"available_balance": 49.5, "voucher_balance": 46.5, "cash_balance": 3}, "status": true}"#),
    ])
    .await
    .unwrap();
    let config = config(&server.url());
    let model = model("kimi-k3", &config).unwrap();
    let request = ChatRequest::from("a").with_max_output_tokens(5);
    assert_eq!(estimate_tokens(&model, &request).await.unwrap(), 80);
    assert_eq!(
        server.requests()[0].json().unwrap(),
        json!({"model": "kimi-k3", "messages": [{"role": "user", "content": "a"}]})
    );
    let balance = balance(&config).await.unwrap();
    assert_eq!(
        (balance.available, balance.voucher, balance.cash),
        (Some(49.5), Some(46.5), Some(3.0))
    );
}

#[tokio::test]
async fn models_are_listed_with_what_they_can_do() {
    let list = json!({"object": "list", "data": [
        {"id": "kimi-k3", "created": 7, "context_length": 262144, "supports_image_in": true, "supports_video_in": false, "supports_reasoning": true},
        {"id": "moonshot-v1-8k"},
    ]})
    .to_string();
    let server = ApiServer::start([("GET /models", 200, list.as_str())])
        .await
        .unwrap();
    let models = PROVIDERS[0].models(&config(&server.url())).await.unwrap();
    let k3 = &models[0];
    assert_eq!(
        (k3.id.as_str(), k3.context_window),
        ("kimi-k3", Some(262_144))
    );
    assert!(
        k3.capabilities.has(Capability::Reasoning) && k3.capabilities.lacks(Capability::VideoInput)
    );
    assert_eq!(models[1].capabilities, Capabilities::UNKNOWN);
}

#[tokio::test]
async fn failures_are_told_apart() {
    for (status, kind, expected) in [
        (400, "content_filter", ErrorKind::ContentFiltered),
        (400, "invalid_request_error", ErrorKind::InvalidRequest),
        (
            401,
            "invalid_authentication_error",
            ErrorKind::Authentication,
        ),
        (401, "incorrect_api_key_error", ErrorKind::Authentication),
        (403, "permission_denied_error", ErrorKind::Permission),
        (404, "resource_not_found_error", ErrorKind::ModelNotFound),
        (429, "rate_limit_reached_error", ErrorKind::RateLimited),
        (429, "engine_overloaded_error", ErrorKind::Overloaded),
        (
            429,
            "exceeded_current_quota_error",
            ErrorKind::QuotaExhausted,
        ),
        (500, "server_error", ErrorKind::Server),
        (500, "unexpected_output", ErrorKind::Server),
    ] {
        let body = json!({"error": {"message": "no", "type": kind}}).to_string();
        let server = ApiServer::start([(CHAT, status, body.as_str())])
            .await
            .unwrap();
        let model = model("kimi-k3", &config(&server.url())).unwrap();
        let error = model.chat(&ChatRequest::from("a")).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{kind}");
    }
}

#[test]
fn the_host_in_china_knows_the_same_models_and_options() {
    let env = Env::from([("KIMI_API_KEY", "sk-test-0123456789")]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    let of = |id: &str| -> Arc<dyn ChatModel> { registry.model(id).unwrap() };
    let (world, china) = (of("kimi/kimi-k3"), of("moonshot-cn/kimi-k3"));
    assert_eq!(world.info().id(), "moonshot/kimi-k3");
    assert_eq!(china.info().id(), "kimi-cn/kimi-k3");
    assert_eq!(china.info().instance_of.as_deref(), Some("moonshot"));
    assert_eq!(china.info().capabilities, world.info().capabilities);
    // What is marked to be continued is.
    assert!(world.info().capabilities.has(Capability::Prefill));
    assert!(china.info().context_window.is_some());
    let rule = registry.default_model(None);
    assert_eq!(rule.id, "moonshot/kimi-k3");
}
