//! Calls of tools that wait for a person's word, which is given at the other node.

use serde_json::{Value, json};

use crate::client::{Client, Opened};
use crate::node::{Site, until};

/// A tool that is asked about, and answers what it is given.
const SERVE: &str = "tools = [\"post\"]";
const POST: &str = "[tools.post]\ncommand = \"/bin/cat\"\ndescription = \"Posts.\"\n";

/// A turn whose model has called the tool for each of these ids, followed at the other node.
async fn waits(site: &Site, node: usize, id: &str, calls: &[&str]) -> (String, Opened) {
    let [one, other] = [node, 1 - node].map(|it| &site.nodes[it].client);
    let turn = one.turn(id, &json!({ "text": "Post it" })).await;
    let called: Vec<_> = calls.iter().map(|call| (*call, "post", "{}")).collect();
    site.call().await.calls(&called);
    let mut events = other.follow(id, &turn, "").await;
    for call in calls {
        assert_eq!(events.named("approval").await.data["id"], *call);
    }
    (turn, events)
}

async fn waiting(client: &Client, id: &str, turn: &str) -> usize {
    let shown = client
        .get(&format!("/api/conversations/{id}/turns/{turn}"))
        .await;
    shown["waiting"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_answered_once_wherever_that_is() {
    let Some(site) = Site::serving(SERVE, POST).await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| &it.client);
    let id = one.begin().await;
    let (allow, deny) = (json!({ "allow": true }), json!({ "allow": false }));
    let (turn, mut events) = waits(&site, 0, &id, &["a", "b", "c"]).await;
    assert_eq!(waiting(other, &id, &turn).await, 3);
    let (status, decided) = other.approve(&id, &turn, "b", &deny).await;
    let told = json!({ "id": "b", "allow": false, "always": false, "by": "person" });
    assert_eq!((status, &decided), (200, &told));
    // The same again changes nothing, at either node; another answer comes too late.
    for node in [one, other] {
        assert_eq!(
            node.approve(&id, &turn, "b", &deny).await,
            (200, told.clone())
        );
        assert_eq!(node.approve(&id, &turn, "b", &allow).await.0, 409);
        assert_eq!(node.approve(&id, &turn, "none", &allow).await.0, 404);
    }
    // Both at once: one of them counts, and everybody is told of that one.
    let (here, there) = tokio::join!(
        one.approve(&id, &turn, "a", &allow),
        other.approve(&id, &turn, "a", &deny)
    );
    let (counts, late) = match here.0 {
        200 => (here.1, there.0),
        _ => (there.1, here.0),
    };
    assert_eq!(late, 409);
    assert_eq!(events.until_decided("a").await, counts);
    assert_eq!(waiting(other, &id, &turn).await, 1);
    // For good: what is called later in this conversation runs without asking.
    let always = json!({ "allow": true, "always": true });
    assert_eq!(other.approve(&id, &turn, "c", &always).await.0, 200);
    let next = site.call().await;
    let results = next.results();
    assert!(results[1].starts_with("b: Not run: the call was denied"));
    assert_eq!(results[2], "c: {}");
    next.calls(&[("d", "post", "{}")]);
    let next = site.call().await;
    assert_eq!(next.results(), ["d: {}"]);
    next.end("Posted.");
    let (text, end) = events.read_on(String::new()).await;
    assert_eq!((&*text, &end["state"]), ("Posted.", &json!("complete")));
    // It is remembered where the turn ran, and asked anew elsewhere.
    let (turn, mut events) = waits(&site, 1, &id, &["e"]).await;
    assert_eq!(one.approve(&id, &turn, "e", &allow).await.0, 200);
    site.call().await.end("Again.");
    assert_eq!(events.read_on(String::new()).await.0, "Again.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_waits_on_while_redis_is_killed_and_started_again() {
    let Some(mut site) = Site::serving(SERVE, POST).await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| it.client.clone());
    let id = one.begin().await;
    let (turn, _) = waits(&site, 0, &id, &["a", "b"]).await;
    site.redis.kill().await;
    let allow = json!({ "allow": true });
    // Where it runs nothing is missing; elsewhere nobody can tell.
    assert_eq!(one.approve(&id, &turn, "a", &allow).await.0, 200);
    let (status, away) = other.approve(&id, &turn, "b", &allow).await;
    assert_eq!(status, 503, "{away}");
    site.redis.restart().await;
    let known = || async { waiting(&other, &id, &turn).await == 1 };
    until("the other node is told again", known).await;
    assert_eq!(other.approve(&id, &turn, "b", &allow).await.0, 200);
    let next = site.call().await;
    assert_eq!(next.results(), ["a: {}", "b: {}"]);
    next.end("Posted.");
    assert_eq!(other.read(&id, &turn).await.1["state"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_at_a_node_that_is_killed_is_over() {
    let Some(site) = Site::serving(SERVE, POST).await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| &it.client);
    let id = one.begin().await;
    let (turn, mut events) = waits(&site, 0, &id, &["a"]).await;
    site.nodes[0].signal("KILL");
    let (_, end) = events.read_on(String::new()).await;
    assert_eq!(end["state"], "failed", "{end}");
    assert_eq!(waiting(other, &id, &turn).await, 0);
    let (status, late) = other
        .approve(&id, &turn, "a", &json!({ "allow": true }))
        .await;
    assert!(matches!(status, 404 | 409), "{status} {late}");
    let path = format!("/api/conversations/{id}/turns/{turn}/stop");
    assert_eq!(other.post(&path, &Value::Null).await.0, 200);
    let next = other.turn(&id, &json!({ "text": "Again" })).await;
    site.call().await.end("Whole.");
    assert_eq!(other.read(&id, &next).await.0, "Whole.");
}
