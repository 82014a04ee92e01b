//! What is typed while an answer comes: commands that run then, others that wait, and text.

use std::sync::mpsc::SyncSender;

use crate::common::Home;
use crate::common::pty::Pty;
use crate::common::server::Dripping;
use portable_pty::PtySize;
use serde_json::json;

/// The line under an answer of these servers.
const FIGURES: &str = "ollama/m · 97 tok";

fn start(home: &Home, server: &Dripping, answers: bool, cols: u16) -> Pty {
    let env = [("OLLAMA_HOST", server.url.as_str())];
    Pty::sized(home, &["-m", "ollama/m"], &env, answers, cols)
}

/// A conversation whose first answer has begun.
fn begun(home: &Home, server: &Dripping) -> (Pty, SyncSender<String>) {
    let mut pty = start(home, server, true, 80);
    pty.enters("Tell me");
    let (_, pieces) = server.asked();
    say(&pieces, "Some words ");
    pty.shows("Some words");
    (pty, pieces)
}

fn say(pieces: &SyncSender<String>, text: &str) {
    pieces.send(text.to_owned()).unwrap();
}

/// Waits for the prompt after the first answer, with this in it.
fn stands(pty: &mut Pty, typed: &str) -> String {
    pty.until(|shown| {
        let after = shown.split_once(FIGURES).map(|(_, after)| after);
        after.is_some_and(|after| after.contains(typed))
    })
}

/// Where these stand in what was seen, one after the other and each once.
#[track_caller]
fn in_order(seen: &str, wanted: &[&str]) {
    let mut last = 0;
    for wanted in wanted {
        assert_eq!(seen.matches(wanted).count(), 1, "{wanted:?} in\n{seen}");
        let at = seen.find(wanted).unwrap();
        assert!(at >= last, "{wanted:?} in\n{seen}");
        last = at;
    }
}

#[test]
fn a_command_is_seen_as_it_is_typed_and_runs_at_once() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    say(&pieces, "that are whole.\n\nOthers that");
    pty.shows("Others that");
    pty.types("/stat");
    pty.shows("\n› /stat");
    pty.types("i\x7fus\r");
    pty.shows("conversation: 0 turns, kept as");
    say(&pieces, " go on.");
    drop(pieces);
    pty.shows(FIGURES);
    pty.until(|shown| shown.trim_end().ends_with('›'));
    let seen = pty.rows();
    in_order(
        &seen,
        &[
            "\nSome words that are whole.\n",
            "\n› /status\n",
            "model: ollama/m\nconversation: 0 turns, kept as ",
            "\n\nOthers that go on.\n",
            FIGURES,
        ],
    );
    assert!(!seen.contains("[interrupted]"), "{seen}");
    assert!(!seen.contains("\n\n\n"), "{seen}");
    // A line of aichat's is one, and so is a beginning.
    pty.enters("/sta");
    pty.shows("conversation: 1 turn, kept as");
}

#[test]
fn code_goes_on_as_code_after_a_command() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    say(&pieces, "\n\n```rust\nlet a = 1;\nlet b");
    pty.shows("let b");
    pty.types(".tokens\r");
    pty.shows("Nothing was used yet.");
    say(&pieces, " = **2**;\nlet c = 3;\n```\n\nThe end.");
    drop(pieces);
    pty.shows(FIGURES);
    let order = [
        "let a = 1;",
        "Nothing was used yet.",
        "let b = **2**;\nlet c = 3;\n",
        "The end.",
    ];
    let seen = pty.rows();
    in_order(&seen, &order);
    assert!(!seen.contains("```"), "{seen}");
}

#[test]
fn a_command_that_may_not_run_waits_and_says_so() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    pty.types("/new\r");
    pty.shows("/new waits until the answer ends; Ctrl-C stops it.");
    say(&pieces, "and more.");
    pty.shows("Some words and more.");
    pty.types("\x03");
    pty.shows("[interrupted]");
    pty.until(|shown| shown.rfind("› /new") > shown.find("[interrupted]"));
    pty.types("\r");
    pty.shows("A new conversation.");
    pty.enters("/stauts");
    pty.shows("Did you mean /status?");
}

