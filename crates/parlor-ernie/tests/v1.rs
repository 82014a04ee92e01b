//! The first generation of the API: what is sent and read, and where tokens go.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::*;
use parlor_dialect::qianfan_v1::QianfanV1;
use parlor_ernie::{ErnieOptions, PROVIDERS, V1Options, WebSearch, v1_model};
use parlor_http::HttpModel;
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::{ApiServer, SeenRequest};
use serde_json::{Value, json};

const SECRET: &str = "sk-0123456789abcdef";
const FIRST: &str = "24.first-0123456789";
const SECOND: &str = "24.second-0123456789";

fn token(secret: &str) -> String {
    json!({"access_token": secret, "expires_in": 2_592_000, "session_key": "s"}).to_string()
}

fn chat(path: &str, token: &str) -> String {
    format!("POST /rpc/2.0/ai_custom/v1/wenxinworkshop/chat/{path}?access_token={token}")
}

fn ask_for_token() -> String {
    format!(
        "GET /oauth/2.0/token?grant_type=client_credentials&client_id=ak-0123456789abcdef\
         &client_secret={SECRET}"
    )
}

fn config(base_url: &str) -> ProviderConfig {
    with_key(base_url, &format!("ak-0123456789abcdef:{SECRET}"))
}

fn with_key(base_url: &str, key: &str) -> ProviderConfig {
    let mut config = ProviderConfig::new("qianfan-v1")
        .with_base_url(base_url)
        .with_key(KeySource::Explicit(key.into()))
        .with_env(Env::empty());
    config.instance_of = Some("qianfan".to_owned());
    config
}

fn model(server: &ApiServer) -> HttpModel<QianfanV1> {
    v1_model("ERNIE-4.0-8K", &config(&server.url())).unwrap()
}

/// A server that gives a token, and these answers to a chat with it.
async fn server(answers: &[&str]) -> ApiServer {
    let (asked, given, chat) = (
        ask_for_token(),
        token(FIRST),
        chat("completions_pro", FIRST),
    );
    let chats = answers.iter().map(|body| (chat.as_str(), 200, *body));
    let token = [(asked.as_str(), 200, given.as_str())];
    ApiServer::start(token.into_iter().chain(chats))
        .await
        .unwrap()
}

fn chats(server: &ApiServer) -> Vec<SeenRequest> {
    let mut seen = server.requests();
    seen.retain(|it| it.path.starts_with("/rpc"));
    seen
}

fn hello() -> Value {
    json!({"id": "as-1", "object": "chat.completion", "created": 7, "result": "Hello",
        "is_truncated": false, "need_clear_history": false, "finish_reason": "normal",
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}})
}

/// What a request comes to.
async fn sent(request: &ChatRequest) -> (Value, ChatResponse) {
    let server = server(&[&hello().to_string()]).await;
    let response = model(&server).chat(request).await.unwrap();
    (chats(&server)[0].json().unwrap(), response)
}

#[tokio::test]
async fn a_conversation_stands_in_its_places() {
    let calls = ["t-1", "t-2"].map(|id| ToolCall::new(id, "f", json!({"of": id})).into());
    let mut turn = Message::new(Role::Assistant, calls.to_vec());
    turn.parts.insert(0, Part::text("I look."));
    let results = ["t-2", "t-1"].map(|id| ToolResult::text(id, format!("of {id}")));
    let mut request = ChatRequest::new([
        Message::system("Be kind."),
        Message::user("a"),
        Message::system("Be brief."),
        Message::user("b"),
        turn,
        Message::tool_results(results),
        Message::user("c"),
    ])
    .with_tool(ToolDefinition::function(
        "f",
        "does f",
        json!({"type": "object"}),
    ))
    .with_temperature(0.0);
    request.max_output_tokens = Some(99);
    request.stop = vec!["END".to_owned()];
    request.user = Some("somebody".to_owned());
    request.output = Some(OutputFormat::Json);
    let mut options = V1Options::default();
    options.disable_search = Some(true);
    options.penalty_score = Some(1.5);
    let (body, response) = sent(&options.apply(request)).await;
    assert_eq!(
        body,
        json!({
            "messages": [
                {"role": "user", "content": "a\n\nb"},
                {"role": "assistant", "content": "I look.",
                    "function_call": {"name": "f", "arguments": "{\"of\":\"t-1\"}"}},
                {"role": "function", "name": "f", "content": "of t-1"},
                {"role": "assistant", "content": "",
                    "function_call": {"name": "f", "arguments": "{\"of\":\"t-2\"}"}},
                {"role": "function", "name": "f", "content": "of t-2"},
                {"role": "assistant", "content": "Done."},
                {"role": "user", "content": "c"},
            ],
            "system": "Be kind.\n\nBe brief.",
            "functions": [
                {"name": "f", "description": "does f", "parameters": {"type": "object"}},
            ],
            "temperature": 0.01,
            "max_output_tokens": 99,
            "stop": ["END"],
            "user_id": "somebody",
            "response_format": "json_object",
            "disable_search": true,
            "penalty_score": 1.5,
        })
    );
    let odd = body["messages"].as_array().unwrap().len() % 2;
    assert_eq!(odd, 1);
    assert_eq!(response.text(), "Hello");
    assert_eq!(response.usage.unwrap().total_tokens(), Some(7));
    let settings: Vec<_> = response.warnings.iter().map(|it| &it.setting).collect();
    assert_eq!(settings, ["messages", "temperature"]);
}

