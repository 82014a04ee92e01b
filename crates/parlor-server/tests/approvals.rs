//! The service's own tools in conversations: asked about, run, told of.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod talk;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor::agent::{Tool, ToolContext, ToolOutput, schemars, tool_fn};
use parlor::{Result, ToolDefinition};
use parlor_server::{Outcome, ServerConfig, ServiceTool};
use serde_json::{Value, json};
use talk::client::Opened;
use talk::{FedCall, Talk};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "parlor::agent::schemars")]
struct Place {
    place: String,
}

/// A tool that is asked about, and how often it ran.
fn send() -> (ServiceTool, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let tool = tool_fn("send", "Sends a card.", move |to: Place, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { format!("sent to {}", to.place) }
    });
    let tool = ServiceTool::new(tool)
        .with_approval(true)
        .with_title("post.send")
        .with_source("program post");
    (tool, count)
}

fn with(tools: Vec<ServiceTool>) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.tools = tools;
    config
}

/// A turn whose model has called `send` for each of these ids, which is asked about.
struct Asked {
    talk: Talk,
    id: String,
    turn: String,
    events: Opened,
    count: Arc<AtomicUsize>,
}

impl Asked {
    async fn about(calls: &[&str]) -> Self {
        Self::within(ServerConfig::default(), calls).await
    }

    async fn within(mut config: ServerConfig, calls: &[&str]) -> Self {
        let (tool, count) = send();
        config.tools.push(tool);
        let talk = Talk::start(config).await;
        let id = talk.client.begin().await;
        let turn = talk.client.turn(&id, &json!({ "text": "Write" })).await;
        let first = talk.call().await;
        assert_eq!(first.request.tools.len(), 1);
        let arguments = r#"{"place": "Oslo"}"#;
        let calls: Vec<_> = calls.iter().map(|id| (*id, "send", arguments)).collect();
        first.calls(&calls);
        let mut events = talk.client.follow(&id, &turn, "").await;
        for (call, ..) in &calls {
            assert_eq!(events.named("approval").await.data["id"], *call);
        }
        Self {
            talk,
            id,
            turn,
            events,
            count,
        }
    }

    async fn answer(&self, call: &str, answer: &Value) -> (u16, Value) {
        let client = &self.talk.client;
        client.approve(&self.id, &self.turn, call, answer).await
    }

    async fn shown(&self) -> Value {
        let path = format!("/api/conversations/{}/turns/{}", self.id, self.turn);
        self.talk.client.get(&path).await
    }

