//! Questions in a conversation that get no answer, or no whole one.

use crate::common::pty::Pty;
use crate::common::server::{Answer, Dripping, Server};
use crate::common::{Home, Ran};
use serde_json::{Value, json};

const JSON: &str = "content-type: application/json\r\n";

fn ended(content: &str, reason: &str) -> Answer {
    let line = json!({
        "model": "m",
        "message": {"role": "assistant", "content": content},
        "done": true,
        "done_reason": reason,
        "prompt_eval_count": 3,
        "eval_count": 4,
    });
    Answer(
        200,
        "content-type: application/x-ndjson\r\n",
        format!("{line}\n"),
    )
}

fn answer(content: &str) -> Answer {
    ended(content, "stop")
}

fn broken() -> Answer {
    Answer(500, JSON, json!({"error": "it broke"}).to_string())
}

fn home(server: &Server) -> Home {
    let home = Home::new();
    home.config(&format!(
        "default_model = \"ollama/m\"\n[layers.retry]\nattempts = 1\n\
         [providers.ollama]\nbase_url = \"{}\"\n",
        server.url
    ));
    home
}

/// What was said in the next request.
fn said(server: &Server) -> Vec<String> {
    let body: Value = serde_json::from_str(&server.request().body).unwrap();
    let messages = body["messages"].as_array().unwrap().iter();
    messages
        .map(|it| it["content"].as_str().unwrap().to_owned())
        .collect()
}

fn kept(home: &Home) -> Ran {
    let listed = home.run(&["history", "--json"]).json();
    home.run(&["history", "--show", listed[0]["id"].as_str().unwrap()])
}

#[test]
fn a_question_that_failed_is_the_one_that_is_asked_again() {
    let server = Server::start(vec![answer("One."), broken(), answer("Two.")]);
    let home = home(&server);
    let ran = home.pipe(&["-i"], "first\nsecond\n/retry\n");
    assert_eq!(ran.stdout, "One.\nTwo.\n", "{ran:?}");
    ran.says(&["error[server]", "/retry asks again"]);
    said(&server);
    for _ in 0..2 {
        assert_eq!(said(&server), ["first", "One.", "second"]);
    }
    let kept = kept(&home).stdout;
    for text in ["first", "One.", "second", "Two."] {
        assert_eq!(kept.matches(text).count(), 1, "{kept}");
    }
}

#[test]
fn what_follows_a_question_that_failed_stays_kept_when_a_turn_is_taken_back() {
    let server = Server::start(vec![
        answer("One."),
        broken(),
        answer("Three."),
        answer("Four."),
    ]);
    let home = home(&server);
    let ran = home.pipe(&["-i"], "first\nsecond\nthird\nfourth\n/undo\n");
    ran.says(&["Taken back: fourth"]);
    let kept = kept(&home).stdout;
    assert!(kept.contains("third") && kept.contains("Three."), "{kept}");
    assert!(!kept.contains("fourth"), "{kept}");
}

#[test]
fn a_question_that_cannot_be_answered_stands_in_the_way_of_no_other() {
    let refused = Answer(400, JSON, json!({"error": "invalid"}).to_string());
    let server = Server::start(vec![answer("One."), refused, answer("Three.")]);
    let home = home(&server);
    let ran = home.pipe(&["-i"], "first\nsecond\nthird\n");
    assert_eq!(ran.stdout, "One.\nThree.\n", "{ran:?}");
    said(&server);
    said(&server);
    assert_eq!(said(&server), ["first", "One.", "third"]);
    let kept = kept(&home).stdout;
    assert!(
        kept.contains("Three.") && !kept.contains("second"),
        "{kept}"
    );
}

#[test]
fn a_value_that_is_stopped_is_a_turn_as_any_other() {
    let server = Dripping::start();
    let home = Home::new();
    let env = [("OLLAMA_HOST", &*server.url)];
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &env, true);
    pty.enters("first");
    let (_, pieces) = server.asked();
    pieces.send("One.".to_owned()).unwrap();
    drop(pieces);
    pty.shows("ollama/m · ");
    pty.enters("/schema name");
    pty.shows("JSON: name.");
    pty.enters("second");
    let (_, pieces) = server.asked();
    pieces.send("{\"na".to_owned()).unwrap();
    pty.types("\u{3}");
    pty.shows("[interrupted]");
    drop(pieces);
    pty.enters("/undo");
    pty.shows("Taken back: second");
    pty.enters("/quit");
    assert_eq!(pty.ended(), 0);
    let kept = kept(&home).stdout;
    assert!(kept.contains("One.") && !kept.contains("second"), "{kept}");
}

#[test]
fn what_was_attached_goes_with_the_question_that_failed_and_no_other() {
    let server = Server::start(vec![broken(), answer("Two."), answer("Three.")]);
    let home = home(&server);
    let file = home.file("notes.txt", "remember the milk");
    let lines = format!("/attach {file}\nfirst\n/retry\nsecond\n");
    let ran = home.pipe(&["-i"], lines);
    assert_eq!(ran.stdout, "Two.\nThree.\n", "{ran:?}");
    let milk = |said: Vec<String>| said.join("\n").matches("milk").count();
    for _ in 0..3 {
        assert_eq!(milk(said(&server)), 1);
    }
}

#[test]
fn an_answer_that_was_cut_at_the_limit_is_told() {
    let server = Server::start(vec![ended("Once upon", "length")]);
    let home = home(&server);
    let ran = home.pipe(&["-i"], "Tell a tale.\n");
    assert_eq!(ran.stdout, "Once upon\n");
    ran.says(&["the answer was cut at the token limit"]);
}

#[test]
fn a_person_is_told_why_nothing_comes_while_they_wait() {
    let busy = json!({"error": "busy"}).to_string();
    let later = "content-type: application/json\r\nretry-after: 20\r\n";
    let server = Server::start(vec![Answer(503, later, busy), answer("Now.")]);
    let home = home(&server);
    home.config(&format!(
        "default_model = \"ollama/m\"\n[providers.ollama]\nbase_url = \"{}\"\n",
        server.url
    ));
    let mut pty = Pty::new(&home, &[], &[], true);
    pty.enters("Hi");
    pty.shows("retrying in 2");
    pty.types("\u{3}");
    pty.shows("[interrupted]");
    pty.enters("And now?");
    let shown = pty.shows("Now.");
    assert_eq!(shown.matches("retrying").count(), 1, "{shown}");
    pty.enters("/quit");
    assert_eq!(pty.ended(), 0);
}
