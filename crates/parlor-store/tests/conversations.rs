//! What a store keeps, in each kind of database that is here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(all(unix, feature = "postgres"))]
mod servers;

use parlor_agent::{
    Conversation, ConversationStore, Found, History, KeptTurn, Summary, Turn, TurnId, TurnState,
    UsageBy, title_of,
};
use parlor_core::{Cost, Echo, ErrorKind, Message, Usage};
use parlor_store::{Since, Store};

/// A turn that asks and answers.
fn turn(question: &str, answer: &str) -> KeptTurn {
    let messages = vec![Message::user(question), Message::assistant(answer)];
    let mut history = History::new();
    messages.into_iter().for_each(|it| history.add(it));
    let mut turn = history.turns()[0].clone();
    turn.model = Some("model-1".into());
    turn.usage.input_tokens = Some(10);
    turn.usage.output_tokens = Some(5);
    let mut kept = KeptTurn::from(turn);
    kept.provider = Some("acme".into());
    kept.cost = Some(Cost::new(0.25, "USD", "2026-11-01"));
    kept
}

async fn said(store: &Store, id: &str) -> Vec<String> {
    let kept = store.load(id).await.unwrap();
    assert_eq!(kept.turns.len(), kept.history.turns().len());
    kept.history.turns().iter().map(Turn::text).collect()
}

/// Runs a case on SQLite, and on PostgreSQL where that is.
macro_rules! cases {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            cases::$name(&Store::memory().await.unwrap()).await;
        }
    )*

        #[cfg(all(unix, feature = "postgres"))]
        #[tokio::test]
        async fn all_of_it_on_postgres() {
            let Some(server) = servers::Postgres::start() else {
                return;
            };
            let store = Store::postgres(&server.url()).await.unwrap();
            $(
                for info in store.list(1000, 0).await.unwrap() {
                    store.delete(&info.id).await.unwrap();
                }
                eprintln!("{}", stringify!($name));
                cases::$name(&store).await;
            )*
        }
    };
}

cases! {
    a_conversation_comes_back_as_it_was
    a_turn_that_went_on_is_written_anew
    going_back_keeps_what_was_said
    two_that_go_on_make_two_branches
    each_sees_their_own
    a_list_goes_on_where_it_ended
    a_fork_goes_its_own_way
    ids_are_typed_short
    an_id_that_was_told_is_had
    the_newest_stand_first
    words_are_found
    a_summary_is_of_its_own_branch
    usage_is_added_up
    what_is_wrong_is_said
}

mod cases {
    use super::*;

    pub(crate) async fn a_conversation_comes_back_as_it_was(store: &Store) {
        let mut chat = Conversation::new(Echo::new()).with_system("Be brief.");
        chat.send("One").await.unwrap();
        chat.send("Two").await.unwrap();
        let first = title_of(&chat.history().turns()[0].messages[0]);
        let id = store.create(&first, Some("Be brief.")).await.unwrap();
        let mut last = None;
        for turn in chat.history().turns() {
            let turn = turn.clone().into();
            last = Some(store.append(&id, last, &turn).await.unwrap());
        }
        let mut summary = Summary::default();
        summary.text = "It began.".into();
        summary.turns = 1;
        store.set_summary(&id, Some(&summary)).await.unwrap();

        let kept = store.load(&id).await.unwrap();
        assert_eq!(kept.history.turns(), chat.history().turns());
        assert_eq!(kept.history.system(), Some("Be brief."));
        assert_eq!(kept.history.summary(), Some(&summary));
        assert_eq!(kept.info.title, "One");
        assert_eq!(kept.info.turns, 2);
        assert_eq!(kept.info.cost, None, "echo has no price");
        assert_eq!(kept.turns.last(), last.as_ref());

        store.set_title(&id, "Numbers").await.unwrap();
        store.set_system(&id, None).await.unwrap();
        store.set_summary(&id, None).await.unwrap();
        let kept = store.load(&id).await.unwrap();
        assert_eq!(kept.info.title, "Numbers");
        assert_eq!(kept.history.system(), None);
        assert_eq!(kept.history.summary(), None);
    }