    fn ran(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The next request of the model.
    async fn next(&self) -> FedCall {
        self.talk.call().await
    }
}

#[tokio::test]
async fn an_answer_comes_through_where_every_place_is_taken() {
    let mut config = ServerConfig::default();
    // That of the turn, and its reader's.
    config.max_in_flight = 2;
    let asked = Asked::within(config, &["a"]).await;
    let (status, _) = asked
        .talk
        .client
        .post("/api/conversations", &json!({}))
        .await;
    assert_eq!(status, 503);
    let (status, long) = asked
        .answer("a", &json!({ "allow": true, "why": "-".repeat(4096) }))
        .await;
    assert_eq!(status, 413, "{long}");
    let (status, decision) = asked.answer("a", &json!({ "allow": true })).await;
    assert_eq!(status, 200, "{decision}");
}

#[tokio::test]
async fn a_call_waits_until_it_is_allowed() {
    let mut asked = Asked::about(&["a"]).await;
    let shown = asked.shown().await;
    assert_eq!(shown["state"], "going");
    let waiting = &shown["waiting"][0];
    for (field, value) in [
        ("id", "a"),
        ("name", "send"),
        ("title", "post.send"),
        ("source", "program post"),
        ("arguments", r#"{"place": "Oslo"}"#),
    ] {
        assert_eq!(waiting[field], value);
    }
    assert!(waiting["untilMs"].as_u64() > shown["createdMs"].as_u64());
    let whole = format!("/api/conversations/{}", asked.id);
    let whole = asked.talk.client.get(&whole).await;
    assert_eq!(whole["branch"][0]["waiting"], shown["waiting"]);
    assert_eq!(asked.ran(), 0);
    for wrong in [json!({}), json!({ "allow": false, "always": true })] {
        assert_eq!(asked.answer("a", &wrong).await.0, 400);
    }
    assert_eq!(asked.answer("b", &json!({ "allow": true })).await.0, 404);
    let yes = json!({ "allow": true });
    let (status, decided) = asked.answer("a", &yes).await;
    let expected = json!({ "id": "a", "allow": true, "always": false, "by": "person" });
    assert_eq!((status, &decided), (200, &expected));
    let next = asked.next().await;
    assert_eq!(next.results(), ["a: sent to Oslo"]);
    // The same again changes nothing, another answer comes too late.
    assert_eq!(asked.answer("a", &yes).await, (200, expected));
    let (status, late) = asked.answer("a", &json!({ "allow": false })).await;
    assert_eq!(status, 409, "{late}");
    next.end("Done.");
    let names = asked.events.names().await;
    assert_eq!(
        names,
        [
            "decided a",
            "tool_started a",
            "tool_result a",
            "text",
            "end"
        ]
    );
    assert_eq!(asked.ran(), 1);
    let shown = asked.shown().await;
    assert_eq!(shown["waiting"], Value::Null);
    let result = &shown["messages"][2]["parts"][0];
    assert_eq!(
        (&result["type"], &result["call_id"]),
        (&json!("tool_result"), &json!("a"))
    );
    assert_eq!(asked.answer("a", &yes).await.0, 200);
}

#[tokio::test]
async fn a_call_that_is_denied_isnt_run() {
    let mut asked = Asked::about(&["a"]).await;
    let (status, decided) = asked.answer("a", &json!({ "allow": false })).await;
    assert_eq!((status, &decided["allow"]), (200, &json!(false)));
    let next = asked.next().await;
    assert_eq!(
        next.results(),
        ["a: Not run: the call was denied: the person said no."]
    );
    next.end("A pity.");
    let names = asked.events.names().await;
    assert_eq!(names, ["decided a", "tool_result a", "text", "end"]);
    assert_eq!(asked.ran(), 0);
}

#[tokio::test]
async fn nobody_answering_is_a_no() {
    let mut config = ServerConfig::default();
    config.approval_timeout = Duration::from_millis(30);
    let mut asked = Asked::within(config, &["a", "b"]).await;
    let next = asked.next().await;
    let denied = "Not run: the call was denied: nobody answered within 30ms.";
    assert_eq!(
        next.results(),
        [format!("a: {denied}"), format!("b: {denied}")]
    );
    assert_eq!(asked.events.named("decided").await.data["by"], "time");
    let (status, late) = asked.answer("a", &json!({ "allow": true })).await;
    assert_eq!(status, 409);
    let message = late["error"]["message"].as_str().unwrap();
    assert!(message.contains("nobody answered in time"), "{message}");
    next.end("Nobody there.");
    assert_eq!(asked.events.names().await.last().unwrap(), "end");
    assert_eq!(asked.ran(), 0);
}

#[tokio::test]
async fn a_turn_is_stopped_while_a_call_waits() {
    let mut asked = Asked::about(&["a"]).await;
    let path = format!("/api/conversations/{}/turns/{}/stop", asked.id, asked.turn);
    let (status, stopped) = asked.talk.client.post(&path, &Value::Null).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("interrupted")));
    assert_eq!(asked.events.names().await, ["end"]);
    let (status, late) = asked.answer("a", &json!({ "allow": true })).await;
    assert_eq!(status, 409, "{late}");
    assert_eq!(asked.shown().await["waiting"], Value::Null);
    assert_eq!(asked.ran(), 0);
    // The conversation goes on, and the model is told that the call wasn't run.
    let go_on = json!({ "text": "Go on" });
    let next = asked.talk.client.turn(&asked.id, &go_on).await;
    let call = asked.next().await;
    assert_eq!(call.asked(), "Go on");
    call.end("Well.");
    let read = asked.talk.client.read(&asked.id, &next).await;
    assert_eq!(read.0, "Well.");
}

