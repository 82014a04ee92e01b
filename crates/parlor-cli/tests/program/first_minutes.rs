//! The first minutes with the program: no key, an id that was told, an awaited answer,
//! one that was cut.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::mpsc::channel;

use crate::common::pty::Pty;
use crate::common::server::{Answer, Server, read_request};
use crate::common::{Home, Ran};

const NDJSON: &str = "content-type: application/x-ndjson\r\n";

fn piece(text: &str, done: bool) -> String {
    let message = serde_json::json!({"role": "assistant", "content": text});
    let mut line = serde_json::json!({"model": "m", "message": message, "done": done});
    if done {
        line["done_reason"] = "stop".into();
        line["prompt_eval_count"] = 30.into();
        line["eval_count"] = 11.into();
    }
    format!("{line}\n")
}

#[test]
fn a_first_conversation_needs_nothing_and_is_found_by_its_name() {
    let home = Home::new();
    let mut pty = Pty::sized(&home, &["-m", "embedded"], &[], true, 100);
    let shown = pty.shows("Ctrl-D quits");
    let line = shown.lines().find(|it| it.contains("new chat")).unwrap();
    let (model, rest) = line.split_once(" · new chat ").unwrap();
    assert_eq!(model, "parlor 0.1 · embedded/rules");
    let (id, _) = rest.split_once(' ').unwrap();
    let store = home.path().join(".local/share/parlor/parlor.db");
    assert!(!store.exists(), "nothing is written before the first turn");
    pty.enters("my name is Ann");
    pty.shows("Nice to meet you, Ann.");
    pty.enters("what is my name?");
    let shown = pty.shows("\nAnn.\nembedded/rules · ");
    assert!(shown.contains(" tok · $0 · "), "{shown}");
    pty.enters("/status");
    pty.shows(&format!("2 turns, kept as {id}"));
    pty.enters("/quit");
    assert_eq!(pty.ended(), 0);
    let kept = home.run(&["history", "--json", "ann"]).json();
    assert_eq!(kept[0]["id"], *id, "{kept}");
    let named = home.run(&["-m", "embedded", &format!("-c={id}"), "and in French?"]);
    assert_eq!(named.stdout, "Tu t'appelles Ann.\n", "{named:?}");
}

#[test]
fn an_awaited_answer_has_a_sign_that_goes() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, go) = channel::<()>();
    let server = std::thread::spawn(move || {
        let mut stream = loop {
            let (stream, _) = listener.accept().unwrap();
            if read_request(&stream).is_some() {
                break stream;
            }
        };
        go.recv().unwrap();
        let body = piece("Here it is.", true);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{NDJSON}\r\n");
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let mut pty = Pty::new(
        &home,
        &["-m", "ollama/m", "hi"],
        &[("OLLAMA_HOST", &url)],
        true,
    );
    pty.until(|shown| shown.trim().ends_with(" s") && shown.trim().lines().count() == 1);
    seen.send(()).unwrap();
    pty.shows("Here it is.");
    assert_eq!(pty.ended(), 0);
    assert_eq!(pty.contents().trim(), "Here it is.");
    server.join().unwrap();
}

#[test]
fn a_cut_answer_is_gone_on_with() {
    let home = Home::new();
    let cut = Answer(200, NDJSON, piece("One two three four five six", false));
    let rest = Answer(200, NDJSON, piece(" seven eight.", true));
    let server = Server::start(vec![cut, rest]);
    let run = |arguments: &[&str]| {
        let mut command = home.parlor(&[&["-m", "ollama/m"], arguments].concat());
        Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap())
    };
    run(&["Count"]).says(&[
        "error[interrupted-stream]: connection dropped after ~",
        "; the partial answer is saved.\n  help: parlor -c --continue\n",
    ]);
    server.request();
    let whole = run(&["-c", "--continue"]);
    assert_eq!(
        whole.stdout, "One two three four five six seven eight.\n",
        "{whole:?}"
    );
    assert!(
        server
            .request()
            .body
            .contains("One two three four five six")
    );
    let kept = home.run(&["history", "--json"]).json();
    assert_eq!(
        (&kept[0]["turns"], &kept[1]),
        (&1.into(), &serde_json::Value::Null)
    );
    let id = kept[0]["id"].as_str().unwrap();
    let shown = home.run(&["history", "--show", id]).stdout;
    assert!(shown.contains("six seven eight."), "{shown}");
    run(&["-c", "--continue"])
        .failed(2, "usage")
        .says(&["the last answer is whole", "--retry"]);
    run(&["-c", "--continue", "more"]).failed(2, "usage");
}