    pub(crate) async fn a_summary_is_of_its_own_branch(store: &Store) {
        let id = store.create("", None).await.unwrap();
        let first = store.append(&id, None, &turn("One", "1")).await.unwrap();
        let two = store.append(&id, Some(first), &turn("Two", "2")).await;
        let third = turn("Three", "3");
        let three = store.append(&id, Some(two.unwrap()), &third).await;
        let three = three.unwrap();
        let mut summary = Summary::default();
        summary.text = "One and two.".into();
        (summary.turns, summary.replaces) = (2, true);
        store.set_summary(&id, Some(&summary)).await.unwrap();
        let summary_of = async |id: &str| {
            let kept = store.load(id).await.unwrap();
            kept.history.summary().cloned()
        };
        let fork = store.fork(&id, None).await.unwrap();
        assert_eq!(summary_of(&fork).await.as_ref(), Some(&summary));

        // Another second turn, and one after it.
        let other = store.append(&id, Some(first), &turn("Or", "?")).await;
        let other = Some(other.unwrap());
        store.append(&id, other, &turn("So", "!")).await.unwrap();
        assert_eq!(summary_of(&id).await, None);
        let forked = store.fork(&id, None).await.unwrap();
        assert_eq!(summary_of(&forked).await, None);
        store.set_head(&id, Some(three)).await.unwrap();
        assert_eq!(summary_of(&id).await.as_ref(), Some(&summary));
    }

    pub(crate) async fn a_turn_that_went_on_is_written_anew(store: &Store) {
        let id = store.create("", None).await.unwrap();
        let mut begun = turn("Why?", "Because");
        begun.turn.state = TurnState::Interrupted;
        let at = store.append(&id, None, &begun).await.unwrap();
        assert_eq!(said(store, &id).await, ["Because"]);
        store
            .update(at, &turn("Why?", "Because of this."))
            .await
            .unwrap();
        let kept = store.load(&id).await.unwrap();
        assert_eq!(kept.history.turns()[0].text(), "Because of this.");
        assert_eq!(kept.history.turns()[0].state, TurnState::Complete);
        assert_eq!(kept.info.usage.input_tokens, Some(10));
        assert_eq!(store.search("because", 5).await.unwrap().len(), 1);
    }

    pub(crate) async fn going_back_keeps_what_was_said(store: &Store) {
        let id = store.create("", None).await.unwrap();
        let one = store.append(&id, None, &turn("a", "one")).await.unwrap();
        let two = store
            .append(&id, Some(one), &turn("b", "two"))
            .await
            .unwrap();
        store.set_head(&id, Some(one)).await.unwrap();
        assert_eq!(said(store, &id).await, ["one"]);
        store
            .append(&id, Some(one), &turn("b", "other"))
            .await
            .unwrap();
        assert_eq!(said(store, &id).await, ["one", "other"]);
        store.set_head(&id, Some(two)).await.unwrap();
        assert_eq!(said(store, &id).await, ["one", "two"]);
        store.set_head(&id, None).await.unwrap();
        assert!(store.load(&id).await.unwrap().history.is_empty());
    }

    pub(crate) async fn two_that_go_on_make_two_branches(store: &Store) {
        let id = store.create("", None).await.unwrap();
        let root = store.append(&id, None, &turn("a", "root")).await.unwrap();
        let mine = store
            .append(&id, Some(root), &turn("b", "mine"))
            .await
            .unwrap();
        let yours = store
            .append(&id, Some(root), &turn("b", "yours"))
            .await
            .unwrap();
        assert_eq!(said(store, &id).await, ["root", "yours"]);
        store.set_head(&id, Some(mine)).await.unwrap();
        assert_eq!(said(store, &id).await, ["root", "mine"]);
        assert!(root < mine && mine < yours);
    }

