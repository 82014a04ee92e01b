//! `parlor demo`: what it shows, in pipes and in terminals, and that it needs nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use crate::common::pty::Pty;
use crate::common::{Home, Ran};
use serde_json::{Value, json};

const SCRIPTED: &str = "The answers in this demo are scripted";

/// Holds what is shown to the file of this name.
#[track_caller]
fn holds(shown: &str, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"));
    if std::env::var_os("PARLOR_WRITE").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    assert!(
        shown == wanted,
        "{name} shows:\n{shown}\ninstead of:\n{wanted}"
    );
}

/// Whether the first and the last words say that it is a script.
#[track_caller]
fn says_so(shown: &str) {
    assert!(shown.trim_start().starts_with(SCRIPTED), "{shown}");
    let last = shown.rfind("\n\n").unwrap();
    assert!(shown[last..].trim().starts_with(SCRIPTED), "{shown}");
}

#[test]
fn in_a_pipe_it_is_plain_text_that_stays_the_same() {
    let home = Home::new();
    let ran = home.run(&["demo"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}'));
    says_so(&ran.stdout);
    holds(&ran.stdout, "demo-pipe");
}

/// Neither proxies, nor keys, nor a configuration that is wrong have a part in it, and nothing is
/// written.
#[test]
fn it_needs_nothing_and_leaves_nothing() {
    let home = Home::new();
    home.config("providers.ollama.base_url = \"http://127.0.0.1:9\"\n");
    let wanted = home.run(&["demo"]);
    let mut command = home.parlor(&["demo"]);
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    command.env("OPENAI_API_KEY", "sk-secret");
    command.env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    assert_eq!(Ran::of(command.output().unwrap()), wanted);
    let kept: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");

    let mut command = home.parlor(&["demo"]);
    command
        .env("HOME", "/proc/none")
        .env("PARLOR_CONFIG", "/proc/none");
    assert_eq!(Ran::of(command.output().unwrap()), wanted);
    let mut command = home.parlor(&["demo"]);
    command.env_remove("HOME");
    assert_eq!(Ran::of(command.output().unwrap()), wanted);
}

#[test]
fn for_programs_it_is_a_step_a_line() {
    let home = Home::new();
    let ran = home.run(&["demo", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let steps: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(steps.len(), 7);
    assert!(steps.iter().all(|it| it["scripted"] == true));
    let paths: Vec<&str> = steps
        .iter()
        .flat_map(|it| it["wire"].as_array().unwrap())
        .map(|it| it["request"]["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "/v1/chat/completions",
            "/v1/messages",
            "/v1/messages",
            "/v1beta/models/scripted:streamGenerateContent?alt=sse",
            "/v1/responses",
            "/api/chat",
            "/v1beta/models/overloaded:streamGenerateContent?alt=sse",
            "/v1/messages",
            "/v1/chat/completions",
        ]
    );
    let last = &steps[6]["wire"][0]["response"];
    assert_eq!(last["hung_up"], true);
    // What was said to one provider is told to the next one: nine of the turns' messages, and this.
    let body = steps[4]["wire"][0]["request"]["body"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["messages"].as_array().unwrap().len(), 11);
    assert_eq!(
        body["messages"][3]["tool_calls"][0]["function"]["name"],
        "weather"
    );
}

#[test]
fn a_terminal_has_two_columns_where_it_is_wide() {
    for cols in [120, 60] {
        let home = Home::new();
        let mut pty = Pty::sized(&home, &["demo", "--fast"], &[], true, cols);
        assert_eq!(pty.ended(), 0);
        let shown = pty.rows();
        says_so(&shown);
        holds(&format!("{}\n", shown.trim_end()), &format!("demo-{cols}"));
    }
}

#[test]
fn a_person_goes_on_by_a_key_and_may_leave() {
    let home = Home::new();
    let mut pty = Pty::sized(&home, &["demo"], &[], true, 120);
    pty.shows("Enter goes on");
    pty.types("\r");
    pty.shows("2 of 7");
    pty.shows("Enter goes on");
    pty.types("\x03");
    assert_eq!(pty.ended(), 130);
    let shown = pty.rows();
    says_so(&shown);
    assert!(!shown.contains("3 of 7"), "{shown}");
    assert!(!shown.contains("Enter goes on"), "{shown}");
}

#[test]
fn a_signal_ends_it() {
    let home = Home::new();
    let mut pty = Pty::sized(&home, &["demo"], &[("NO_COLOR", "1")], true, 80);
    pty.shows("Enter goes on");
    crate::common::signal_of(pty.child.process_id().unwrap(), "TERM");
    assert_eq!(pty.ended(), 130);
    says_so(&pty.rows());
}

#[test]
fn who_reads_no_further_is_no_failure() {
    let home = Home::new();
    let mut child = home.parlor(&["demo"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
}

/// A line of stderr, once it comes, and the process that says it.
fn page(home: &Home) -> (std::process::Child, String, impl std::io::BufRead) {
    let mut command = home.parlor(&["demo", "--browser"]);
    for proxy in ["HTTP_PROXY", "ALL_PROXY"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    let mut child = command.env("BROWSER", "true").spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("http://") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
    }
    let url = line.trim().trim_end_matches('/').to_owned();
    (child, url, said)
}

/// Asks over a connection of its own, and gives the whole answer.
fn asks(url: &str, method: &str, path: &str, body: &str) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_page_asks_the_same_stand_ins_and_keeps_nothing() {
    let home = Home::new();
    let (mut child, url, mut said) = page(&home);
    assert!(asks(&url, "GET", "/", "").contains("<script"));
    let models = asks(&url, "GET", "/api/models", "");
    for model in [
        "openai-chat",
        "openai-responses",
        "anthropic",
        "gemini",
        "ollama",
    ] {
        assert_eq!(
            models
                .matches(&format!("\"id\":\"{model}/scripted\""))
                .count(),
            1,
            "{models}"
        );
        let body = json!({
            "model": format!("{model}/scripted"),
            "messages": [{ "role": "user", "content": "A table, please" }],
        });
        let answer = asks(&url, "POST", "/api/chat/stream", &body.to_string());
        assert!(answer.contains("Chat "), "{model}: {answer}");
        assert!(answer.contains("\"finished\":true"), "{model}: {answer}");
        assert!(answer.contains("scripted "), "{model}: {answer}");
    }
    crate::common::signal(&child, "INT");
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(SCRIPTED), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
