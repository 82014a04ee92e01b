//! Conversations and turns that the service owns, over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod talk;

use parlor::agent::{ConversationStore, TurnState};
use parlor::{Error, ErrorKind};
use parlor_server::{ServerConfig, StoreAt};
use parlor_store::Store;
use serde_json::{Value, json};
use talk::{LONG, MODEL, Talk};

fn at(file: &std::path::Path) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.store = StoreAt::File(file.to_owned());
    config
}

fn texts(turn: &Value) -> Vec<String> {
    let messages = turn["messages"].as_array().unwrap();
    let text = |message: &Value| {
        let parts = message["parts"].as_array().unwrap();
        let texts = parts.iter().filter_map(|part| part["text"].as_str());
        texts.collect::<String>()
    };
    messages.iter().map(text).collect()
}

#[tokio::test]
async fn a_conversation_is_begun_asked_found_and_deleted() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let id = client.begin().await;
    let turn = client
        .turn(&id, &json!({ "text": "Why is the sky blue?" }))
        .await;
    let call = talk.call().await;
    assert_eq!(call.asked(), "Why is the sky blue?");
    assert_eq!(
        client.get("/api/conversations").await["conversations"][0]["going"],
        *turn
    );
    call.end("It scatters light.");
    let (text, end) = client.read(&id, &turn).await;
    assert_eq!(text, "It scatters light.");
    assert_eq!(
        (&end["state"], &end["finishReason"]["kind"]),
        (&json!("complete"), &json!("stop"))
    );
    assert_eq!(end["usage"]["output_tokens"], 3);
    assert_eq!(end["cost"]["as_of"], "2026-01-01");

    let next = json!({ "text": "And red?", "temperature": 0.5, "max_tokens": 9 });
    let next = client.turn(&id, &next).await;
    let call = talk.call().await;
    assert_eq!(
        call.sent(),
        [
            "user: Why is the sky blue?",
            "assistant: It scatters light.",
            "user: And red?"
        ]
    );
    assert_eq!(call.request.temperature, Some(0.5));
    assert_eq!(call.request.max_output_tokens, Some(9));
    call.end("In the evening.");
    client.read(&id, &next).await;

    let path = format!("/api/conversations/{id}");
    let whole = client.get(&path).await;
    assert_eq!(whole["title"], "Why is the sky blue?");
    assert_eq!(whole["model"], MODEL);
    assert_eq!(texts(&whole["branch"][1]), ["And red?", "In the evening."]);
    assert_eq!(whole["branch"][1]["parent"], *turn);
    let found = client.get("/api/conversations?q=eve").await;
    assert_eq!(
        found["conversations"][0]["found"],
        json!(["And red?\n\nIn the ", "evening", "."])
    );
    let change = json!({ "title": "Colours", "system": "Be brief." });
    let (status, changed) = client.ask("PATCH", &path, &change).await;
    assert_eq!((status, &changed["title"]), (200, &json!("Colours")));
    let mut export = client.open("GET", &format!("{path}/export"), "", &[]).await;
    let export = export.rest().await;
    assert!(
        export.starts_with("> Be brief.\n\n**You:**\n\nWhy is the sky blue?"),
        "{export}"
    );
    let json = client.get(&format!("{path}/export?format=json")).await;
    assert_eq!(json["turns"].as_array().unwrap().len(), 2);

    let (status, fork) = client
        .post(&format!("{path}/fork"), &json!({ "until": turn }))
        .await;
    assert_eq!((status, &fork["forkedFrom"]), (201, &json!(id)));
    assert_eq!(fork["branch"].as_array().unwrap().len(), 1);
    let (status, _) = client.ask("DELETE", &path, &Value::Null).await;
    assert_eq!(status, 204);
    let (status, _) = client.ask("GET", &path, &Value::Null).await;
    assert_eq!(status, 404);
    let (status, _) = client
        .ask("DELETE", "/api/conversations", &Value::Null)
        .await;
    assert_eq!(status, 400);
    let (status, _) = client
        .ask("DELETE", "/api/conversations?all=true", &Value::Null)
        .await;
    assert_eq!(status, 204);
    assert_eq!(
        client.get("/api/conversations").await["conversations"],
        json!([])
    );
}