    pub(crate) async fn each_sees_their_own(store: &Store) {
        let (ann, bob) = (store.of_owner("ann"), store.of_owner("bob"));
        let hers = ann.create("Hers", None).await.unwrap();
        let turn_of_hers = turn("secret plan", "hers");
        let first = ann.append(&hers, None, &turn_of_hers).await.unwrap();
        let his = bob.create("His", None).await.unwrap();
        bob.append(&his, None, &turn("secret plan", "his"))
            .await
            .unwrap();
        let nobodys = store.create("Nobody's", None).await.unwrap();

        let seen = |listed: Vec<parlor_agent::KeptInfo>| -> Vec<String> {
            listed.into_iter().map(|it| it.id).collect()
        };
        assert_eq!(seen(ann.list(9, 0).await.unwrap()), [&*hers]);
        assert_eq!(seen(bob.list(9, 0).await.unwrap()), [&*his]);
        assert_eq!(store.list(9, 0).await.unwrap().len(), 3);
        for words in ["secret", "hers", "\u{8a9e}"] {
            let found = bob.search(words, 9).await.unwrap();
            assert!(found.iter().all(|it| it.info.id == his), "{words}");
        }
        assert_eq!(ann.search("secret", 9).await.unwrap().len(), 1);
        assert_eq!(store.search("secret", 9).await.unwrap().len(), 2);

        let wrong = [
            bob.load(&hers).await.unwrap_err(),
            bob.load(&nobodys).await.unwrap_err(),
            bob.resolve(&hers).await.unwrap_err(),
            bob.append(&hers, None, &turn_of_hers).await.unwrap_err(),
            bob.update(first, &turn_of_hers).await.unwrap_err(),
            bob.turn(&hers, first).await.unwrap_err(),
            bob.set_head(&hers, None).await.unwrap_err(),
            bob.set_title(&hers, "His").await.unwrap_err(),
            bob.set_system(&hers, None).await.unwrap_err(),
            bob.set_summary(&hers, None).await.unwrap_err(),
            bob.set_model(&hers, None).await.unwrap_err(),
            bob.fork(&hers, None).await.unwrap_err(),
            bob.delete(&hers).await.unwrap_err(),
        ];
        for error in wrong {
            assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        }
        assert_eq!(bob.tree(&hers).await.unwrap(), []);
        let fork = ann.fork(&hers, None).await.unwrap();
        assert_eq!(bob.list(9, 0).await.unwrap().len(), 1);
        assert_eq!(said(&ann, &fork).await, ["hers"]);
        assert_eq!(said(store, &hers).await, ["hers"]);
    }

    pub(crate) async fn a_list_goes_on_where_it_ended(store: &Store) {
        let mut made = Vec::new();
        for _ in 0..7 {
            made.push(store.create("One of many", None).await.unwrap());
        }
        let (mut seen, mut since) = (Vec::new(), None);
        loop {
            let piece = store.list_since(3, since.as_ref()).await.unwrap();
            let Some(last) = piece.last() else { break };
            since = Some(Since {
                updated_ms: last.updated_ms,
                id: last.id.clone(),
            });
            // What changes meanwhile isn't seen twice.
            store
                .append(&piece[0].id, None, &turn("a", "b"))
                .await
                .unwrap();
            seen.extend(piece.into_iter().map(|it| it.id));
        }
        made.sort();
        seen.sort();
        assert_eq!(seen, made);

        let id = &made[0];
        let root = store.append(id, None, &turn("a", "root")).await.unwrap();
        let left = store.append(id, Some(root), &turn("b", "left")).await;
        let right = store.append(id, Some(root), &turn("b", "right")).await;
        let (left, right) = (left.unwrap(), right.unwrap());
        let tree = store.tree(id).await.unwrap();
        let places: Vec<_> = tree.iter().map(|it| (it.id, it.parent)).collect();
        assert!(places.ends_with(&[(root, None), (left, Some(root)), (right, Some(root))]));
        store.set_head(id, Some(left)).await.unwrap();
        for (turn, is_last) in [(root, false), (left, true), (right, true)] {
            assert_eq!(store.is_last(id, turn).await.unwrap(), is_last);
        }
        assert!(!store.is_last(&made[1], right).await.unwrap());
        let kept = store.load_until(id, Some(left)).await.unwrap();
        assert_eq!(kept.turns, [root, left]);
        assert_eq!(store.turn(id, left).await.unwrap().text(), "left");
        assert_eq!(kept.info.model.as_deref(), Some("model-1"));
        store.set_model(id, Some("quick")).await.unwrap();
        let named = store.load(id).await.unwrap().info.model;
        assert_eq!(named.as_deref(), Some("quick"));
    }

    pub(crate) async fn a_fork_goes_its_own_way(store: &Store) {
        let id = store.create("First", Some("Be kind.")).await.unwrap();
        let one = store.append(&id, None, &turn("a", "one")).await.unwrap();
        store
            .append(&id, Some(one), &turn("b", "two"))
            .await
            .unwrap();
        let whole = store.fork(&id, None).await.unwrap();
        let half = store.fork(&id, Some(one)).await.unwrap();
        let before = store.usage(0, UsageBy::default()).await.unwrap();
        store.delete(&id).await.unwrap();
        assert_eq!(said(store, &whole).await, ["one", "two"]);
        assert_eq!(said(store, &half).await, ["one"]);
        let kept = store.load(&half).await.unwrap();
        assert_eq!(kept.info.forked_from.as_deref(), Some(&*id));
        assert_eq!(kept.history.system(), Some("Be kind."));
        let last = *kept.turns.last().unwrap();
        store
            .append(&half, Some(last), &turn("c", "three"))
            .await
            .unwrap();
        assert_eq!(said(store, &whole).await, ["one", "two"]);
        let after = store.usage(0, UsageBy::default()).await.unwrap();
        assert_eq!(after[0].turns, before[0].turns + 1, "a copy uses nothing");
    }

