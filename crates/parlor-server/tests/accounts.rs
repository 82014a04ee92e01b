//! What is counted of a request, whatever way it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;
mod talk;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use common::{CLIENTS, Gateway, MODELS};
use futures_util::{StreamExt as _, stream};
use parlor::agent::tool_fn;
use parlor::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Choice, ErrorKind, Event, FinishKind,
    ModelInfo, Part, Result, Usage,
};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_server::{Outcome, ServerConfig, Service, ServiceTool, UsageEvent, UsageSink};
use parlor_testkit::{ApiAnswer, ApiServer, DialectServer, Script};
use serde_json::{Value, json};
use talk::{MODEL, Talk};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Keeps what it is told, and tells when that is.
#[derive(Debug, Default)]
struct Ledger {
    events: Mutex<Vec<UsageEvent>>,
    came: Notify,
}

impl UsageSink for Ledger {
    fn used(&self, event: &UsageEvent) {
        self.events.lock().unwrap().push(event.clone());
        self.came.notify_one();
    }
}

impl Ledger {
    /// The events, when there are so many.
    async fn wait_for(&self, count: usize) -> Vec<UsageEvent> {
        let full = async {
            while self.events.lock().unwrap().len() < count {
                self.came.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), full)
            .await
            .unwrap();
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

async fn gateway(script: fn(&ChatRequest) -> Script) -> (Gateway, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::default());
    let mut config = ServerConfig::default();
    config.usage.push(ledger.clone());
    (Gateway::start(config, script).await, ledger)
}

fn used(_: &ChatRequest) -> Script {
    Script::response(response())
}

fn response() -> ChatResponse {
    let mut told = Usage::default();
    told.input_tokens = Some(2000);
    told.output_tokens = Some(70);
    told.cached_input_tokens = Some(1000);
    told.reasoning_tokens = Some(30);
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text("Fine, thank you."));
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response.usage = Some(told);
    response
}