#[tokio::test]
async fn what_it_has_no_place_for_is_an_error_before_anything_is_sent() {
    let server = server(&[]).await;
    let image = Media::url(MediaKind::Image, "https://x/a.png");
    let mut search = ErnieOptions::default();
    search.web_search = Some(WebSearch::on());
    for request in [
        ChatRequest::new([Message::new(Role::User, vec![image.into()])]),
        ChatRequest::new([Message::user("a"), Message::assistant("b")]),
        search.apply(ChatRequest::from("a")),
    ] {
        let error = model(&server).chat(&request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_call_comes_with_thoughts_and_goes_back_without_an_id() {
    let call = json!({"id": "as-2", "created": 7, "result": "", "is_end": true,
        "finish_reason": "function_call", "need_clear_history": false, "function_call":
            {"name": "f", "thoughts": "hm", "arguments": "{\"a\":1}"}});
    let found = json!({"search_results": [{"index": 1, "url": "https://a", "title": "A"}]});
    let mut told = hello();
    told["search_info"] = found;
    let server = server(&[&call.to_string(), &told.to_string()]).await;
    let model = model(&server);
    let tool = ToolDefinition::function("f", "does f", json!({"type": "object"}));
    let mut request = ChatRequest::from("a").with_tool(tool);
    let response = model.chat(&request).await.unwrap();
    assert_eq!(
        response.finish_reason().unwrap().kind,
        FinishKind::ToolCalls
    );
    assert_eq!(response.reasoning(), "hm");
    let call = response.tool_calls().next().unwrap();
    assert_eq!((&*call.name, &*call.arguments.text), ("f", "{\"a\":1}"));
    let result = ToolResult::text(&call.id, "");
    request.messages.push(response.message().unwrap().clone());
    request.messages.push(Message::tool_results([result]));
    let told = model.chat(&request).await.unwrap();
    let body = chats(&server)[1].json().unwrap();
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "",
                "function_call": {"name": "f", "arguments": "{\"a\":1}"}},
            {"role": "function", "name": "f", "content": "{}"},
        ])
    );
    let Some(Part::Source(source)) = told.message().unwrap().parts.last() else {
        panic!("{told:?}")
    };
    assert_eq!(source.url.as_deref(), Some("https://a"));
}