#[tokio::test]
async fn readers_come_late_go_away_and_come_back() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let id = client.begin().await;
    let turn = client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = talk.call().await;
    let mut first = client.follow(&id, &turn, "").await;
    call.say("One ");
    first.until("One ").await;
    call.say("two ");
    let last = first.until("two ").await;
    drop(first);
    for word in ["three ", "four ", "five "] {
        call.say(word);
    }
    // One who comes late gets it in one piece.
    let mut late = client.follow(&id, &turn, "").await;
    late.until("One two three four five ").await;
    let mut back = client.follow(&id, &turn, &last).await;
    back.until("three four five ").await;
    call.end("six");
    assert_eq!(late.read_on(String::new()).await.0, "six");
    assert_eq!(back.read_on(String::new()).await.0, "six");
    // After its end too, and by the query.
    let path = format!("/api/conversations/{id}/turns/{turn}/events?last_event_id={last}");
    let mut events = client.open("GET", &path, "", &[]).await;
    let (text, end) = events.read_on(String::new()).await;
    assert_eq!(
        (&*text, &end["state"]),
        ("three four five six", &json!("complete"))
    );
}

#[tokio::test]
async fn a_reader_who_doesnt_read_holds_nothing_up() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let id = client.begin().await;
    let turn = client.turn(&id, &json!({ "text": "Tell me much" })).await;
    let mut idle = client.follow(&id, &turn, "").await;
    let call = talk.call().await;
    let word = "word ".repeat(200);
    // More than any socket takes in.
    for _ in 0..8000 {
        call.say(&word);
    }
    call.end("end");
    let (text, _) = client.read(&id, &turn).await;
    assert_eq!(text.len(), 8000 * word.len() + 3);
    assert_eq!(idle.read_on(String::new()).await.0, text);
}

#[tokio::test]
async fn a_turn_is_stopped_from_elsewhere_and_keeps_what_came() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let id = client.begin().await;
    let turn = client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = talk.call().await;
    call.say("Half an ");
    let mut reader = client.follow(&id, &turn, "").await;
    reader.until("Half an ").await;
    let (status, other) = client
        .post(
            &format!("/api/conversations/{id}/turns"),
            &json!({ "text": "Meanwhile" }),
        )
        .await;
    assert_eq!(status, 409, "{other}");
    let path = format!("/api/conversations/{id}/turns/{turn}/stop");
    let (status, stopped) = client.post(&path, &Value::Null).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("interrupted")));
    assert_eq!(texts(&stopped), ["Tell me", "Half an "]);
    call.left().await;
    let (rest, end) = reader.read_on(String::new()).await;
    assert_eq!((&*rest, &end["state"]), ("", &json!("interrupted")));
    // Once more changes nothing, and the conversation is free.
    let (status, again) = client.post(&path, &Value::Null).await;
    assert_eq!((status, &again), (200, &stopped));
    let next = client.turn(&id, &json!({ "text": "Go on" })).await;
    let call = talk.call().await;
    assert_eq!(call.sent()[1], "assistant: Half an ");
    call.end("answer");
    client.read(&id, &next).await;
}

#[tokio::test]
async fn a_failure_keeps_what_came_and_why() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let id = client.begin().await;
    let turn = client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = talk.call().await;
    call.say("Half");
    call.fail(Error::new(ErrorKind::Overloaded, "too much to do"));
    let (text, end) = client.read(&id, &turn).await;
    assert_eq!((&*text, &end["state"]), ("Half", &json!("failed")), "{end}");
    assert!(
        end["error"]["message"]
            .as_str()
            .unwrap()
            .contains("too much"),
        "{end}"
    );
    let shown = client
        .get(&format!("/api/conversations/{id}/turns/{turn}"))
        .await;
    assert_eq!(shown["state"], "failed");
    assert_eq!(texts(&shown), ["Tell me", "Half"]);
    assert_eq!(shown["error"], end["error"]);

    // The same again, beside it.
    let again = client.turn(&id, &json!({ "replaces": turn })).await;
    let call = talk.call().await;
    assert_eq!(call.sent(), ["user: Tell me"]);
    call.end("Whole");
    client.read(&id, &again).await;
    let whole = client.get(&format!("/api/conversations/{id}")).await;
    assert_eq!(whole["branch"][0]["siblings"], json!([turn, again]));
    assert_eq!(texts(&whole["branch"][0]), ["Tell me", "Whole"]);
    // Other words, beside both.
    let edited = json!({ "replaces": again, "text": "Tell him" });
    let edited = client.turn(&id, &edited).await;
    let call = talk.call().await;
    assert_eq!(call.sent(), ["user: Tell him"]);
    call.end("Told");
    client.read(&id, &edited).await;
    let path = format!("/api/conversations/{id}");
    let (_, back) = client.ask("PATCH", &path, &json!({ "head": again })).await;
    assert_eq!(texts(&back["branch"][0]), ["Tell me", "Whole"]);
    assert_eq!(back["branch"][0]["siblings"].as_array().unwrap().len(), 3);
    let (status, _) = client.ask("PATCH", &path, &json!({ "head": "17" })).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_service_that_ends_keeps_what_it_was_saying() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.db");
    let mut config = at(&file);
    config.drain = std::time::Duration::ZERO;
    let mut talk = Talk::start(config).await;
    let id = talk.client.begin().await;
    let turn = talk.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = talk.call().await;
    call.say("Half an ");
    let last = {
        let mut reader = talk.client.follow(&id, &turn, "").await;
        reader.until("Half an ").await
    };
    talk.end();
    call.left().await;
    talk.ended().await;

    let talk = Talk::start(at(&file)).await;
    let client = &talk.client;
    let mut events = client.follow(&id, &turn, &last).await;
    let (rest, end) = events.read_on(String::new()).await;
    assert_eq!((&*rest, &end["state"]), ("", &json!("interrupted")));
    let (text, again) = client.read(&id, &turn).await;
    assert_eq!((&*text, &again), ("Half an ", &end));
    let next = client.turn(&id, &json!({ "text": "Go on" })).await;
    let call = talk.call().await;
    assert_eq!(call.sent()[1], "assistant: Half an ");
    call.end("answer");
    client.read(&id, &next).await;
}

