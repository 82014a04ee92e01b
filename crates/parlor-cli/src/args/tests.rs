//! What becomes of a command line.

use parlor::{Effort, ReasoningConfig};

use super::*;

fn parsed(words: &[&str]) -> Command {
    let words = std::iter::once(&"parlor").chain(words);
    match parse(words.map(OsString::from).collect()) {
        Ok(Parsed::Command(command)) => command,
        _ => panic!("no command"),
    }
}

fn chat(words: &[&str]) -> Box<ChatArgs> {
    match parsed(words) {
        Command::Chat(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_word_is_a_command_only_when_it_stands_first() {
    assert!(matches!(parsed(&["models"]), Command::Models(_)));
    assert_eq!(chat(&["chat", "models"]).prompt, ["models"]);
    assert_eq!(chat(&["-m", "echo", "models"]).prompt, ["models"]);
    assert_eq!(chat(&["--", "doctor"]).prompt, ["doctor"]);
    assert_eq!(chat(&["Why", "so?"]).prompt, ["Why", "so?"]);
    assert!(chat(&[]).prompt.is_empty());
}

#[test]
fn options_of_every_command_may_stand_before_its_word() {
    for before in [
        &["--config", "doctor"][..],
        &["--config=x", "-q", "--plain"],
        &["--output", "json", "--quiet"],
        &["--json"],
    ] {
        let words = [before, &["doctor"]].concat();
        assert!(matches!(parsed(&words), Command::Doctor(_)), "{words:?}");
        let words = [before, &["--", "doctor"]].concat();
        assert_eq!(chat(&words).prompt, ["doctor"]);
        let words = [before, &["chat", "doctor"]].concat();
        assert_eq!(chat(&words).prompt, ["doctor"]);
    }
    assert_eq!(
        chat(&["--config", "x", "-m", "echo", "doctor"]).prompt,
        ["doctor"]
    );
    for told in ["--version", "--help", "help"] {
        let words = ["parlor", "--plain", "--config", "x", told];
        let words = words.map(OsString::from).to_vec();
        assert!(matches!(parse(words), Ok(Parsed::Told(_))), "{told}");
    }
}

#[test]
fn reasoning_takes_its_word_by_an_equals_sign_only() {
    let args = chat(&["--reasoning", "Hi"]);
    assert_eq!(args.prompt, ["Hi"]);
    let reasoning = args.reasoning.unwrap();
    assert_eq!((reasoning.show, reasoning.wish), (true, None));
    let of = |word: &str| chat(&[&format!("--reasoning={word}")]).reasoning.unwrap();
    assert_eq!(of("high").wish, Some(Effort::High.into()));
    assert_eq!(of("2000").wish, Some(ReasoningConfig::budget(2000)));
    assert!(!of("off").show);
}

#[test]
fn machine_output_is_seen_even_where_nothing_can_be_parsed() {
    let wants = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        wants_machine_output(&words)
    };
    assert!(wants(&["parlor", "--output", "json", "--nonsense"]));
    assert!(wants(&["parlor", "--output=events"]));
    assert!(wants(&["parlor", "models", "--json", "--nonsense"]));
    assert!(!wants(&["parlor", "--output", "text"]));
    assert!(!wants(&["parlor", "--", "--output=json"]));
}
