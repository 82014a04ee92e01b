//! Picking a conversation that is kept, in a terminal.

use crate::common::Home;
use crate::common::pty::Pty;

/// A home with three conversations, the one about whales the oldest.
fn home() -> Home {
    let home = Home::new();
    for said in [
        "whales sing all night",
        "a rhyme on rust",
        "the third of three",
    ] {
        assert_eq!(home.run(&["-m", "echo", said]).code, Some(0));
    }
    home
}

fn titles(home: &Home) -> Vec<String> {
    let listed = home.run(&["history", "--json"]).json();
    let listed = listed.as_array().unwrap().iter();
    listed
        .map(|it| it["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn resume_picks_by_words_and_shows_the_end() {
    let home = home();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], true);
    pty.enters("/resume");
    let shown = pty.shows("3 conversations");
    assert!(
        shown.contains("whales sing") && shown.contains("1 turn · echo/echo"),
        "{shown}"
    );
    pty.types("whal");
    pty.until(|shown| shown.contains("/whal▏ 1") && !shown.contains("third of three"));
    pty.types("\r");
    let shown = pty.shows("› whales sing all night\nwhales sing all night\n");
    assert!(!shown.contains("Enter goes on"), "{shown}");
    pty.enters("more");
    pty.shows("\nmore\n");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    assert_eq!(titles(&home)[0], "whales sing all night");
}

#[test]
fn what_was_used_before_counts_and_another_model_is_told() {
    let home = home();
    let mut pty = Pty::new(&home, &["-m", "embedded/rules", "-c"], &[], true);
    pty.shows("echo/echo answered before, embedded/rules does now: /model echo/echo goes back.");
    pty.enters("/tokens");
    let shown = pty.shows("before it was gone on with: ");
    assert!(!shown.contains("Nothing was used"), "{shown}");
    pty.enters("/new");
    pty.shows("A new conversation.");
    pty.enters("/tokens");
    pty.shows("Nothing was used yet.");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn a_conversation_is_deleted_only_by_a_yes() {
    let home = home();
    let mut pty = Pty::sized(&home, &["-m", "echo", "-c=pick"], &[], true, 34);
    let shown = pty.shows("3 conversations");
    assert!(
        shown.contains("› ") && shown.contains("just now"),
        "{shown}"
    );
    pty.types("d");
    pty.shows("Delete it with all");
    pty.types("n");
    pty.until(|shown| !shown.contains("Delete it"));
    pty.types("\x1b[Bd");
    pty.shows("Delete it with all");
    pty.types("y");
    pty.shows("2 conversations");
    pty.types("\x1b");
    assert_eq!(pty.ended(), 130);
    assert_eq!(
        titles(&home),
        ["the third of three", "whales sing all night"]
    );
}

#[test]
fn history_picks_in_a_terminal_and_lists_elsewhere() {
    let home = home();
    let listed = home.run(&["history", "rust"]).stdout;
    assert!(listed.contains("a rhyme on rust"), "{listed}");
    let mut pty = Pty::new(&home, &["history", "rust"], &[], true);
    pty.shows("/rust▏ 1");
    pty.types("\r");
    pty.shows("› a rhyme on rust\n");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    // Nothing of the list stays on the screen, also where nobody answers.
    let mut pty = Pty::new(&home, &["history"], &[], false);
    pty.shows("3 conversations");
    pty.types("\x1b");
    assert_eq!(pty.ended(), 0);
    assert_eq!(pty.contents().trim(), "");
}

#[test]
fn as_many_turns_are_shown_again_as_asked_for() {
    let home = Home::new();
    for said in ["first words here", "second words here", "third words here"] {
        let more: &[&str] = if said.starts_with("first") {
            &[]
        } else {
            &["-c"]
        };
        home.run(&[&["-m", "echo"], more, &[said]].concat());
    }
    let of = |replay: &str| {
        home.pipe(&["-m", "echo", "-i", "-c", "--replay", replay], "")
            .stdout
    };
    assert_eq!(of("1"), "third words here\n");
    assert_eq!(of("0"), "");
    assert_eq!(of("9").lines().count(), 3);
}

#[test]
fn a_title_that_says_little_becomes_better_until_a_person_names_it() {
    let home = Home::new();
    home.run(&["-m", "echo", "hi"]);
    assert_eq!(titles(&home), ["hi"]);
    home.run(&["-m", "echo", "-c", "Why do whales sing?"]);
    assert_eq!(titles(&home), ["Why do whales sing?"]);
    home.pipe(&["-m", "echo", "-i", "-c"], "/title Whales\n");
    home.run(&["-m", "echo", "-c", "and what do they eat?"]);
    assert_eq!(titles(&home), ["Whales"]);
}
