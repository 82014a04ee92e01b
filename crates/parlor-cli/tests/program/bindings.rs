//! Whose keys the line editor takes, and what is told of them.

use crate::common::pty::Pty;
use crate::common::{Home, Ran};

/// Esc and Enter with Shift or Alt, as the kitty keyboard protocol has them.
const ESC: &str = "\x1b[27u";
const SHIFT_ENTER: &str = "\x1b[13;2u";
const ALT_ENTER: &str = "\x1b[13;3u";

fn talk(home: &Home, env: &[(&str, &str)], kitty: bool) -> Pty {
    let arguments = ["-m", "echo"];
    match kitty {
        true => Pty::kitty(home, &arguments, env),
        false => Pty::new(home, &arguments, env, true),
    }
}

/// What is asked where this is typed after `abc`.
fn asked(home: &Home, env: &[(&str, &str)], typed: &str, answer: &str) {
    let mut pty = talk(home, env, true);
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types(&format!("abc{typed}\r"));
    pty.shows(&format!("\n{answer}\n"));
}

#[test]
fn the_configuration_says_whose_keys_and_the_environment_wins() {
    let home = Home::new();
    let typed = format!("{ESC}0x");
    asked(&home, &[], &typed, "abc0x");
    asked(&home, &[("PARLOR_KEYS", "vi")], &typed, "bc");
    home.config("[terminal]\nkeys = \"vi\"\n");
    asked(&home, &[], &typed, "bc");
    asked(&home, &[("PARLOR_KEYS", "emacs")], &typed, "abc0x");
}

#[test]
fn keys_that_there_are_none_of_are_told() {
    let home = Home::new();
    let mut command = home.parlor(&["-m", "echo", "-i"]);
    let ran = Ran::of(command.env("PARLOR_KEYS", "vim").output().unwrap());
    ran.failed(3, "config")
        .says(&["PARLOR_KEYS is `vim`", "`vi`"]);
    home.config("[terminal]\nkeys = \"vim\"\n");
    let ran = home.run(&["config", "check"]);
    ran.failed(3, "config").says(&["config.toml", "`vi`"]);
    home.run(&["-m", "echo", "-i"]).failed(3, "config");
    home.config("[terminal]\nkey = \"vi\"\n");
    home.run(&["config", "check"]).says(&["keys"]);
    assert_eq!(
        home.run(&["config", "set", "terminal.keys", "vim"]).code,
        Some(3)
    );
}

#[test]
fn keys_are_shown_as_the_terminal_delivers_them() {
    let home = Home::new();
    let mut pty = talk(&home, &[], true);
    pty.enters("/keys");
    pty.shows("Shift-Enter and Alt-Enter are told from Enter.");
    pty.shows("Esc or Ctrl-C ends it.");
    pty.types(&format!("{SHIFT_ENTER}{ALT_ENTER}\x0fé"));
    let shown = pty.shows("\n  é");
    for (name, does) in [
        ("Shift-Enter", "begins a new line"),
        ("Alt-Enter", "begins a new line"),
        ("Ctrl-O", "opens your editor"),
    ] {
        let row = shown
            .lines()
            .any(|row| row.starts_with(&format!("  {name:<30} {does}")));
        assert!(row, "{name} in\n{shown}");
    }
    pty.types(ESC);
    pty.enters("and on");
    pty.shows("\nand on\n");
}

#[test]
fn a_terminal_without_the_protocol_is_told_of() {
    let home = Home::new();
    let mut pty = talk(&home, &[], false);
    pty.enters("/keys");
    pty.shows("doesn't offer the kitty keyboard protocol");
    pty.shows("Esc or Ctrl-C ends it.");
    // What Shift-Enter is without it.
    pty.types("\r");
    pty.shows(&format!("\n  {:<30} sends", "Enter"));
    pty.types("\x03");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    let ran = home.pipe(&["-m", "echo", "-i"], "/keys\n");
    ran.says(&["Whole lines are read here"]);
}