    pub(crate) async fn an_id_that_was_told_is_had(store: &Store) {
        let id = Store::new_id();
        assert_eq!(store.create_as(&id, "first", None).await.unwrap(), id);
        let other = store.create_as(&id, "second", None).await.unwrap();
        assert_ne!(other, id, "it is taken");
        assert_eq!(store.load(&id).await.unwrap().info.title, "first");
        assert_eq!(store.load(&other).await.unwrap().info.title, "second");
    }

    pub(crate) async fn ids_are_typed_short(store: &Store) {
        let id = store.create("", None).await.unwrap();
        assert_eq!(store.resolve(&id).await.unwrap(), id);
        assert_eq!(
            store
                .resolve(&format!(" {} ", id.to_uppercase()))
                .await
                .unwrap(),
            id
        );
        assert_eq!(store.resolve(&id[..3]).await.unwrap(), id);
        for wrong in ["", "%", "_", "zzzzzzzz", "a b"] {
            let error = store.resolve(wrong).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{wrong}");
        }
        while store.resolve(&id[..1]).await.is_ok() {
            store.create("", None).await.unwrap();
        }
        let error = store.resolve(&id[..1]).await.unwrap_err();
        assert!(error.message().contains(&id), "{error}");
    }

    pub(crate) async fn the_newest_stand_first(store: &Store) {
        let mut ids = Vec::new();
        for title in ["one", "two", "three"] {
            ids.push(store.create(title, None).await.unwrap());
        }
        assert_eq!(store.list(10, 0).await.unwrap().len(), 3);
        let rest: Vec<_> = store.list(2, 1).await.unwrap();
        assert_eq!(rest.len(), 2);
        // Nothing else changes between this and the next look.
        let changed = store.load(&ids[0]).await.unwrap().info.updated_ms;
        loop {
            let at = store.append(&ids[0], None, &turn("a", "b")).await.unwrap();
            assert!(at > TurnId(0));
            if store.load(&ids[0]).await.unwrap().info.updated_ms > changed {
                break;
            }
        }
        assert_eq!(store.list(1, 0).await.unwrap()[0].id, ids[0]);
    }

    pub(crate) async fn words_are_found(store: &Store) {
        let id = store.create("Weather", None).await.unwrap();
        let first = turn("Is it cold in Oslo?", "Rather \"chilly\": 50% of days.");
        let one = store.append(&id, None, &first).await.unwrap();
        let two = turn("東京の天気はどうですか", "晴れです");
        store.append(&id, Some(one), &two).await.unwrap();
        let other = store.create("Cooking", None).await.unwrap();
        store
            .append(
                &other,
                None,
                &turn("How long do eggs boil?", "Ten minutes."),
            )
            .await
            .unwrap();

        for words in [
            "oslo",
            "OSLO cold",
            "chil",
            "\"chilly\"",
            "天気",
            "weather",
            "50% of days",
            "%",
            "\"",
        ] {
            let found = store.search(words, 10).await.unwrap();
            assert_eq!(found.len(), 1, "{words}");
            assert_eq!(found[0].info.id, id, "{words}");
        }
        let found = &store.search("oslo", 10).await.unwrap()[0];
        let marked = format!("{}Oslo{}", Found::BEGIN, Found::END);
        assert!(found.snippet.contains(&marked), "{:?}", found.snippet);
        assert_eq!(found.turn, one);
        for words in ["", "  ", "NOT", "oslo eggs", "*", "a:b", "')", "天ぷら"] {
            assert_eq!(store.search(words, 10).await.unwrap(), [], "{words}");
        }
        // What consists of words with marks between is found by all of them, and by each.
        let files = store.create("Files", None).await.unwrap();
        let said = "On 2026-11-23 src/config.toml by ann@example.com had 3.14 and/or x\\y's -7.";
        let files_turn = turn("What changed?", said);
        store.append(&files, None, &files_turn).await.unwrap();
        for words in [
            "2026-11-23",
            "11-23",
            "config.toml",
            "toml",
            "src/config.toml",
            "ann@example.com",
            "example",
            "3.14",
            "and/or",
            "or x",
            "y's",
            "7",
        ] {
            let found = store.search(words, 10).await.unwrap();
            let found: Vec<_> = found.iter().map(|it| &*it.info.id).collect();
            assert_eq!(found, [&*files], "{words}");
        }
        // Accents say nothing, on either side and however they are written.
        let cafe = store.create("Über Menüs", None).await.unwrap();
        let said = turn(
            "Où est le Café Zürich ?",
            "À côté de l'e\u{301}glise, Ελλάδα, 한국.",
        );
        store.append(&cafe, None, &said).await.unwrap();
        for words in [
            "cafe zurich",
            "CAFÉ",
            "cafe\u{301}",
            "Zu\u{308}rich",
            "a cote",
            "eglise",
            "l'église",
            "한국",
            "uber",
            "MENÜS",
            "menu\u{308}s",
        ] {
            let found = store.search(words, 10).await.unwrap();
            let found: Vec<_> = found.iter().map(|it| &*it.info.id).collect();
            assert_eq!(found, [&*cafe], "{words}");
        }
        let found = &store.search("café", 10).await.unwrap()[0];
        let marked = format!("{}Café{}", Found::BEGIN, Found::END);
        assert!(found.snippet.contains(&marked), "{:?}", found.snippet);
        store.delete(&id).await.unwrap();
        assert_eq!(store.search("oslo", 10).await.unwrap(), []);
    }

