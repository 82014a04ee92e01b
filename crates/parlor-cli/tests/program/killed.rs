//! The program is killed amid an answer, or its reader goes: what had come is kept,
//! marked interrupted.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::common::pty::Pty;
use crate::common::server::Dripping;
use crate::common::{Home, signal_of};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const INTERRUPTED: &str = "*[interrupted]*";

/// The only conversation as it is printed, and how many turns it has.
fn kept(home: &Home) -> (String, u64) {
    let listed = home.run(&["history", "--json"]).json();
    assert_eq!(listed.get(1), None, "{listed}");
    match listed[0]["id"].as_str() {
        Some(id) => {
            let shown = home.run(&["history", "--show", id]).stdout;
            (shown, listed[0]["turns"].as_u64().unwrap())
        }
        None => (String::new(), 0),
    }
}

/// Waits until this is kept, as another process sees it.
fn until_kept(home: &Home, wanted: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let (shown, _) = kept(home);
        if shown.contains(wanted) {
            assert!(shown.contains(INTERRUPTED), "{shown}");
            return;
        }
        let is_late = Instant::now() >= end;
        assert!(!is_late, "{wanted:?} was never kept; there is:\n{shown}");
    }
}

fn ask(home: &Home, server: &Dripping, more: &[&str]) -> Child {
    let mut command = home.parlor(&[&["-m", "ollama/m"], more, &["Tell me"]].concat());
    command.env("OLLAMA_HOST", &server.url).spawn().unwrap()
}

#[test]
fn a_conversation_that_is_killed_goes_on_with_what_had_come() {
    let (home, server) = (Home::new(), Dripping::start());
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &env, true);
    pty.enters("Tell me");
    let (_, pieces) = server.asked();
    pieces.send("Some words ".to_owned()).unwrap();
    until_kept(&home, "Some words");
    // It is kept again as it grows.
    pieces.send("and more".to_owned()).unwrap();
    until_kept(&home, "Some words and more");
    signal_of(pty.child.process_id().unwrap(), "KILL");
    pty.ended();
    let (shown, turns) = kept(&home);
    assert!(shown.contains(INTERRUPTED), "{shown}");
    assert_eq!((turns, shown.matches("Some words").count()), (1, 1));

    let mut pty = Pty::new(&home, &["-m", "echo", "-c"], &[], true);
    let shown = pty.shows("[interrupted]");
    assert!(shown.contains("Some words and more"), "{shown}");
    pty.enters("What did you say?");
    pty.shows("\nWhat did you say?\n");
    assert_eq!(kept(&home).1, 2);
}

#[test]
fn one_question_whose_program_is_killed_keeps_what_had_come() {
    for more in [&[][..], &["--tool", "time"], &["--output", "events"]] {
        let (home, server) = (Home::new(), Dripping::start());
        let mut child = ask(&home, &server, more);
        let (_, pieces) = server.asked();
        pieces.send("Some words".to_owned()).unwrap();
        until_kept(&home, "Some words");
        child.kill().unwrap();
        child.wait().unwrap();
        let (shown, turns) = kept(&home);
        assert!(shown.contains(INTERRUPTED), "{more:?}: {shown}");
        assert_eq!((turns, shown.matches("Some words").count()), (1, 1));
        let list = home.run(&["history", "words"]).stdout;
        assert!(list.contains("Some words"), "{more:?}: {list}");
    }
}

#[test]
fn an_answer_whose_reader_goes_keeps_what_had_come() {
    for more in [&[][..], &["--tool", "time"]] {
        let (home, server) = (Home::new(), Dripping::start());
        let mut child = ask(&home, &server, more);
        let (_, pieces) = server.asked();
        pieces.send("Some words".to_owned()).unwrap();
        until_kept(&home, "Some words");
        drop(child.stdout.take());
        // The client hangs up once it has noticed.
        while pieces.send(" and more".to_owned()).is_ok() {}
        child.wait().unwrap();
        let (shown, turns) = kept(&home);
        assert!(shown.contains(INTERRUPTED), "{more:?}: {shown}");
        assert_eq!((turns, shown.matches("Some words").count()), (1, 1));
    }
}

#[test]
fn an_answer_that_ends_is_kept_once_and_whole() {
    for more in [&[][..], &["--tool", "time"]] {
        let (home, server) = (Home::new(), Dripping::start());
        let mut child = ask(&home, &server, more);
        let (_, pieces) = server.asked();
        pieces.send("Some words ".to_owned()).unwrap();
        until_kept(&home, "Some words");
        pieces.send("and an end.".to_owned()).unwrap();
        drop(pieces);
        assert!(child.wait().unwrap().success());
        let (shown, turns) = kept(&home);
        assert!(!shown.contains(INTERRUPTED), "{more:?}: {shown}");
        assert!(shown.contains("Some words and an end."), "{shown}");
        assert_eq!((turns, shown.matches("Some words").count()), (1, 1));
        let used = home.run(&["usage", "--json"]).json();
        assert_eq!(used["total"]["turns"], 1, "{used}");
        assert_eq!(used["total"]["usage"]["output_tokens"], 90, "{used}");
    }
}