fn chunk(text: &str, is_end: bool) -> String {
    let chunk = json!({"id": "as-1", "object": "chat.completion", "created": 7, "sentence_id": 0,
        "is_end": is_end, "is_truncated": false, "result": text, "need_clear_history": false,
        "finish_reason": "normal",
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    format!("data: {chunk}\n\n")
}

async fn streamed(body: String) -> Result<ChatResponse> {
    let server = server(&[&body]).await;
    let stream = model(&server).stream(&ChatRequest::from("a")).await?;
    stream.response().await
}

#[tokio::test]
async fn a_stream_ends_with_the_chunk_that_says_so() {
    let pieces = [chunk("Hel", false), chunk("lo", false), chunk("", true)];
    let response = streamed(pieces.concat()).await.unwrap();
    assert_eq!(response.text(), "Hello");
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Stop);
    assert_eq!(response.usage.unwrap().total_tokens(), Some(5));
    let cut = streamed(pieces[..2].concat()).await.unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Truncated);
    let partial = cut.partial().unwrap();
    assert_eq!(partial.text(), "Hello");
    assert_eq!(partial.usage.as_ref().unwrap().total_tokens(), Some(5));
    let failure = "data: {\"error_code\":336100,\"error_msg\":\"busy\"}\n\n";
    let error = streamed(chunk("Hel", false) + failure).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.partial().unwrap().text(), "Hel");
}

#[tokio::test]
async fn failures_come_with_status_200() {
    for (code, message, kind) in [
        (
            336_003,
            "the length of messages must be an odd number",
            ErrorKind::InvalidRequest,
        ),
        (
            336_003,
            "the max input characters is 20000",
            ErrorKind::ContextTooLong,
        ),
        (336_103, "Prompt tokens too long", ErrorKind::ContextTooLong),
        (3, "Unsupported openapi method", ErrorKind::ModelNotFound),
        (
            18,
            "Open api qps request limit reached",
            ErrorKind::RateLimited,
        ),
        (
            17,
            "Open api daily request limit reached",
            ErrorKind::QuotaExhausted,
        ),
        (6, "No permission to access data", ErrorKind::Permission),
        (336_100, "try again", ErrorKind::Overloaded),
        (336_000, "Internal error", ErrorKind::Server),
    ] {
        let body = json!({"error_code": code, "error_msg": message, "id": "as-1"}).to_string();
        let server = server(&[&body]).await;
        let ask = ChatRequest::from("a");
        let whole = model(&server).chat(&ask).await.unwrap_err();
        let streamed = model(&server).stream(&ask).await.unwrap_err();
        for error in [whole, streamed] {
            assert_eq!((error.kind(), error.message()), (kind, message));
            assert_eq!(error.code(), Some(code.to_string().as_str()));
        }
    }
}

#[tokio::test]
async fn one_token_serves_until_it_is_refused_and_shows_nowhere() {
    let refused = format!("{{\"error_code\":111,\"error_msg\":\"Access token expired: {FIRST}\"}}");
    // Both may come whole or as the frames of a stream, whatever was asked for.
    for (streams, in_frames) in [(false, false), (false, true), (true, false), (true, true)] {
        let written = |body: &str| match in_frames {
            true => format!("data: {body}\n\n"),
            false => body.to_owned(),
        };
        let mut hello = hello();
        hello["is_end"] = true.into();
        let (asked, hello) = (ask_for_token(), written(&hello.to_string()));
        let refused = written(&refused);
        let (first, second) = (token(FIRST), token(SECOND));
        let chats_of = [FIRST, SECOND].map(|it| chat("completions_pro", it));
        let server = ApiServer::start([
            (asked.as_str(), 200, first.as_str()),
            (asked.as_str(), 200, second.as_str()),
            (chats_of[0].as_str(), 200, hello.as_str()),
            (chats_of[0].as_str(), 200, refused.as_str()),
            (chats_of[1].as_str(), 200, hello.as_str()),
        ])
        .await
        .unwrap();
        let model = model(&server);
        for _ in 0..3 {
            let ask = ChatRequest::from("a");
            let response = match streams {
                true => model.stream(&ask).await.unwrap().response().await,
                false => model.chat(&ask).await,
            };
            assert_eq!(response.unwrap().text(), "Hello");
        }
        let seen: Vec<String> = server.requests().into_iter().map(|it| it.path).collect();
        let tokens = seen.iter().filter(|it| it.starts_with("/oauth")).count();
        let with = |token: &str| seen.iter().filter(|it| it.ends_with(token)).count();
        assert_eq!((tokens, with(FIRST), with(SECOND)), (2, 2, 2));
        let headers = server.requests();
        assert!(
            headers
                .iter()
                .all(|it| it.header("authorization").is_none())
        );
    }
}

