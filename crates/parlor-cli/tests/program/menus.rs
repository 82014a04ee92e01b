//! What a person sees while typing: menus, pastes, several lines.

use crate::common::Home;
use crate::common::pty::Pty;

const CONFIG: &str = "[models.quick]\nmodel = \"echo\"\n[models.quiet]\nmodel = \"echo\"\n";

fn talk(home: &Home, columns: u16) -> Pty {
    let mut pty = Pty::sized(home, &["-m", "echo"], &[], true, columns);
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty
}

#[test]
fn a_slash_opens_the_menu_and_enter_is_still_the_lines() {
    let home = Home::new();
    let mut pty = talk(&home, 80);
    pty.types("/");
    // Its last line says how many more there are.
    pty.until(|shown| shown.contains("these commands and the keys") && shown.contains("more)"));
    // What is typed narrows it, and Enter runs what was typed.
    pty.types("und");
    pty.until(|shown| shown.contains("/undo") && !shown.contains("these commands"));
    pty.types("\r");
    pty.shows("There is nothing to take back.");
    // Nothing of the menu stays.
    pty.until(|shown| !shown.contains("take the last turn back"));
}

#[test]
fn what_is_chosen_in_the_menu_is_filled_in() {
    let home = Home::new();
    home.config(CONFIG);
    let mut pty = talk(&home, 80);
    pty.types("/mod");
    pty.shows("whom to ask from now on");
    pty.types("\x1b[B\r");
    pty.until(|shown| shown.trim_end().ends_with("› /model"));
    // The models follow by themselves.
    pty.types("q");
    pty.until(|shown| shown.contains("  quick") && shown.contains("  quiet"));
    pty.types("uie\t");
    pty.until(|shown| shown.contains("› /model quiet") && !shown.contains("quick"));
    pty.types("\r");
    pty.shows("answers from now on");
}

#[test]
fn a_menu_that_was_sent_away_stays_away() {
    let home = Home::new();
    let mut pty = talk(&home, 80);
    pty.types("/s");
    pty.shows("/status");
    pty.types("\x1b");
    pty.until(|shown| !shown.contains("/status"));
    pty.types("tat\r");
    pty.shows("conversation: 0 turns");
}

#[test]
fn the_menu_fits_a_narrow_terminal() {
    let home = Home::new();
    let mut pty = talk(&home, 28);
    pty.types("/at");
    let shown = pty.shows("/attach FILE  send a f");
    assert!(shown.trim_end().ends_with('…'), "{shown}");
}

#[test]
fn a_large_paste_is_a_chip_and_is_sent_whole() {
    let home = Home::new();
    let mut pty = talk(&home, 80);
    let lines: String = (1..=40).map(|line| format!("line {line}\r\n")).collect();
    pty.types(&format!("Read: \x1b[200~{lines}\x1b[201~"));
    let shown = pty.shows("[pasted 40 lines]");
    assert!(!shown.contains("line 7"), "{shown}");
    // It is erased as one, and pasted again.
    pty.types("\x7f");
    pty.until(|shown| !shown.contains("[pasted"));
    pty.types(&format!("\x1b[200~{lines}\x1b[201~\r"));
    pty.shows("line 40");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    let listed = home.run(&["history", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap();
    let kept = home.run(&["history", "--show", id]).stdout;
    assert!(kept.contains("Read: line 1\nline 2\n"), "{kept}");
    assert!(!kept.contains('\r') && !kept.contains("[pasted"), "{kept}");
    // Another run finds the text itself.
    let mut pty = talk(&home, 80);
    pty.types("\x1b[A");
    pty.shows("› Read: line 1\n  line 2\n");
}

#[test]
fn a_small_paste_keeps_its_backslashes_and_a_typed_line_goes_on() {
    let home = Home::new();
    let mut pty = talk(&home, 80);
    pty.types("typed \\");
    pty.until(|shown| shown.trim_end().ends_with("› typed \\"));
    pty.types("\r");
    pty.types("\x1b[200~pasted \\\r\nwhole\x1b[201~");
    pty.until(|shown| shown.trim_end().ends_with("\n  whole"));
    pty.types("\r");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    let listed = home.run(&["history", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap();
    let kept = home.run(&["history", "--show", id]).stdout;
    assert!(kept.contains("typed \npasted \\\nwhole\n"), "{kept}");
}