#[tokio::test]
async fn two_calls_wait_at_once_and_are_answered_in_any_order() {
    let mut asked = Asked::about(&["a", "b"]).await;
    assert_eq!(asked.shown().await["waiting"].as_array().unwrap().len(), 2);
    asked.answer("b", &json!({ "allow": true })).await;
    assert_eq!(asked.shown().await["waiting"].as_array().unwrap().len(), 1);
    asked.answer("a", &json!({ "allow": false })).await;
    let next = asked.next().await;
    let results = next.results();
    assert!(results[0].starts_with("a: Not run"), "{results:?}");
    assert_eq!(results[1], "b: sent to Oslo");
    next.end("Half of it.");
    let names = asked.events.names().await;
    assert_eq!(names[..2], ["decided b", "decided a"]);
    assert_eq!(asked.ran(), 1);
}

#[tokio::test]
async fn of_two_who_answer_at_once_one_counts() {
    let asked = Asked::about(&["a"]).await;
    let (yes, no) = (json!({ "allow": true }), json!({ "allow": false }));
    let (one, other) = tokio::join!(asked.answer("a", &yes), asked.answer("a", &no));
    let (counts, late) = match one.0 {
        200 => (one, other),
        _ => (other, one),
    };
    assert_eq!((counts.0, late.0), (200, 409));
    let next = asked.next().await;
    let is_run = next.results()[0] == "a: sent to Oslo";
    assert_eq!(counts.1["allow"], is_run);
    assert_eq!(asked.ran(), usize::from(is_run));
    next.end("So.");
}

#[tokio::test]
async fn what_waits_is_shown_again_after_a_reload() {
    let asked = Asked::about(&["a"]).await;
    let client = &asked.talk.client;
    let mut again = client.follow(&asked.id, &asked.turn, "").await;
    let at = again.named("approval").await.id;
    let mut after = client.follow(&asked.id, &asked.turn, &at).await;
    asked.answer("a", &json!({ "allow": true })).await;
    asked.next().await.end("Done.");
    let rest = [
        "decided a",
        "tool_started a",
        "tool_result a",
        "text",
        "end",
    ];
    assert_eq!(again.names().await, rest);
    assert_eq!(after.names().await, rest);
}

#[tokio::test]
async fn allowed_for_good_it_is_asked_no_more_in_this_conversation() {
    let asked = Asked::about(&["a", "b"]).await;
    let (status, decided) = asked
        .answer("b", &json!({ "allow": true, "always": true }))
        .await;
    assert_eq!((status, &decided["always"]), (200, &json!(true)));
    // The other call of the tool needs no word of its own.
    let next = asked.next().await;
    assert_eq!(next.results(), ["a: sent to Oslo", "b: sent to Oslo"]);
    let arguments = r#"{"place": "Rome"}"#;
    next.calls(&[("c", "send", arguments)]);
    let next = asked.next().await;
    assert_eq!(next.results(), ["c: sent to Rome"]);
    next.end("Done.");
    let client = &asked.talk.client;
    client.read(&asked.id, &asked.turn).await;
    let turn = client.turn(&asked.id, &json!({ "text": "Again" })).await;
    // An id that was there before is another one here.
    asked.next().await.calls(&[("a", "send", arguments)]);
    let next = asked.next().await;
    let results = next.results();
    assert!(results[0].ends_with(": sent to Rome"), "{results:?}");
    next.end("Done.");
    let mut events = client.follow(&asked.id, &turn, "").await;
    let called = events.named("tool_call").await.data["id"].clone();
    assert_ne!(called, "a");
    assert_eq!(events.named("tool_result").await.data["id"], called);
    // Another conversation asks.
    let other = client.begin().await;
    let turn = client.turn(&other, &json!({ "text": "Write" })).await;
    asked.next().await.calls(&[("a", "send", arguments)]);
    let mut events = client.follow(&other, &turn, "").await;
    events.named("approval").await;
    client
        .approve(&other, &turn, "a", &json!({ "allow": false }))
        .await;
    asked.next().await.end("No.");
    assert_eq!(asked.ran(), 4);
}

/// A tool that panics as it looks at its arguments.
struct Picky;

