//! Lists of models that providers gave: kept for a day, and used where a name is completed.

use std::fs;

use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran};
use serde_json::{Value, json};

const KEY: &str = "sk-of-acme-0123456789";
const KEPT: &str = ".cache/parlor/models/acme.json";

fn list(ids: &[&str]) -> Answer {
    let models: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "object": "model"}))
        .collect();
    let body = json!({"object": "list", "data": models});
    Answer(200, "content-type: application/json\r\n", body.to_string())
}

/// A home where `acme` is a host with a key.
fn home(url: &str) -> Home {
    let home = Home::new();
    configure(&home, url);
    home
}

fn configure(home: &Home, url: &str) {
    let file = "[providers.acme]\ntype = \"openai\"\nbase_url = \"";
    home.config(&format!("{file}{url}/v1\"\napi_key_env = \"ACME_KEY\"\n"));
}

fn run(home: &Home, words: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = home.parlor(words);
    command.env("ACME_KEY", KEY).envs(env.iter().copied());
    Ran::of(command.output().unwrap())
}

fn listed(home: &Home, more: &[&str]) -> Ran {
    let words = [&["models", "--provider", "acme"], more].concat();
    run(home, &words, &[])
}

/// What the shell is offered for the beginning of a model.
fn offered(home: &Home, typed: &str) -> String {
    let words = ["--", "parlor", "-m", typed];
    let env = [("PARLOR_COMPLETE", "fish")];
    run(home, &words, &env).stdout
}

#[test]
fn a_list_counts_for_a_day_unless_it_is_asked_for_anew() {
    let lists = [&["new-1"][..], &["new-1", "new-2"], &["new-3"]];
    let server = Server::start(lists.map(list).into());
    let home = home(&server.url);
    assert!(!offered(&home, "acme/new").contains("new"));
    let ran = listed(&home, &["--live"]);
    assert!(ran.stdout.contains("acme/new-1"), "{ran:?}");
    server.request();
    assert!(offered(&home, "acme/new").contains("acme/new-1"));

    let ran = listed(&home, &["--live"]);
    assert!(ran.stdout.contains("acme/new-1"), "{ran:?}");
    ran.says(&["acme said so", "--refresh"]);
    assert!(server.is_done());
    let ran = listed(&home, &["--refresh"]);
    assert!(ran.stdout.contains("acme/new-2"), "{ran:?}");
    server.request();

    // Yesterday's is asked for again.
    let file = home.path().join(KEPT);
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    kept["asked"] = (kept["asked"].as_u64().unwrap() - 24 * 60 * 60).into();
    fs::write(&file, kept.to_string()).unwrap();
    assert!(!offered(&home, "acme/new").contains("new-2"));
    let ran = listed(&home, &["--live"]);
    assert!(ran.stdout.contains("acme/new-3"), "{ran:?}");
}

#[test]
fn what_is_kept_has_no_key_and_is_of_one_address() {
    let first = Server::start(vec![list(&["new-1"])]);
    let home = home(&first.url);
    listed(&home, &["--live"]);
    let file = home.path().join(KEPT);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept.contains("new-1") && !kept.contains("0123456789"),
        "{kept}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let second = Server::start(vec![list(&["other-1"])]);
    configure(&home, &second.url);
    assert!(!offered(&home, "acme/new").contains("new-1"));
    assert!(listed(&home, &["--live"]).stdout.contains("acme/other-1"));
    // One that is broken is as if it weren't there.
    fs::write(&file, "{\"asked\":").unwrap();
    assert_eq!(offered(&home, "acme/o"), "");
    assert_eq!(run(&home, &["-m", "echo", "hi"], &[]).stdout, "hi\n");
}

#[test]
fn a_server_of_ones_own_is_always_asked() {
    let tags = |name: &str| {
        let body = json!({"models": [{"name": name, "model": name}]});
        Answer(200, "content-type: application/json\r\n", body.to_string())
    };
    let server = Server::start(vec![tags("one"), tags("two")]);
    let home = Home::new();
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let words = ["models", "--provider", "ollama"];
    let ran = run(&home, &words, &env);
    assert!(ran.stdout.contains("ollama/one"), "{ran:?}");
    let ran = run(&home, &words, &env);
    assert!(ran.stdout.contains("ollama/two"), "{ran:?}");
    let mut all = env.to_vec();
    all.push(("PARLOR_COMPLETE", "fish"));
    let offered = run(&home, &["--", "parlor", "-m", "ollama/t"], &all);
    assert!(offered.stdout.contains("ollama/two"), "{offered:?}");
}

#[test]
fn what_an_api_of_a_provider_lists_has_the_providers_price() {
    let server = Server::start(vec![list(&["gpt-4o"])]);
    let url = format!("{}/v1", server.url);
    let env = [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &url)];
    let words = ["models", "--live", "--json", "--provider", "openai-chat"];
    let listed = run(&Home::new(), &words, &env).json();
    assert_eq!(listed[0]["id"], "openai-chat/gpt-4o");
    assert!(listed[0]["price"]["input"].is_number(), "{listed}");
}