#[tokio::test]
async fn figures_of_streamed_and_whole_answers_agree() {
    let (gateway, ledger) = gateway(used).await;
    for provider in CLIENTS {
        for model in MODELS {
            let client = gateway.client(provider, model);
            common::both(&*client, &ChatRequest::from("How are you?")).await;
            let events = ledger.wait_for(2).await;
            let [whole, streamed] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!(whole.outcome, Outcome::Completed, "{provider} {model}");
            assert_eq!(whole.asked, model);
            assert_eq!(whole.usage, streamed.usage, "{provider} {model}");
            assert_eq!(whole.usage.input_tokens, Some(2000), "{whole:?}");
            assert_eq!(whole.usage.output_tokens, Some(70));
            assert_eq!(whole.usage.cached_input_tokens, Some(1000));
            assert_eq!(whole.finish, Some(FinishKind::Stop));
            let cost = whole.cost.as_ref().unwrap();
            let (amount, date) = (cost.amount, &cost.as_of);
            assert!((amount - 0.004_35).abs() < 1e-9, "{amount}");
            assert_eq!(date, "2026-01-01");
            let about = |it: &UsageEvent| {
                let model = (it.provider.clone(), it.model.clone(), it.served.clone());
                (model, it.dialect, it.status, it.finish, it.cost.clone())
            };
            assert_eq!(about(whole), about(streamed));
            assert_ne!(whole.request_id, streamed.request_id);
            assert!(!whole.is_estimated && !streamed.is_estimated);
            for event in [whole, streamed] {
                assert!(event.first_event_us.unwrap() <= event.total_us);
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_that_left_had_is_estimated() {
    let (gateway, ledger) = gateway(|_| Script::text("Beginning and more").cut(4).hangs()).await;
    for provider in CLIENTS {
        let client = gateway.client(provider, "openai-chat/behind");
        common::left(&*client, "Beginning").await;
        let [event] = &ledger.wait_for(1).await[..] else {
            panic!("more than one");
        };
        assert_eq!(event.outcome, Outcome::Left, "{provider}");
        assert!(event.is_estimated && event.usage.output_tokens > Some(1));
        assert_eq!(event.finish, None);
    }
}

#[tokio::test]
async fn failures_are_counted_once_with_their_status() {
    let (gateway, ledger) = gateway(|request| match request.messages.len() {
        1 => Script::refuses(parlor::Error::new(ErrorKind::RateLimited, "slower")),
        _ => {
            let broken = parlor::Error::new(ErrorKind::Overloaded, "too much to do");
            Script::text("Beginning and more").cut(3).fails(broken)
        }
    })
    .await;
    let said = |text: &str| json!({ "role": "user", "content": text });
    let mut asked = json!({
        "model": "openai-chat/behind", "stream": true, "max_tokens": 9, "messages": [said("Hi")],
    });
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/api/chat",
        "/api/chat/stream",
    ] {
        let (status, _) = gateway.post(path, &asked).await;
        let [event] = &ledger.wait_for(1).await[..] else {
            panic!("more than one");
        };
        assert_eq!(event.outcome, Outcome::Failed(ErrorKind::RateLimited));
        assert_eq!(event.status, status, "{path}");
        assert!(event.usage.is_empty() && event.first_event_us.is_none());
    }
    asked["messages"] = json!([said("Hi"), { "role": "assistant", "content": "Hi" }, said("So?")]);
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/api/chat",
        "/api/chat/stream",
    ] {
        gateway.post(path, &asked).await;
        let [event] = &ledger.wait_for(1).await[..] else {
            panic!("more than one");
        };
        assert_eq!(event.status, 200, "{path}");
        assert!(matches!(event.outcome, Outcome::Failed(_)), "{event:?}");
        assert!(event.is_estimated, "{path}: {event:?}");
    }
    let (status, _) = gateway
        .post("/v1/messages", &json!({ "model": "nobody/knows" }))
        .await;
    let [event] = &ledger.wait_for(1).await[..] else {
        panic!("more than one");
    };
    assert_eq!(event.outcome, Outcome::Failed(ErrorKind::ModelNotFound));
    assert_eq!((event.status, status), (404, 404));
}

#[tokio::test]
async fn of_a_name_that_a_client_made_up_the_beginning_is_kept() {
    let (gateway, ledger) = gateway(used).await;
    // Letters of two bytes, so that the end isn't within one.
    let long = "ä".repeat(200_000);
    for stream in [false, true] {
        let asked = json!({
            "model": format!("anthropic/{long}"), "stream": stream, "max_tokens": 9,
            "messages": [{ "role": "user", "content": "Hi" }],
        });
        gateway.post("/v1/chat/completions", &asked).await;
        let [event] = &ledger.wait_for(1).await[..] else {
            panic!("more than one");
        };
        assert_eq!(event.provider.as_deref(), Some("anthropic"));
        assert_eq!(event.model.as_deref(), Some(&long[..512]));
        assert_eq!(event.asked.chars().count(), 256);
    }
}

/// A model whose streams end when they are let.
#[derive(Debug)]
struct Gated {
    info: Arc<ModelInfo>,
    ends: Arc<Notify>,
}

#[async_trait]
impl ChatModel for Gated {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse> {
        Ok(response())
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        let events = stream::iter(response().into_events());
        let ends = Arc::clone(&self.ends);
        let gated = events.then(move |event| {
            let ends = Arc::clone(&ends);
            async move {
                if matches!(event, Event::Finished { .. }) {
                    ends.notified().await;
                }
                Ok(event)
            }
        });
        Ok(ChatStream::new(Arc::clone(&self.info), gated))
    }
}

#[tokio::test]
async fn a_shared_stream_whose_first_reader_left_is_counted_for_the_other() {
    let ends = Arc::new(Notify::new());
    let gated = Gated {
        info: Arc::new(ModelInfo::new("gated", "behind")),
        ends: Arc::clone(&ends),
    };
    let behind = DialectServer::start(OpenAiChat::default(), Arc::new(gated));
    let behind = behind.await.unwrap();
    let of = |url: &str, more: &str| {
        common::registry(&format!(
            "[providers.openai-chat]\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n{more}"
        ))
    };
    let ledger = Arc::new(Ledger::default());
    let mut config = ServerConfig::default();
    config.usage.push(ledger.clone());
    let service = Service::new(of(&behind.url(), "[layers.coalesce]\n"), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { service.run_on(listener, std::future::pending()).await });
    let client = of(&url, "")
        .model("openai-chat/openai-chat/behind")
        .unwrap();
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = client.stream(&ChatRequest::from("Hi")).await.unwrap();
        while stream.next().await.unwrap().unwrap().text().is_none() {}
        streams.push(stream);
    }
    drop(streams.remove(0));
    let [first] = &ledger.wait_for(1).await[..] else {
        panic!("more than one");
    };
    assert_eq!((first.outcome, first.is_reused), (Outcome::Left, false));
    ends.notify_one();
    let other = streams.remove(0);
    assert_eq!(other.response().await.unwrap().text(), "Fine, thank you.");
    let [other] = &ledger.wait_for(1).await[..] else {
        panic!("more than one");
    };
    assert_eq!(
        (other.outcome, other.is_reused),
        (Outcome::Completed, false)
    );
    assert_eq!(other.usage.output_tokens, Some(70));
}

#[tokio::test]
async fn a_turn_is_counted_once_however_it_ends() {
    let noted = Arc::new(talk::Noted::default());
    let mut config = ServerConfig::default();
    config.usage = vec![noted.clone()];
    let talk = Talk::start(config).await;
    let client = &talk.client;
    let id = client.begin().await;
    let turn = client.turn(&id, &json!({ "text": "Tell me" })).await;
    talk.call().await.end("Told.");
    client.read(&id, &turn).await;
    let turn = client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = talk.call().await;
    call.say("Half");
    client.follow(&id, &turn, "").await.until("Half").await;
    let path = format!("/api/conversations/{id}/turns/{turn}/stop");
    client.post(&path, &Value::Null).await;
    let nowhere = "/api/conversations/none/turns";
    let (status, _) = client.post(nowhere, &json!({ "text": "Tell me" })).await;
    assert_eq!(status, 404);

    let noted = noted.0.lock().unwrap();
    let outcomes: Vec<_> = noted.iter().map(|it| (it.outcome, it.status)).collect();
    let wrong = Outcome::Failed(ErrorKind::Validation);
    assert_eq!(
        outcomes,
        [
            (Outcome::Completed, 200),
            (Outcome::Left, 200),
            (wrong, 404)
        ]
    );
    assert_eq!(noted[0].usage.output_tokens, Some(3));
    assert_eq!(noted[0].asked, MODEL);
    assert!(noted[0].cost.is_some());
    assert!(noted[1].is_estimated);
}

#[tokio::test]
async fn a_turn_is_counted_for_who_answers_and_once_where_that_is_kept() {
    let noted = Arc::new(talk::Noted::default());
    let mut config = ServerConfig::default();
    config.usage = vec![noted.clone()];
    // Nobody is there whom the route asks first.
    let settings = "[providers.away]\ntype = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9\"\n\
        api_key_env = \"KEY\"\n\
        models = [{ id = \"first\", price = { input = 900.0, output = 900.0, as_of = \"2025-01-01\" } }]\n\
        [routes.either]\nmodels = [\"away/first\", \"openai-chat/behind\"]\n\
        [layers.cache]\n";
    let talk = Talk::start_with(config, settings).await;
    let client = &talk.client;
    let question = json!({ "text": "Tell me", "model": "either" });
    let id = client.begin().await;
    let turn = client.turn(&id, &question).await;
    talk.call().await.end("Told.");
    let (_, end) = client.read(&id, &turn).await;
    assert_eq!(end["model"], MODEL);
    assert_eq!(end["cost"]["as_of"], "2026-01-01");
    // The same in another conversation is answered as before.
    let other = client.begin().await;
    let turn = client.turn(&other, &question).await;
    let (text, end) = client.read(&other, &turn).await;
    assert_eq!((&*text, &end["model"]), ("Told.", &json!(MODEL)));
    assert_eq!(end["usage"], json!({}));

    let noted = noted.0.lock().unwrap();
    let [first, again] = &noted[..] else {
        panic!("{noted:?}");
    };
    for event in [first, again] {
        assert_eq!(event.provider.as_deref(), Some("openai-chat"));
        assert_eq!(event.model.as_deref(), Some("behind"));
    }
    assert_eq!(first.usage.output_tokens, Some(3));
    assert_eq!(first.cost.as_ref().unwrap().as_of, "2026-01-01");
    assert!(again.is_reused && !first.is_reused);
    assert!(again.usage.is_empty());
}

#[tokio::test]
async fn each_step_of_a_turn_costs_what_its_own_model_does() {
    let noted = Arc::new(talk::Noted::default());
    let mut config = ServerConfig::default();
    config.usage = vec![noted.clone()];
    let tool = tool_fn("look", "Looks.", |_: Value, _| async { "seen" });
    config.tools = vec![ServiceTool::new(tool).with_approval(false)];
    let steps = Mutex::new(0);
    let dear = ApiServer::answering(move |_| {
        let mut steps = steps.lock().unwrap();
        *steps += 1;
        if *steps > 2 {
            return ApiAnswer::new(503, "{}");
        }
        let call = json!({ "index": 0, "id": format!("call_{steps}"), "type": "function",
            "function": { "name": "look", "arguments": "{}" } });
        let answer = json!({ "id": "1", "model": "first", "choices": [{ "index": 0,
            "delta": { "role": "assistant", "tool_calls": [call] }, "finish_reason": "tool_calls" }],
            "usage": { "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 } });
        ApiAnswer::new(200, format!("data: {answer}\n\ndata: [DONE]\n\n"))
    });
    let dear = dear.await.unwrap();
    // A prompt of two steps together would be beyond what the first model's price holds for.
    let settings = format!(
        "[providers.dear]\ntype = \"openai-chat\"\nbase_url = \"{}\"\n\
         api_key_env = \"KEY\"\nmodels = [{{ id = \"first\", price = {{ input = 300.0, \
         output = 1500.0, max_input = 10, as_of = \"2026-01-01\" }} }}]\n\
         [routes.either]\nmodels = [\"dear/first\", \"openai-chat/behind\"]\n",
        dear.url()
    );
    let talk = Talk::start_with(config, &settings).await;
    let client = &talk.client;
    let id = client.begin().await;
    let question = json!({ "text": "Tell me", "model": "either" });
    let turn = client.turn(&id, &question).await;
    talk.call().await.end("Told.");
    let (_, end) = client.read(&id, &turn).await;

    let noted = noted.0.lock().unwrap();
    assert_eq!(noted[0].model.as_deref(), Some("behind"));
    assert_eq!(noted[0].usage.input_tokens, Some(21));
    let cost = noted[0].cost.as_ref().expect("a cost").amount;
    let step = (7.0 * 3.0 + 3.0 * 15.0) / 1e6;
    assert!((cost - 201.0 * step).abs() < 1e-9, "{cost}");
    assert!((end["cost"]["amount"].as_f64().unwrap() - cost).abs() < 1e-9);
}
