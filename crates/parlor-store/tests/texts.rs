//! Texts of all kinds, in each kind of database that is here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(all(unix, feature = "postgres"))]
mod servers;

use parlor_agent::{ConversationStore, History, KeptTurn};
use parlor_core::{ErrorKind, Message};
use parlor_store::{Imported, KeptResponse, ServedBy, Store, UsageEvent};
use std::fmt::Write as _;

fn turn(question: &str, answer: &str) -> KeptTurn {
    let mut history = History::new();
    history.add(Message::user(question));
    history.add(Message::assistant(answer));
    history.turns()[0].clone().into()
}

#[tokio::test]
async fn on_sqlite() {
    all(&Store::memory().await.unwrap()).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn on_postgres() {
    let Some(server) = servers::Postgres::start() else {
        return;
    };
    all(&Store::postgres(&server.url()).await.unwrap()).await;
}

async fn all(store: &Store) {
    a_zero_letter_is_kept_or_replaced(store).await;
    a_zero_letter_in_a_key_finds_nothing(store).await;
    what_was_used_is_written_down_whatever_it_is_called(store).await;
    titles_are_found_in_any_case(store).await;
    what_is_long_is_kept_whole(store).await;
}

async fn a_zero_letter_is_kept_or_replaced(store: &Store) {
    let zero = "one\0two";
    let id = store.create(zero, Some(zero)).await.unwrap();
    let mut said = turn(zero, "three\0four");
    said.turn.model = Some(zero.into());
    said.provider = Some(zero.into());
    let at = store.append(&id, None, &said).await.unwrap();
    store.update(at, &said).await.unwrap();
    store.set_model(&id, Some(zero)).await.unwrap();
    let kept = store.load(&id).await.unwrap();
    assert_eq!(kept.history.turns(), [said.turn.clone()]);
    assert_eq!(kept.info.title, "one\u{fffd}two");
    assert_eq!(kept.history.system(), Some("one\u{fffd}two"));
    assert_eq!(kept.info.model.as_deref(), Some("one\u{fffd}two"));
    for words in ["two", "four", zero] {
        assert_eq!(store.search(words, 9).await.unwrap().len(), 1, "{words:?}");
    }
    store.set_title(&id, zero).await.unwrap();
    store.set_system(&id, Some(zero)).await.unwrap();
    store.fork(&id, None).await.unwrap();

    let mut foreign = Imported::default();
    foreign.origin = format!("other/{}", fastrand::u64(..));
    (foreign.title, foreign.system) = (zero.into(), Some(zero.into()));
    foreign.turns = vec![(1, said)];
    store.import(&foreign, true).await.unwrap();

    let mut response = KeptResponse {
        key: zero.into(),
        at_ms: 1,
        text: "an answer".into(),
    };
    store.keep_responses([&response]).await.unwrap();
    let found = store.response(zero, 0).await.unwrap();
    assert_eq!(found.as_ref(), Some(&response.text));
    assert!(store.forget_response(zero).await.unwrap());
    response.text = zero.into();
    store.keep_responses([&response]).await.unwrap();
}

async fn a_zero_letter_in_a_key_finds_nothing(store: &Store) {
    let wrong = [
        store.load("\0").await.unwrap_err(),
        store.resolve("\0").await.unwrap_err(),
        store.delete("\0").await.unwrap_err(),
        store.fork("\0", None).await.unwrap_err(),
        store.set_head("\0", None).await.unwrap_err(),
        store.set_title("\0", "").await.unwrap_err(),
        store.append("\0", None, &turn("a", "b")).await.unwrap_err(),
        store.of_owner("\0").load("a").await.unwrap_err(),
    ];
    for error in wrong {
        assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    }
    assert_eq!(store.tree("\0").await.unwrap(), []);
    assert_eq!(store.search("\0", 9).await.unwrap(), []);
    let since = parlor_store::Since {
        updated_ms: 1,
        id: "\0".into(),
    };
    assert_eq!(store.list_since(9, Some(&since)).await.unwrap(), []);
    let by = ServedBy::default();
    assert_eq!(store.served(0, by, Some("\0")).await.unwrap(), []);
}

async fn what_was_used_is_written_down_whatever_it_is_called(store: &Store) {
    let at = 4_000_000_000_000;
    let event = |name: &str| {
        let mut event = UsageEvent::new(name, "openai_chat", at);
        event.asked = name.into();
        event.provider = Some(name.into());
        event.model = Some(name.into());
        event.served = Some(name.into());
        event
    };
    let events = [event("before"), event("a\0b"), event("after")];
    store.record(&events).await.unwrap();
    let mut by = ServedBy::default();
    by.model = true;
    let since = i64::try_from(at).unwrap();
    let rows = store.served(since, by, None).await.unwrap();
    let mut names: Vec<_> = rows.iter().map(|it| it.model.clone().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["after", "a\u{fffd}b", "before"]);
}

async fn titles_are_found_in_any_case(store: &Store) {
    let mut ids = Vec::new();
    for title in ["\u{dc}ber Wien", "ПРИВЕТ, мир", "ΟΔΟΣ 漢字 50%"] {
        let id = store.create(title, None).await.unwrap();
        let said = turn("東京ÉTÉ", "no such word");
        store.append(&id, None, &said).await.unwrap();
        ids.push(id);
    }
    for (words, at) in [
        ("\u{fc}ber", 0),
        ("\u{dc}BER wien", 0),
        ("wien", 0),
        ("привет", 1),
        ("Привет, МИР", 1),
        ("οδος 漢", 2),
        ("οδοσ", 2),
        ("50%", 2),
    ] {
        let found = store.search(words, 9).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| &it.info.id).collect();
        assert_eq!(found, [&ids[at]], "{words}");
    }
    assert_eq!(store.search("京été", 9).await.unwrap().len(), 3);
    assert_eq!(store.search("京ete", 9).await.unwrap().len(), 3);
    assert_eq!(store.search("京étés", 9).await.unwrap(), []);
    assert_eq!(store.search("приветы", 9).await.unwrap(), []);
}

async fn what_is_long_is_kept_whole(store: &Store) {
    let mut long = String::new();
    for number in 0..400_000 {
        write!(long, "w{number:x} ").unwrap();
    }
    long.push_str("finalword");
    assert!(long.len() > 2 * 1024 * 1024);
    let id = store.create("", None).await.unwrap();
    let said = turn(&long, "Read.");
    let at = store.append(&id, None, &said).await.unwrap();
    store.update(at, &said).await.unwrap();
    let kept = store.load(&id).await.unwrap();
    assert_eq!(kept.history.turns(), [said.turn]);
    assert_eq!(store.search("w1f", 9).await.unwrap().len(), 1);
    // Letters of several bytes are cut between them.
    for before in 0..4 {
        let letters = "\u{10348}".repeat(100_000);
        let said = turn(&format!("{}{letters}", "a".repeat(before)), "");
        store.append(&id, None, &said).await.unwrap();
    }
    // What grows most in an index: words that are each a word and two.
    let mut words = String::new();
    let letter = |at: u32| char::from_u32(0x4e00 + at).unwrap();
    for at in 0..60_000_u32 {
        let (one, two) = (letter(at % 20_000), letter((at * 7) % 19_997));
        write!(words, "\u{23a}{one}-\u{23a}{two} ").unwrap();
    }
    store.append(&id, None, &turn(&words, "")).await.unwrap();
    let mut paths = String::new();
    for number in 0..100_000 {
        write!(paths, "{number:x}.de/{number:x} ").unwrap();
    }
    store.append(&id, None, &turn(&paths, "")).await.unwrap();
}
