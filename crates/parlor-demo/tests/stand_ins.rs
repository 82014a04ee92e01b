//! Every stand-in is asked by the real crate of its provider.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use parlor::agent::{Conversation, tool};
use parlor::{
    BatchItem, BatchState, ChatModel, ChatModelExt as _, Config, Env, ErrorKind, Event, Media,
    Message, PROVIDERS, Part, Registry,
};
use parlor_demo::{KEY, KEY_VARIABLE, Manner, OVERLOADED, SCRIPTED, STAND_INS, StandIns};

/// The weather in a city, now.
#[tool]
async fn weather(city: String) -> String {
    format!("4 degrees and light rain in {city}")
}

async fn started() -> (StandIns, Registry) {
    let mut manner = Manner::default();
    manner.records = true;
    let stand_ins = StandIns::start(manner).await.unwrap();
    let config = Config::from_toml(&stand_ins.config(&[SCRIPTED, OVERLOADED])).unwrap();
    let env = Env::new(|name| (name == KEY_VARIABLE).then(|| KEY.to_owned()));
    let registry = Registry::global(PROVIDERS).unwrap().with_env(env);
    (stand_ins, registry.with_config(config).unwrap())
}

fn all(registry: &Registry) -> impl Iterator<Item = (&'static str, Arc<dyn ChatModel>)> {
    let model = |provider| registry.model(&format!("{provider}/{SCRIPTED}")).unwrap();
    STAND_INS
        .iter()
        .map(move |it| (it.provider, model(it.provider)))
}

#[tokio::test]
async fn each_answers_whole_and_as_a_stream() {
    let (stand_ins, registry) = started().await;
    for (provider, model) in all(&registry) {
        let question = "Why is the sky blue?";
        let whole = model.ask(question).await.unwrap();
        assert!(whole.text().starts_with("Because air"), "{provider}");
        let mut stream = model.ask_stream(question).await.unwrap();
        let mut deltas = 0;
        while let Some(event) = stream.next().await {
            deltas += u32::from(event.unwrap().text().is_some());
        }
        assert!(deltas > 4, "{provider}: {deltas}");
        assert_eq!(stream.partial().text(), whole.text(), "{provider}");
        assert_eq!(
            stream.partial().usage.unwrap().input_tokens,
            Some(5),
            "{provider}"
        );
    }
    let seen = stand_ins.take(2 * STAND_INS.len()).await;
    assert_eq!(seen.len(), 2 * STAND_INS.len());
    assert!(
        seen.iter()
            .all(|it| it.response.status == 200 && !it.response.hung_up)
    );
    assert!(stand_ins.take(0).await.is_empty());
}

#[tokio::test]
async fn each_calls_tools_thinks_and_looks_at_pictures() {
    let (_stand_ins, registry) = started().await;
    for (provider, model) in all(&registry) {
        let mut chat = Conversation::shared(model).with_tool(weather);
        let reply = chat
            .send("What does weather say: a coat in Oslo?")
            .await
            .unwrap();
        let told = "Yes, take a coat: 4 degrees and light rain in Oslo.";
        assert_eq!(reply.text(), told, "{provider}");

        let mut picture = Message::user("What is in it?");
        picture.parts.push(Part::Media(Media::bytes(
            "image/png",
            vec![0x89, b'P', b'N', b'G'],
        )));
        let reply = chat.send(picture).await.unwrap();
        assert!(
            reply.text().contains("a picture"),
            "{provider}: {}",
            reply.text()
        );

        let reply = chat.send("Think about the sheep.").await.unwrap();
        assert!(reply.text().starts_with("Nine are left"), "{provider}");
        let thought = reply.response.reasoning();
        // Chat Completions has no word for it.
        assert!(
            thought.starts_with("Seventeen") || provider == "openai-chat",
            "{provider}"
        );
    }
}

#[tokio::test]
async fn one_that_is_overloaded_says_so_in_its_own_words() {
    let (stand_ins, registry) = started().await;
    for stand_in in STAND_INS {
        let model = registry
            .model(&format!("{}/{OVERLOADED}", stand_in.provider))
            .unwrap();
        let error = model.ask("Hi").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded, "{}", stand_in.provider);
    }
    let seen = stand_ins.take(STAND_INS.len()).await;
    assert!(seen.iter().all(|it| it.response.status >= 500));
}

#[tokio::test]
async fn one_that_waits_to_be_stopped_notices() {
    let (stand_ins, registry) = started().await;
    let model = registry.model("ollama/scripted").unwrap();
    let mut stream = model
        .ask_stream("A story, until I stop you!")
        .await
        .unwrap();
    let mut words = 0;
    while words < 12 {
        let event = stream.next().await.unwrap().unwrap();
        words += u32::from(matches!(event, Event::TextDelta { .. }));
    }
    assert!(stream.stop().interrupted);
    let seen = stand_ins.take(1).await.pop().unwrap();
    assert!(seen.response.hung_up);
    assert!(
        seen.response.frames.len() < 20,
        "{}",
        seen.response.frames.len()
    );
}

#[tokio::test]
async fn one_takes_batches() {
    let (_stand_ins, registry) = started().await;
    let batches = registry.batches("anthropic/scripted").unwrap();
    let items = [("a", "Why is the sky blue?"), ("b", "What is a brick for?")];
    let items = items.map(|(id, question)| BatchItem::new(id, question));

    let taken = batches.submit("questions", &items).await.unwrap();
    assert_eq!(taken.state, BatchState::InProgress);
    assert_eq!((taken.counts.done(), taken.counts.total), (0, 2));
    assert!(taken.created.unwrap() < taken.expires.unwrap());
    let states = [BatchState::InProgress, BatchState::Ended];
    for state in states {
        assert_eq!(batches.status(&taken.id).await.unwrap().state, state);
    }
    let mut results = batches.results(&taken.id).await.unwrap();
    let mut texts = Vec::new();
    while let Some(result) = results.next().await {
        let result = result.unwrap();
        texts.push((result.id, result.result.unwrap().text()));
    }
    assert_eq!(texts.len(), 2);
    assert!(texts[0].1.starts_with("Because air"), "{texts:?}");
    assert!(texts[1].1.starts_with("A wall"), "{texts:?}");

    let other = batches.submit("more", &items).await.unwrap();
    let cancelled = batches.cancel(&other.id).await.unwrap();
    assert_eq!(cancelled.state, BatchState::Cancelling);
    let listed = batches.list().await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|it| it.id).collect();
    assert_eq!(listed, [other.id.clone(), taken.id]);
    batches.status(&other.id).await.unwrap();
    let mut results = batches.results(&other.id).await.unwrap();
    let first = results.next().await.unwrap().unwrap();
    assert_eq!(first.result.unwrap_err().kind(), ErrorKind::Cancelled);

    let error = batches.status("msgbatch_7").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    let overloaded = registry.batches("anthropic/overloaded").unwrap();
    let failed = overloaded.submit("none", &items).await.unwrap();
    overloaded.status(&failed.id).await.unwrap();
    let mut results = overloaded.results(&failed.id).await.unwrap();
    let first = results.next().await.unwrap().unwrap();
    assert_eq!(first.result.unwrap_err().kind(), ErrorKind::Overloaded);
}