#[async_trait::async_trait]
impl Tool for Picky {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition::function("picky", "Picks.", json!({ "type": "object" }))
    }

    fn check(&self, _: &Value) -> Result<()> {
        panic!("a secret")
    }

    async fn call(&self, _: Value, _: &ToolContext) -> Result<ToolOutput> {
        Ok("never".into())
    }
}

#[tokio::test]
async fn what_tools_do_wrong_is_told_to_the_model() {
    let panics = tool_fn("panics", "Panics.", |_: Value, _| async {
        assert_eq!(1, 2, "a secret");
        "never"
    });
    let hangs = tool_fn("hangs", "Hangs.", |_: Value, _| async {
        std::future::pending::<()>().await;
        "never"
    });
    let floods = tool_fn("floods", "Floods.", |_: Value, _| async {
        let text = "\u{1b}[31mred\u{1b}[0m\u{202e}\u{7}".to_owned() + &"x".repeat(5000);
        ToolOutput::from(text)
    });
    let mut config = with(vec![
        ServiceTool::new(panics),
        ServiceTool::new(hangs),
        ServiceTool::new(floods),
        ServiceTool::new(Picky).with_approval(true),
    ]);
    config.tool_limits.tool_time = Duration::from_millis(30);
    config.tool_limits.result_bytes = 200;
    let talk = Talk::start(config).await;
    let id = talk.client.begin().await;
    let turn = talk.client.turn(&id, &json!({ "text": "Do" })).await;
    let calls = [
        ("a", "panics", "{}"),
        ("b", "hangs", "{}"),
        ("c", "floods", "{}"),
        ("d", "nobody", "{}"),
        ("e", "picky", "{}"),
    ];
    talk.call().await.calls(&calls);
    let next = talk.call().await;
    let results = next.results();
    assert_eq!(results[0], "a: The tool failed unexpectedly.");
    assert_eq!(
        results[1],
        "b: The tool was stopped: it took longer than 30ms."
    );
    assert!(results[2].starts_with("c: redxxxxxxx"), "{}", results[2]);
    assert!(
        results[2].ends_with("more were left out]"),
        "{}",
        results[2]
    );
    assert!(results[3].starts_with("d: There is no tool"), "{results:?}");
    assert_eq!(results[4], "e: The tool failed unexpectedly.");
    next.end("So it is.");
    let (text, end) = talk.client.read(&id, &turn).await;
    assert_eq!((&*text, &end["state"]), ("So it is.", &json!("complete")));
}

#[tokio::test]
async fn a_question_that_is_kept_nowhere_runs_no_tools() {
    let (tool, _) = send();
    let talk = Talk::start(with(vec![tool])).await;
    let body = json!({
        "model": talk::MODEL,
        "messages": [{ "role": "user", "content": "Write" }],
    });
    let body = body.to_string();
    let opening = talk.client.open("POST", "/api/chat/stream", &body, &[]);
    let answering = async {
        let call = talk.call().await;
        assert!(call.request.tools.is_empty());
        call.end("No.");
    };
    let (mut opened, ()) = tokio::join!(opening, answering);
    assert!(opened.rest().await.contains("No."));
    let listed = talk.client.get("/api/tools").await;
    assert_eq!(
        listed["tools"],
        json!([{
            "name": "send", "title": "post.send", "source": "program post",
            "description": "Sends a card.", "asks": true,
        }])
    );
}

#[tokio::test]
async fn the_steps_of_a_turn_are_counted_together() {
    let noted = Arc::new(talk::Noted::default());
    let mut config = ServerConfig::default();
    config.usage = vec![noted.clone()];
    let mut asked = Asked::within(config, &["a"]).await;
    asked.answer("a", &json!({ "allow": true })).await;
    asked.next().await.end("Done.");
    let end = asked.events.named("end").await.data;
    assert_eq!(end["usage"]["output_tokens"], 6);
    let noted = noted.0.lock().unwrap();
    let counted = (noted[0].usage.input_tokens, noted[0].usage.output_tokens);
    assert_eq!(counted, (Some(14), Some(6)));
    assert_eq!((noted.len(), noted[0].outcome), (1, Outcome::Completed));
}