#[tokio::test]
async fn answers_on_their_way_have_the_time_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.db");
    let mut talk = Talk::start(at(&file)).await;
    let id = talk.client.begin().await;
    talk.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = talk.call().await;
    talk.end();
    // Nobody reads, and nothing new is let in.
    call.say("The whole ");
    call.end("answer");
    talk.ended().await;
    let store = Store::sqlite(&file).await.unwrap();
    let kept = store.load(&id).await.unwrap();
    assert_eq!(kept.history.turns()[0].text(), "The whole answer");
    assert_eq!(kept.history.turns()[0].state, TurnState::Complete);
}

#[test]
fn a_service_that_is_killed_has_kept_what_came() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.db");
    let killed = tokio::runtime::Runtime::new().unwrap();
    let (id, turn, talk) = killed.block_on(async {
        let talk = Talk::start(at(&file)).await;
        let id = talk.client.begin().await;
        let turn = talk.client.turn(&id, &json!({ "text": "Tell me" })).await;
        let call = talk.call().await;
        call.say("Half an ");
        let store = Store::sqlite(&file).await.unwrap();
        let kept = async {
            while store.load(&id).await.unwrap().history.turns()[0].text() != "Half an " {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, kept).await.unwrap();
        (id, turn, (talk, call))
    });
    killed.shutdown_background();
    drop(talk);
    let after = tokio::runtime::Runtime::new().unwrap();
    after.block_on(async {
        let talk = Talk::start(at(&file)).await;
        let (text, end) = talk.client.read(&id, &turn).await;
        assert_eq!((&*text, &end["state"]), ("Half an ", &json!("failed")));
        let why = "the service ended before this was answered";
        assert_eq!(end["error"]["message"], why);
        // Whoever had read more than was kept is told the end, and nothing again.
        for last in ["1.400", "2.0", "2.7", "3.0", "3.12", "7.0.2"] {
            let mut back = talk.client.follow(&id, &turn, last).await;
            let (text, end) = back.read_on(String::new()).await;
            assert_eq!(
                (&*text, &end["state"]),
                ("", &json!("failed")),
                "after {last}"
            );
        }
    });
}

#[tokio::test]
async fn what_was_said_in_the_terminal_is_gone_on_with_here() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.db");
    let store = Store::sqlite(&file).await.unwrap();
    let id = store
        .create("From the terminal", Some("Be brief."))
        .await
        .unwrap();
    let messages = vec![
        parlor::Message::user("One"),
        parlor::Message::assistant("two"),
    ];
    let mut turn = parlor::agent::Turn::new(messages);
    turn.model = Some(MODEL.to_owned());
    store.append(&id, None, &turn.into()).await.unwrap();

    let talk = Talk::start(at(&file)).await;
    let listed = talk.client.get("/api/conversations").await;
    assert_eq!(listed["conversations"][0]["title"], "From the terminal");
    let turn = talk.client.turn(&id, &json!({ "text": "three" })).await;
    let call = talk.call().await;
    assert_eq!(
        call.sent(),
        [
            "system: Be brief.",
            "user: One",
            "assistant: two",
            "user: three"
        ]
    );
    call.end("four");
    talk.client.read(&id, &turn).await;
    let kept = store.load(&id).await.unwrap();
    assert_eq!(kept.history.turns()[1].text(), "four");
}