    pub(crate) async fn usage_is_added_up(store: &Store) {
        let since = store.usage(0, UsageBy::default()).await.unwrap();
        let before = since.first().map_or(0, |row| row.turns);
        let id = store.create("", None).await.unwrap();
        let one = store.append(&id, None, &turn("a", "b")).await.unwrap();
        let mut euros = turn("c", "d");
        euros.cost = Some(Cost::new(1.0, "EUR", "2026-10-01"));
        let two = store.append(&id, Some(one), &euros).await.unwrap();
        let mut unpriced = turn("e", "f");
        unpriced.cost = None;
        unpriced.turn.usage = Usage::default();
        store.append(&id, Some(two), &unpriced).await.unwrap();
        store.update(one, &turn("a", "b")).await.unwrap();

        let by = UsageBy::default().model().day();
        let rows = store.usage(0, by).await.unwrap();
        let row = rows
            .iter()
            .find(|row| row.model.as_deref() == Some("model-1"))
            .unwrap();
        assert_eq!(row.provider.as_deref(), Some("acme"));
        assert_eq!(row.day.as_ref().unwrap().len(), 10);
        assert!(row.day.as_ref().unwrap().starts_with("20"));
        let all = store.usage(0, UsageBy::default()).await.unwrap();
        assert_eq!(all[0].turns - before, 3);
        assert!(
            all[0]
                .costs
                .iter()
                .any(|cost| cost.currency == "EUR" && cost.amount == 1.0)
        );
        assert!(all[0].unpriced >= 1);
        assert_eq!(store.usage(i64::MAX, by).await.unwrap(), []);
        let info = store.load(&id).await.unwrap().info;
        assert_eq!(info.cost, None, "two currencies make no sum");
        assert_eq!(info.usage.input_tokens, Some(20));
    }

    pub(crate) async fn what_is_wrong_is_said(store: &Store) {
        let id = store.create("", None).await.unwrap();
        let other = store.create("", None).await.unwrap();
        let foreign = store.append(&other, None, &turn("a", "b")).await.unwrap();
        let wrong = [
            store.load("none").await.unwrap_err(),
            store.delete("none").await.unwrap_err(),
            store.set_title("none", "x").await.unwrap_err(),
            store.fork("none", None).await.unwrap_err(),
            store.set_head(&id, Some(foreign)).await.unwrap_err(),
            store
                .append(&id, Some(foreign), &turn("a", "b"))
                .await
                .unwrap_err(),
            store
                .append("none", None, &turn("a", "b"))
                .await
                .unwrap_err(),
            store.update(TurnId(1), &turn("a", "b")).await.unwrap_err(),
        ];
        for error in wrong {
            assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        }
        assert_eq!(store.load(&id).await.unwrap().history, History::new());
    }
}
