//! What the provider sends and reads, against servers with its answers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_anthropic::*;
use parlor_core::*;
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::ApiServer;
use serde_json::{Value, json};

const CHAT: &str = "POST /v1/messages";

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("anthropic")
        .with_base_url(base_url)
        .with_key(KeySource::Explicit("sk-test-0123456789".into()))
        .with_env(Env::empty())
}

#[test]
fn short_names_mean_the_newest_of_their_kind() {
    let registry = Registry::with(PROVIDERS).unwrap().with_env(Env::empty());
    let listed: Vec<_> = registry.catalogue().models_of("anthropic").collect();
    for short in ["haiku", "opus", "sonnet"] {
        let resolved = registry.resolve(short).unwrap();
        let entry = resolved.entry.unwrap();
        assert!(!entry.deprecated, "{}", entry.id);
        // Names of models that aren't dated sort by their numbers.
        let start = format!("claude-{short}-");
        let kind = listed.iter().filter(|it| it.starts_with(&start));
        let newest = kind.filter(|it| it.len() < start.len() + 8).max();
        assert_eq!(newest, Some(&resolved.model.as_str()));
    }
}

fn message(content: Value, stop: &str) -> String {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": content, "stop_reason": stop, "usage": {"input_tokens": 3, "output_tokens": 2}})
    .to_string()
}

fn hello() -> String {
    message(json!([{"type": "text", "text": "Hello"}]), "end_turn")
}

/// What a request says.
async fn sent(request: &ChatRequest) -> Value {
    let answer = hello();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let model = model("claude-haiku-4-5", &config(&server.url())).unwrap();
    model.chat(request).await.unwrap();
    server.requests()[0].json().unwrap()
}

#[tokio::test]
async fn betas_of_configuration_and_request_are_one_header() {
    let answer = hello();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let config = config(&server.url()).with_header("Anthropic-Beta", "one-1, two-2");
    let mut options = AnthropicOptions::default();
    options.betas = vec!["two-2".into(), betas::FAST_MODE.into()];
    let request = options.apply(ChatRequest::from("Hi"));
    model("claude-haiku-4-5", &config)
        .unwrap()
        .chat(&request)
        .await
        .unwrap();
    let seen = server.requests().remove(0);
    let sent: Vec<_> = seen
        .headers
        .iter()
        .filter(|(name, _)| name == "anthropic-beta")
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        seen.header("anthropic-beta"),
        Some("one-1,two-2,fast-mode-2026-02-01")
    );
    assert_eq!(seen.json().unwrap().get("betas"), None);
}

#[tokio::test]
async fn a_token_is_a_bearer_and_a_key_is_not() {
    let answer = hello();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    for (variable, header, value) in [
        ("ANTHROPIC_API_KEY", "x-api-key", "s-1"),
        ("ANTHROPIC_AUTH_TOKEN", "authorization", "Bearer s-1"),
    ] {
        let config = ProviderConfig::new("anthropic")
            .with_base_url(server.url())
            .with_env(Env::from([(variable, "s-1")]))
            .with_key(KeySource::Env(vec![variable.to_owned()]));
        let model = model("claude-haiku-4-5", &config).unwrap();
        model.chat(&ChatRequest::from("Hi")).await.unwrap();
        let seen = server.requests().pop().unwrap();
        let proofs = ["x-api-key", "authorization"];
        let proofs: Vec<_> = proofs
            .iter()
            .filter(|it| seen.header(it).is_some())
            .collect();
        assert_eq!((proofs, seen.header(header)), (vec![&header], Some(value)));
    }
}

#[tokio::test]
async fn a_paused_answer_is_gone_on_with_as_it_came() {
    let content = json!([
        {"type": "text", "text": "I will look. "},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
            {"type": "web_search_result", "url": "https://met.no/", "title": "Rain", "encrypted_content": "e=="}]},
    ]);
    let (paused, done) = (message(content.clone(), "pause_turn"), hello());
    let server = ApiServer::start([(CHAT, 200, paused.as_str()), (CHAT, 200, done.as_str())])
        .await
        .unwrap();
    let model = model("claude-haiku-4-5", &config(&server.url())).unwrap();
    let mut request = ChatRequest::from("Will it rain?").with_tool(WebSearch::default().tool());
    let response = model.chat(&request).await.unwrap();
    assert_eq!(
        response.choices[0].finish_reason.as_ref().unwrap().kind,
        FinishKind::Pause
    );
    request.messages.push(response.message().unwrap().clone());
    assert_eq!(model.chat(&request).await.unwrap().text(), "Hello");
    let body = server.requests()[1].json().unwrap();
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": content})
    );
}

