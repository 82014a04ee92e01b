//! Turns of conversations: followed, resumed and stopped at the other node, and one whose node is
//! killed.

use std::time::Instant;

use serde_json::{Value, json};

use crate::node::{Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn turns_are_followed_and_stopped_at_the_other_node() {
    let Some(site) = Site::start("").await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| &it.client);
    let id = one.begin().await;
    let turn = one.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = site.call().await;
    let mut first = one.follow(&id, &turn, "").await;
    call.say("One ");
    let last = first.until("One ").await;
    drop(first);
    // Who comes back elsewhere gets the rest, and whoever comes new all of it.
    let mut rest = other.follow(&id, &turn, &last).await;
    let mut whole = other.follow(&id, &turn, "").await;
    whole.until("One ").await;
    call.say("two ");
    rest.until("two ").await;
    let shown = other
        .get(&format!("/api/conversations/{id}/turns/{turn}"))
        .await;
    assert_eq!(
        (&shown["state"], &shown["error"]),
        (&json!("going"), &Value::Null)
    );
    let meanwhile = json!({ "text": "Meanwhile" });
    let path = format!("/api/conversations/{id}/turns");
    let (status, refused) = other.post(&path, &meanwhile).await;
    assert_eq!(status, 409, "{refused}");
    call.end("three");
    let (text, end) = whole.read_on(String::new()).await;
    assert_eq!((&*text, &end["state"]), ("two three", &json!("complete")));
    assert_eq!(rest.read_on(String::new()).await.0, "three");
    assert_eq!(other.read(&id, &turn).await.0, "One two three");
    // The end was told, so that the conversation is free at once, wherever it goes on.
    let turn = other.turn(&id, &json!({ "text": "And?" })).await;
    let call = site.call().await;
    assert_eq!(call.sent()[1], "assistant: One two three");
    call.say("Half");
    let mut reader = other.follow(&id, &turn, "").await;
    reader.until("Half").await;
    let (status, stopped) = one.post(&format!("{path}/{turn}/stop"), &Value::Null).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("interrupted")));
    assert_eq!(stopped["messages"][1]["parts"][0]["text"], "Half");
    call.left().await;
    assert_eq!(
        reader.read_on(String::new()).await.1["state"],
        "interrupted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_told_to_others_by_the_batch() {
    let Some(site) = Site::start("").await else {
        return;
    };
    let one = &site.nodes[0].client;
    let id = one.begin().await;
    let turn = one.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = site.call().await;
    let mut reader = one.follow(&id, &turn, "").await;
    let before = site.redis.calls("evalsha").await;
    let began = Instant::now();
    let mut said = String::new();
    for at in 0..1000 {
        let word = format!("{at} ");
        call.say(&word);
        said.push_str(&word);
        if at % 10 == 9 {
            // One that comes after the other, as words do.
            reader.until(&std::mem::take(&mut said)).await;
        }
    }
    call.end("!");
    assert_eq!(reader.read_on(said).await.1["state"], "complete");
    let told = site.redis.calls("evalsha").await - before;
    // Nobody follows elsewhere: one each quarter of a second, and a sign of life with what is there
    // every two seconds; at the end what is left, and that the conversation is free.
    let most = began.elapsed().as_millis() as u64 / 250 + began.elapsed().as_secs() + 6;
    assert!(told <= most, "{told} in {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_whose_node_is_killed_ends_by_name_at_the_other() {
    let Some(site) = Site::start("").await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| &it.client);
    let id = one.begin().await;
    let path = format!("/api/conversations/{id}/turns");
    let before = one.turn(&id, &json!({ "text": "First" })).await;
    site.call().await.end("Kept.");
    one.read(&id, &before).await;
    let turn = one.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = site.call().await;
    call.say("Half an ");
    let mut reader = one.follow(&id, &turn, "").await;
    let last = reader.until("Half an ").await;
    let mut whole = other.follow(&id, &turn, "").await;
    whole.until("Half an ").await;
    let kept = || async {
        let shown = other.get(&format!("{path}/{turn}")).await;
        shown["messages"][1]["parts"][0]["text"] == "Half an "
    };
    until("what came is kept", kept).await;
    call.say("answer");
    whole.until("answer").await;
    site.nodes[0].signal("KILL");
    // What was heard, and then why there is no more: for who was there and for who comes now.
    let mut rest = other.follow(&id, &turn, &last).await;
    let (text, end) = rest.read_on(String::new()).await;
    assert_eq!((&*text, &end["state"]), ("answer", &json!("failed")));
    let why = "the service ended before this was answered";
    assert_eq!(end["error"]["message"], why);
    let (text, end) = whole.read_on(String::new()).await;
    assert_eq!((&*text, &end["error"]["message"]), ("", &json!(why)));
    // Nothing that was kept is lost, and the conversation goes on.
    let shown = other.get(&format!("/api/conversations/{id}")).await;
    let texts: Vec<&Value> = shown["branch"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| &turn["messages"][1]["parts"][0]["text"])
        .collect();
    assert_eq!(texts[0], "Kept.");
    assert!(
        texts[1].as_str().unwrap().starts_with("Half an "),
        "{texts:?}"
    );
    let next = other.turn(&id, &json!({ "text": "Again" })).await;
    site.call().await.end("Whole.");
    assert_eq!(other.read(&id, &next).await.0, "Whole.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_goes_on_while_redis_is_killed_and_started_again() {
    let Some(mut site) = Site::start("").await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| it.client.clone());
    let id = one.begin().await;
    let turn = one.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = site.call().await;
    call.say("One ");
    let mut here = one.follow(&id, &turn, "").await;
    here.until("One ").await;
    let mut there = other.follow(&id, &turn, "").await;
    there.until("One ").await;
    site.redis.kill().await;
    call.say("two ");
    here.until("two ").await;
    site.redis.restart().await;
    // Redis has forgotten what was said; it is told again, and nobody hears anything twice.
    there.until("two ").await;
    call.end("three");
    assert_eq!(there.read_on(String::new()).await.0, "three");
    assert_eq!(here.read_on(String::new()).await.0, "three");
}