#[test]
fn what_there_is_not_is_said_at_once() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    pty.types("/stauts\r");
    pty.shows("There is no /stauts. Did you mean /status?");
    pty.types("/model ollamma/m\r");
    pty.shows("error[");
    say(&pieces, "and more.");
    drop(pieces);
    pty.shows("\nSome words and more.\n");
    pty.until(|shown| shown.trim_end().ends_with('›'));
}

#[test]
fn text_is_never_sent_by_itself() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    pty.types("what is\r//next?\r");
    let shown = pty.shows("\n› what is\n  //next?\n");
    assert!(shown.contains("Some words"), "{shown}");
    pty.types("/tokens\r");
    pty.shows("Nothing was used yet.");
    // A paste is text, whatever it holds.
    pty.types("\x1b[200~/quit\r/new\r\x1b[201~");
    pty.shows("/new");
    say(&pieces, "and more.");
    drop(pieces);
    let shown = stands(&mut pty, "› what is\n  //next?\n  /quit\n  /new");
    assert!(shown.contains("\nSome words and more.\n"), "{shown}");
    assert!(server.is_done());
    pty.types("\r");
    let (request, _) = server.asked();
    let wanted = r#""what is\n//next?\n/quit\n/new""#;
    assert!(request.body.contains(wanted), "{}", request.body);
}

#[test]
fn settings_count_from_the_next_question_on() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    pty.types("/set\r");
    let shown = pty.shows("temperature default");
    assert!(!shown.contains("next question"), "{shown}");
    pty.types("/set temperature 0.5\r");
    pty.shows("temperature is 0.5.\nThat is from the next question on.");
    drop(pieces);
    pty.shows(FIGURES);
    pty.enters("And now?");
    let (request, pieces) = server.asked();
    assert!(request.body.contains("\"temperature\":0.5"), "{request:?}");
    assert!(request.body.contains("Some words"), "{request:?}");
    say(&pieces, "Something else.");
    pty.shows("Something else.");
    pty.types("/model echo\r");
    pty.shows("echo/echo answers from now on.\nThat is from the next question on.");
    drop(pieces);
    pty.until(|shown| shown.matches(FIGURES).count() == 2);
    pty.enters("Say this");
    pty.shows("\nSay this\n");
    let kept = home.run(&["usage", "--by", "model", "--json"]).json();
    let rows = kept["rows"].as_array().unwrap().iter();
    let turns = rows.map(|row| (row["model"].clone(), row["turns"].clone()));
    let turns: Vec<_> = turns.collect();
    assert!(turns.contains(&(json!("ollama/m"), json!(2))), "{kept}");
}

/// A template has its own answer shown otherwise, and no more than that.
#[test]
fn what_is_chosen_holds_after_a_template_that_has_its_question_thought_through() {
    let (home, server) = (Home::new(), Dripping::start());
    let mut pty = start(&home, &server, true, 80);
    pty.enters("/template think Tell me");
    let (_, pieces) = server.asked();
    say(&pieces, "A thought");
    pty.shows("A thought");
    pty.types("/think on\r");
    pty.shows("Thoughts are shown.\nThat is from the next question on.");
    pty.types("/model echo\r");
    pty.shows("echo/echo answers from now on.");
    drop(pieces);
    pty.shows(FIGURES);
    pty.enters("Say this");
    pty.shows("\nSay this\n");
    pty.enters("/think");
    pty.shows("Thoughts are not shown.");
}

#[test]
fn leaving_stops_the_answer_and_keeps_it() {
    let (home, server) = (Home::new(), Dripping::start());
    let (mut pty, pieces) = begun(&home, &server);
    pty.types("/quit\r");
    assert_eq!(pty.ended(), 0);
    // The client has hung up.
    while pieces.send("more ".to_owned()).is_ok() {}
    let kept = home.run(&["history", "--json"]).json();
    let id = kept[0]["id"].as_str().unwrap();
    let shown = home.run(&["history", "--show", id]).stdout;
    assert!(shown.contains("Some words"), "{shown}");
    assert!(shown.contains("[interrupted]"), "{shown}");
}