#[tokio::test]
async fn tools_of_the_provider_are_in_its_words() {
    let mut search = WebSearch::default();
    search.max_uses = Some(3);
    search.allowed_domains = vec!["met.no".into()];
    let mut request = ChatRequest::from("Hi");
    let fetch = WebFetch::default().tool();
    request.tools = vec![
        search.tool(),
        fetch,
        code_execution(),
        bash(),
        text_editor(),
        memory(),
    ];
    request
        .tools
        .extend([tool_search(true), tool_search(false)]);
    let body = sent(&request).await;
    assert_eq!(
        body["tools"][0],
        json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["met.no"]})
    );
    let tools = body["tools"].as_array().unwrap()[1..].iter();
    let pairs: Vec<_> = tools
        .map(|it| (it["type"].as_str().unwrap(), it["name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("web_fetch_20250910", "web_fetch"),
            ("code_execution_20250825", "code_execution"),
            ("bash_20250124", "bash"),
            ("text_editor_20250728", "str_replace_based_edit_tool"),
            ("memory_20250818", "memory"),
            ("tool_search_tool_bm25_20251119", "tool_search_tool_bm25"),
            ("tool_search_tool_regex_20251119", "tool_search_tool_regex"),
        ]
    );
}

#[tokio::test]
async fn documents_are_cited() {
    let mut manual = Media::url(MediaKind::Document, "https://acme.example/manual.pdf");
    manual.name = Some("Manual".to_owned());
    manual.cache = Some(CacheHint::default());
    let parts = vec![
        cited(manual, Some("Third edition.")),
        cited_pieces("Questions", &["Wash it cold."]),
        search_result("https://acme.example/care", "Care", &["Dry it flat."]),
        Part::text("How is it cleaned?"),
    ];
    let body = sent(&ChatRequest::from(Message::new(Role::User, parts))).await;
    let content = &body["messages"][0]["content"];
    assert_eq!(
        content[0],
        json!({"type": "document", "title": "Manual", "context": "Third edition.",
            "source": {"type": "url", "url": "https://acme.example/manual.pdf"},
            "citations": {"enabled": true}, "cache_control": {"type": "ephemeral"}})
    );
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    assert_eq!(
        content[1]["source"],
        json!({"type": "content", "content": text("Wash it cold.")})
    );
    assert_eq!(
        content[2],
        json!({"type": "search_result", "source": "https://acme.example/care", "title": "Care",
            "content": text("Dry it flat."), "citations": {"enabled": true}})
    );
}

#[tokio::test]
async fn options_are_in_the_body() {
    let mut options = AnthropicOptions::default();
    options.thinking = Some(Thinking::BetweenTools);
    let mut container = Container::default();
    container.id = Some("c-1".to_owned());
    container.skills = vec![json!({"type": "anthropic", "skill_id": "xlsx", "version": "latest"})];
    options.container = Some(container);
    let mut server = McpServer::new("wiki", "https://mcp.example/");
    server.token = Some("t-0123456789".into());
    assert!(!format!("{server:?}").contains("t-0123456789"));
    options.mcp_servers = vec![server];
    options.previous_message_id = Some("msg_0".to_owned());
    let body = sent(&options.apply(ChatRequest::from("Hi"))).await;
    assert_eq!(body["thinking"], json!({"type": "between_tools"}));
    assert_eq!(body["container"]["skills"][0]["skill_id"], "xlsx");
    assert_eq!(
        body["mcp_servers"],
        json!([{"type": "url", "name": "wiki", "url": "https://mcp.example/", "authorization_token": "t-0123456789"}])
    );
    assert_eq!(body["diagnostics"], json!({"previous_message_id": "msg_0"}));
}

#[tokio::test]
async fn tokens_are_counted_without_an_answer() {
    let server = ApiServer::start([(
        "POST /v1/messages/count_tokens",
        200,
        r#"{"input_tokens": 14}"#,
    )])
    .await
    .unwrap();
    let model = model("claude-haiku-4-5", &config(&server.url())).unwrap();
    let request = ChatRequest::from("Hi")
        .with_system("Be brief.")
        .with_temperature(0.5);
    assert_eq!(count_tokens(&model, &request).await.unwrap(), 14);
    let seen = server.requests().remove(0);
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    let body = seen.json().unwrap();
    let fields: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["model", "system", "messages"]);
}
