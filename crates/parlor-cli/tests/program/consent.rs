//! A person is asked before a tool runs: each answer, in one question and in a conversation.

use crate::common::calling::{calls, last_result, says, tools_of};
use crate::common::pty::Pty;
use crate::common::server::{Answer, Server};
use crate::common::{Home, signal_of};
use serde_json::json;

fn asks() -> Answer {
    calls(&[("read_file", json!({"path": "notes.txt"}))])
}

fn home() -> Home {
    let home = Home::new();
    home.file("notes.txt", "inside");
    home
}

fn start(home: &Home, server: &Server, more: &[&str]) -> Pty {
    let words = [&["-m", "ollama/m", "--tool", "read_file"][..], more].concat();
    Pty::new(home, &words, &[("OLLAMA_HOST", &server.url)], true)
}

/// Waits for the question and answers it.
fn answer(pty: &mut Pty, key: &str) {
    let shown = pty.until(|shown| shown.trim_end().ends_with("Ctrl-C stops:"));
    assert!(
        shown.contains("read_file (built-in) wants to run with"),
        "{shown}"
    );
    assert!(shown.contains("\"path\": \"notes.txt\""), "{shown}");
    pty.types(key);
}

#[test]
fn once_is_once() {
    let home = home();
    let server = Server::start(vec![asks(), asks(), says("Done.")]);
    let mut pty = start(&home, &server, &["Hi"]);
    answer(&mut pty, "y");
    pty.shows("stops: yes");
    pty.until(|shown| shown.matches("wants to run").count() == 2);
    answer(&mut pty, "n");
    pty.shows("✗ read_file: the person said no");
    pty.shows("Done.");
    // A person's no is no failure.
    assert_eq!(pty.ended(), 0);
    server.request();
    assert_eq!(last_result(&server), "inside");
    assert!(last_result(&server).contains("the person said no"));
}

