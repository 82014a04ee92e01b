//! Nodes that are told to end while they are busy.

use serde_json::json;

use crate::load::{Came, Load};
use crate::node::{Site, question};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_is_answered_when_a_node_is_told_to_end() {
    let Some(mut site) = Site::start("").await else {
        return;
    };
    let one = site.nodes[0].client.clone();
    let asked = json!({
        "model": "openai-chat/behind", "stream": true,
        "messages": [{ "role": "user", "content": "Tell me" }],
    });
    let mut streams = Vec::new();
    for _ in 0..5 {
        let body = asked.to_string();
        let one = one.clone();
        let opened =
            tokio::spawn(async move { one.open("POST", "/v1/chat/completions", &body, &[]).await });
        let call = site.call().await;
        call.say("One ");
        streams.push((opened.await.unwrap(), call));
    }
    let id = one.begin().await;
    let turn = one.turn(&id, &json!({ "text": "And me" })).await;
    let turn_call = site.call().await;
    turn_call.say("One ");
    let load = Load::start(std::slice::from_ref(&one), 4);
    load.more("answers", 20, |it| it.status() == 200).await;
    site.nodes[0].signal("TERM");
    load.more("nobody there", 1, |it| *it == Came::Nothing)
        .await;
    for (mut opened, call) in streams {
        call.end("two");
        let body = opened.rest().await;
        assert!(body.contains("One ") && body.contains("two"), "{body}");
        assert!(body.trim_end().ends_with("data: [DONE]"), "{body}");
    }
    turn_call.end("two");
    let (code, said) = site.nodes[0].ended().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("Ending when the answers on their way are done"),
        "{said}"
    );
    for came in load.end().await {
        match came {
            Came::Nothing => {}
            came => assert_eq!(came.status(), 200, "{came:?}"),
        }
    }
    let other = &site.nodes[1].client;
    let (text, end) = other.read(&id, &turn).await;
    assert_eq!((&*text, &end["state"]), ("One two", &json!("complete")));
    assert_eq!(other.post("/v1/messages", &question()).await.0, 200);
}