#[tokio::test]
async fn each_key_has_its_own_conversations() {
    let mut config = ServerConfig::default();
    config.keys = vec!["key-of-ann".into(), "key-of-bob".into()];
    let talk = Talk::start(config).await;
    let (status, refused) = talk
        .client
        .ask("GET", "/api/conversations", &Value::Null)
        .await;
    assert_eq!(status, 401, "{refused}");
    let (ann, bob) = (
        talk.client.with_key("key-of-ann"),
        talk.client.with_key("key-of-bob"),
    );
    let id = ann.begin().await;
    let turn = ann.turn(&id, &json!({ "text": "A secret" })).await;
    let call = talk.call().await;
    call.say("Hush");
    let path = format!("/api/conversations/{id}");
    for (method, path) in [
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("GET", format!("{path}/export")),
        ("POST", format!("{path}/fork")),
        ("POST", format!("{path}/turns")),
        ("GET", format!("{path}/turns/{turn}")),
        ("GET", format!("{path}/turns/{turn}/events")),
        ("POST", format!("{path}/turns/{turn}/stop")),
        ("POST", format!("{path}/turns/{turn}/approvals/a")),
        ("GET", format!("{path}/turns/{turn}/media/0")),
    ] {
        let body = json!({ "text": "Mine", "title": "Mine", "allow": true });
        let (status, answer) = bob.ask(method, &path, &body).await;
        assert_eq!(status, 404, "{method} {path}: {answer}");
    }
    let nothing = bob.get("/api/conversations?q=secret").await;
    assert_eq!(nothing["conversations"], json!([]));
    call.end(".");
    assert_eq!(ann.read(&id, &turn).await.0, "Hush.");
}

#[tokio::test]
async fn pictures_come_with_a_turn_and_stay() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let id = client.begin().await;
    // The beginning of a PNG.
    let png = "iVBORw0KGgoAAAANSUhEUg";
    let turn = json!({
        "text": "What is it?",
        "attachments": [
            { "name": "a.png", "data": format!("data:image/png;base64,{png}") },
            { "name": "notes.txt", "text": "Some notes." },
        ],
    });
    let turn = client.turn(&id, &turn).await;
    let call = talk.call().await;
    let parts = &call.request.messages[0].parts;
    let has_picture = parts.iter().any(|it| matches!(it, parlor::Part::Media(_)));
    assert!(
        has_picture && call.asked().contains("Some notes."),
        "{parts:?}"
    );
    call.end("A picture.");
    client.read(&id, &turn).await;
    let shown = client
        .get(&format!("/api/conversations/{id}/turns/{turn}"))
        .await;
    let parts = shown["messages"][0]["parts"].as_array().unwrap();
    let url = parts
        .iter()
        .find_map(|it| it["source"]["url"].as_str())
        .unwrap();
    let mut media = client.open("GET", url, "", &[]).await;
    assert_eq!(media.status, 200);
    assert!(
        media.head.contains(&"content-type: image/png".to_owned()),
        "{:?}",
        media.head
    );
    assert!(
        media
            .head
            .iter()
            .any(|it| it.starts_with("content-security-policy: sandbox"))
    );
    media.rest().await;

    for wrong in [
        json!({ "text": "  " }),
        json!({ "text": "x", "attachments": [{ "data": "%%%" }] }),
        json!({ "text": "x", "attachments": [{ "name": "nothing" }] }),
        json!({ "text": 5 }),
        json!([]),
    ] {
        let (status, answer) = client
            .post(&format!("/api/conversations/{id}/turns"), &wrong)
            .await;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    let unknown = json!({ "text": "x", "model": "nobody/knows" });
    let (status, answer) = client
        .post(&format!("/api/conversations/{id}/turns"), &unknown)
        .await;
    assert_eq!(status, 404, "{answer}");
    // None of it is kept, and the conversation is free.
    let whole = client.get(&format!("/api/conversations/{id}")).await;
    assert_eq!(whole["branch"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_come_in_pieces() {
    let talk = Talk::start(ServerConfig::default()).await;
    let client = &talk.client;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(client.begin().await);
    }
    let (mut seen, mut path) = (Vec::new(), "/api/conversations?limit=2".to_owned());
    loop {
        let listed = client.get(&path).await;
        for one in listed["conversations"].as_array().unwrap() {
            seen.push(one["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = listed["next"].as_str() else {
            break;
        };
        path = format!("/api/conversations?limit=2&cursor={next}");
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    let (status, _) = client
        .ask("GET", "/api/conversations?cursor=x", &Value::Null)
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_document_has_every_path() {
    let talk = Talk::start(ServerConfig::default()).await;
    let document = talk.client.get("/api/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 9, "{paths:?}");
    for (path, operations) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            let path = path
                .replace("{id}", "none")
                .replace("{turn}", "1")
                .replace("{call}", "a")
                .replace("{at}", "0");
            let opened = talk
                .client
                .open(&method.to_uppercase(), &path, "[]", &[])
                .await;
            let is_there = operations.get(method).is_some();
            assert_eq!(
                opened.status == 405,
                !is_there,
                "{method} {path}: {}",
                opened.status
            );
        }
    }
}