#[test]
fn for_this_session_is_not_for_the_next() {
    let home = home();
    let answers = vec![asks(), asks(), says("Done."), asks(), says("Twice.")];
    let server = Server::start(answers);
    let mut pty = start(&home, &server, &["Hi"]);
    answer(&mut pty, "s");
    let shown = pty.shows("Done.");
    assert_eq!(shown.matches("wants to run").count(), 1, "{shown}");
    assert_eq!(shown.matches("✓ read_file: 6 B").count(), 2, "{shown}");
    assert_eq!(pty.ended(), 0);
    let mut pty = start(&home, &server, &["Hi"]);
    answer(&mut pty, "\x1b");
    pty.shows("Twice.");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn always_and_never_are_remembered_for_what_they_were_said_of() {
    for (key, runs) in [("a", true), ("d", false)] {
        let home = home();
        let mut answers = vec![asks(), says("One."), says("Two."), asks(), says("Three.")];
        if runs {
            answers.insert(2, asks());
        }
        let server = Server::start(answers);
        let mut pty = start(&home, &server, &["Hi"]);
        answer(&mut pty, key);
        pty.shows("One.");
        assert_eq!(pty.ended(), 0);
        server.request();
        server.request();
        // Where nobody could be asked, too.
        let mut command = home.parlor(&["-m", "ollama/m", "--tool", "read_file", "Hi"]);
        let ran = command.env("OLLAMA_HOST", &server.url).output().unwrap();
        let told = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(told.contains("✓ read_file"), runs, "{told}");
        // What is never to run, the model isn't told of.
        assert_eq!(tools_of(&server.request().body).len(), usize::from(runs));
        assert_eq!(ran.status.code(), Some(0));
        let file = home.path().join(".local/share/parlor/tools.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let other = text.replace("source = \"built-in\"", "source = \"program elsewhere\"");
        assert_ne!(text, other);
        std::fs::write(&file, other).unwrap();
        let mut pty = start(&home, &server, &["Hi"]);
        answer(&mut pty, "y");
        pty.shows("Three.");
    }
}

#[test]
fn ctrl_c_at_the_question_denies_and_stops() {
    let home = home();
    let server = Server::start(vec![asks()]);
    let mut pty = start(&home, &server, &["Hi"]);
    answer(&mut pty, "\x03");
    pty.shows("stopped");
    assert_eq!(pty.ended(), 130);

    let server = Server::start(vec![asks(), says("Again.")]);
    let mut pty = start(&home, &server, &[]);
    pty.enters("Hi");
    answer(&mut pty, "\x03");
    pty.shows("[interrupted]");
    pty.enters("And now?");
    pty.shows("Again.");
    server.request();
    let body = server.request().body;
    assert!(
        body.contains("no result") && !body.contains("inside"),
        "{body}"
    );
}

#[test]
fn what_was_typed_before_the_question_answers_nothing() {
    let home = home();
    let server = Server::start(vec![asks(), says("Done.")]);
    let mut pty = start(&home, &server, &["Hi"]);
    pty.types("yyyy\r");
    answer(&mut pty, "\r");
    // Enter alone is no answer.
    pty.types("n");
    pty.shows("✗ read_file");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn long_arguments_are_cut_and_shown_whole_when_asked_for() {
    let home = home();
    let text = format!("{}\u{1b}[2J\u{202e}end", "line ".repeat(300));
    let call = calls(&[("read_file", json!({"path": text}))]);
    let server = Server::start(vec![call, says("Done.")]);
    let mut pty = start(&home, &server, &["Hi"]);
    let shown = pty.shows("[v] all of it");
    assert!(!shown.contains("end\""), "{shown}");
    pty.types("v");
    let shown = pty.shows("end\"");
    assert!(shown.contains("\\u{202e}end"), "{shown}");
    pty.types("n");
    pty.shows("Done.");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn a_conversation_asks_and_goes_on() {
    let home = home();
    let answers = vec![
        asks(),
        says("**One**."),
        says("Two."),
        asks(),
        says("Three."),
    ];
    let server = Server::start(answers);
    let mut pty = start(&home, &server, &[]);
    pty.enters("Hi");
    answer(&mut pty, "y");
    pty.shows("→ read_file(path: \"notes.txt\")");
    pty.shows("✓ read_file: 6 B");
    pty.shows("\nOne.\n");
    pty.enters("/tools off read_file");
    pty.shows("read_file is off.");
    pty.enters("More");
    pty.shows("\nTwo.\n");
    pty.enters("/tools on read_file");
    pty.enters("/tools allow read_file");
    pty.shows("runs without asking");
    pty.enters("/tools");
    let shown = pty.shows("/tools on NAME");
    assert!(shown.contains("on  read_file"), "{shown}");
    assert!(shown.contains("off time"), "{shown}");
    pty.enters("Again");
    pty.shows("\nThree.\n");
    server.request();
    server.request();
    let body = server.request().body;
    assert!(!body.contains("\"tools\""), "{body}");
}

#[test]
fn a_call_that_waits_when_the_terminal_closes_is_offered_again() {
    for conversation in [false, true] {
        let home = home();
        let server = Server::start(vec![asks(), says("Done.")]);
        let mut pty = start(&home, &server, if conversation { &[] } else { &["Hi"] });
        if conversation {
            pty.enters("Hi");
        }
        pty.until(|shown| shown.trim_end().ends_with("Ctrl-C stops:"));
        signal_of(pty.child.process_id().unwrap(), "HUP");
        pty.ended();
        // The tool needn't be named again.
        let words = ["-m", "ollama/m", "-c"];
        let mut pty = Pty::new(&home, &words, &[("OLLAMA_HOST", &server.url)], true);
        pty.shows("read_file still waits for you.");
        answer(&mut pty, "y");
        pty.shows("\nDone.\n");
        server.request();
        assert_eq!(last_result(&server), "inside");
    }
}

#[test]
fn ctrl_c_stops_a_program_and_the_conversation_goes_on() {
    let home = Home::new();
    let file = home.file("slow.sh", "#!/bin/sh\necho $$ > pid\nexec sleep 600\n");
    std::process::Command::new("chmod")
        .args(["+x", &file])
        .status()
        .unwrap();
    home.config(&format!(
        "[tools]\non = [\"slow\"]\n[tools.slow]\ncommand = [\"{file}\"]\ndescription = \"x\"\n"
    ));
    let server = Server::start(vec![calls(&[("slow", json!({}))]), says("Yes.")]);
    let mut pty = Pty::new(
        &home,
        &["-m", "ollama/m"],
        &[("OLLAMA_HOST", &server.url)],
        true,
    );
    pty.enters("Hi");
    let shown = pty.until(|shown| shown.trim_end().ends_with("Ctrl-C stops:"));
    assert!(
        shown.contains("slow (program ") && shown.contains("no arguments"),
        "{shown}"
    );
    pty.types("y");
    pty.shows("→ slow()");
    while !std::fs::read_to_string(home.path().join("pid")).is_ok_and(|it| it.ends_with('\n')) {}
    pty.types("\x03");
    pty.shows("[interrupted]");
    pty.enters("And now?");
    pty.shows("\nYes.\n");
}

#[test]
fn a_narrow_terminal_shows_all_of_the_question() {
    let home = home();
    let server = Server::start(vec![
        calls(&[(
            "read_file",
            json!({"path": "a/long/way/to/the/notes/of/last/year/notes.txt"}),
        )]),
        says("Done."),
    ]);
    let words = ["-m", "ollama/m", "--tool", "read_file", "Hi"];
    let mut pty = Pty::sized(&home, &words, &[("OLLAMA_HOST", &server.url)], true, 40);
    let shown = pty.until(|shown| shown.trim_end().ends_with("Ctrl-C stops:"));
    let question = "\
read_file (built-in) wants to run with
  {
    \"path\": \"a/long/way/to/the/notes/of
  /last/year/notes.txt\"
  }
  [y] once  [s] this session
  [a] always  [n] no  [d] never
  Ctrl-C stops:";
    assert!(shown.trim_end().ends_with(question), "{shown}");
    pty.types("n");
    let shown = pty.shows("Done.");
    assert!(shown.contains("Ctrl-C stops: no\n"), "{shown}");
}