#[test]
fn what_is_typed_takes_little_room_and_moves_nothing() {
    let (home, server) = (Home::new(), Dripping::start());
    let mut pty = start(&home, &server, true, 30);
    pty.enters("Tell me");
    let (_, pieces) = server.asked();
    let words = |from: u32, to: u32| (from..to).map(|n| format!("word{n} ")).collect::<String>();
    say(&pieces, &words(0, 6));
    pty.shows("word5");
    let typed = "a line that is far longer than this terminal has columns";
    pty.types(typed);
    pty.shows("\n› … this terminal has columns");
    for (from, cols) in [(6, 30), (12, 18), (18, 50)] {
        pty.reflow(cols);
        let size = PtySize {
            rows: 24,
            cols,
            ..PtySize::default()
        };
        pty.master.resize(size).unwrap();
        pty.types("!");
        pty.until(|shown| shown.trim_end().ends_with(&"!".repeat(from as usize / 6)));
        say(&pieces, &words(from, from + 6));
        pty.shows(&format!("word{}", from + 5));
    }
    drop(pieces);
    pty.shows(FIGURES);
    pty.until(|shown| shown.contains("› a line that is far longer"));
    let all = pty.rows();
    for n in 0..24 {
        let word = format!("word{n}");
        let count = all.split_whitespace().filter(|it| **it == word).count();
        assert_eq!(count, 1, "{word} in\n{all}");
    }
    pty.types("\r");
    let (request, _) = server.asked();
    assert!(request.body.contains(&format!("\"{typed}!!!\"")));
}

#[test]
fn a_call_is_not_answered_by_what_was_typed_and_nothing_of_that_is_lost() {
    let (home, server) = (Home::new(), Dripping::start());
    home.file("notes.txt", "inside");
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let words = ["-m", "ollama/m", "--tool", "read_file"];
    let mut pty = Pty::new(&home, &words, &env, true);
    pty.enters("Tell me");
    let (_, pieces) = server.asked();
    say(&pieces, "I look.");
    pty.types("yes");
    pty.shows("› yes");
    let call = json!({"function": {"name": "read_file", "arguments": {"path": "notes.txt"}}});
    let message = json!({"role": "assistant", "content": "", "tool_calls": [call]});
    say(&pieces, &message.to_string());
    drop(pieces);
    let shown = pty.until(|shown| shown.trim_end().ends_with("Ctrl-C stops:"));
    assert!(!shown.contains("› yes"), "{shown}");
    pty.types("n");
    pty.shows("the person said no");
    let (_, pieces) = server.asked();
    say(&pieces, "A pity.");
    pty.shows("› yes");
    pty.types(", please");
    pty.shows("› yes, please");
    drop(pieces);
    pty.shows("A pity.");
    pty.until(|shown| shown.trim_end().ends_with("› yes, please"));
}

#[test]
fn whole_lines_are_read_at_the_prompt_where_the_terminal_says_nothing() {
    let (home, server) = (Home::new(), Dripping::start());
    let mut pty = start(&home, &server, false, 80);
    pty.enters("Tell me");
    let (_, pieces) = server.asked();
    say(&pieces, "Some words ");
    pty.shows("Some words");
    pty.types("/status\r");
    say(&pieces, "and more.");
    let shown = pty.shows("Some words and more.");
    assert!(!shown.contains("/status"), "{shown}");
    drop(pieces);
    let shown = pty.shows("conversation: 1 turn, kept as");
    let answer = shown.find(FIGURES).unwrap();
    assert!(answer < shown.find("conversation:").unwrap(), "{shown}");
}

#[test]
fn the_help_tells_which_commands_run_meanwhile() {
    let home = Home::new();
    let ran = home.pipe(&["-m", "echo", "-i"], "/help\n");
    let marked = |name: &str| {
        let mut rows = ran.stderr.lines();
        rows.any(|row| row.starts_with(&format!("* /{name} ")))
    };
    for name in ["help", "model", "set", "copy", "status", "quit"] {
        assert!(marked(name), "{name}: {ran:?}");
    }
    for name in ["new", "retry", "undo", "attach", "schema", "resume"] {
        assert!(!marked(name), "{name}: {ran:?}");
    }
    assert!(ran.stderr.contains("commands with a *"), "{ran:?}");
}