#[tokio::test]
async fn a_token_that_stays_refused_is_tried_once_more_and_shows_nowhere() {
    let refused = format!("{{\"error_code\":110,\"error_msg\":\"Access token invalid: {FIRST}\"}}");
    let server = server(&[&refused]).await;
    let model = model(&server);
    let ask = ChatRequest::from("a");
    let whole = model.chat(&ask).await.unwrap_err();
    assert_eq!(chats(&server).len(), 2);
    let streamed = model.stream(&ask).await.unwrap_err();
    assert_eq!(chats(&server).len(), 4);
    let in_a_frame = in_a_frame(&refused, &ask).await;
    for error in [whole, streamed, in_a_frame] {
        assert_eq!(error.kind(), ErrorKind::Authentication);
        let shown = format!("{error} {error:?} {:?} {:?}", error.body(), error.help());
        assert!(!shown.contains(FIRST) && !shown.contains(SECRET), "{shown}");
    }
    let shown = format!("{model:?} {:?}", model.endpoint());
    assert!(!shown.contains(FIRST) && !shown.contains(SECRET), "{shown}");
}

/// What becomes of a stream whose only frame this is, whoever asks.
async fn in_a_frame(body: &str, ask: &ChatRequest) -> Error {
    let server = server(&[&format!("data: {body}\n\n")]).await;
    let stream = model(&server).stream(ask).await.unwrap();
    assert_eq!(chats(&server).len(), 1);
    let error = stream.response().await.unwrap_err();
    assert_eq!(chats(&server).len(), 2);
    error
}

#[tokio::test]
async fn what_breaks_shows_neither_token_nor_secret() {
    let body = json!({"error": "invalid_client", "error_description": "unknown client id"});
    let asked = ask_for_token();
    let server = ApiServer::start([(asked.as_str(), 401, body.to_string().as_str())])
        .await
        .unwrap();
    let refused = model(&server).chat(&ChatRequest::from("a")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Authentication);
    assert!(refused.message().contains("unknown client id"), "{refused}");
    assert!(refused.help().contains("QIANFAN_SK"), "{refused}");
    // Nobody is there any more, neither for tokens nor for chats.
    let url = server.url();
    drop(server);
    let gone = v1_model("m", &config(&url)).unwrap();
    let gone = gone.chat(&ChatRequest::from("a")).await.unwrap_err();
    let given = v1_model("m", &with_key(&url, FIRST)).unwrap();
    let given = given.chat(&ChatRequest::from("a")).await.unwrap_err();
    for error in [refused, gone, given] {
        let source = std::error::Error::source(&error).map(|it| format!("{it} {it:?}"));
        let shown = format!("{error} {error:?} {:?} {source:?}", error.body());
        for secret in [SECRET, FIRST, "ak-0123456789abcdef"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_given_token_goes_as_it_is_and_names_of_models_lead_to_their_paths() {
    let names = [
        ("ernie-3.5-8k", "completions"),
        ("ERNIE-Speed-128K", "ernie-speed-128k"),
        ("ernie-speed-8k", "ernie_speed"),
        ("ab12_Mine", "ab12_Mine"),
        ("completions_pro", "completions_pro"),
    ];
    for (name, path) in names {
        let (asked, hello) = (chat(path, FIRST), hello().to_string());
        let answers = [(asked.as_str(), 200, hello.as_str())];
        let server = ApiServer::start(answers).await.unwrap();
        let model = v1_model(name, &with_key(&server.url(), FIRST)).unwrap();
        let response = model.chat(&ChatRequest::from("a")).await.unwrap();
        assert_eq!(response.text(), "Hello", "{name}");
    }
}

#[test]
fn an_application_is_found_in_two_variables() {
    let both = Env::from([("QIANFAN_AK", "ak-1"), ("QIANFAN_SK", SECRET)]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(both);
    let model = registry.model("qianfan-v1/ernie-4.0-8k").unwrap();
    assert_eq!(model.info().instance_of.as_deref(), Some("qianfan"));
    assert!(model.info().capabilities.lacks(Capability::ImageInput));
    assert!(!format!("{model:?}").contains(SECRET));
    let half = Env::from([("QIANFAN_AK", "ak-1")]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(half);
    let error = registry.model("qianfan-v1/m").unwrap_err();
    assert!(error.help().contains("QIANFAN_SK"), "{error}");
}
