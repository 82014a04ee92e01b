//! What an answer looks like, in terminals of several widths and in one that changes.

use std::path::Path;
use std::sync::mpsc::SyncSender;

use crate::common::pty::Pty;
use crate::common::server::Dripping;
use crate::common::{Home, Ran, signal_of};
use portable_pty::PtySize;

/// An answer with a block of every kind, wide glyphs among them.
const ANSWER: &str = "\
# Colours of the sky

The sky is **blue** because air scatters *short* waves more than long ones; `sin(x)` and
[Rayleigh](https://example.org/rayleigh) say how much. 天空是蓝色的，因为空气散射短波更多。

1. In the morning it is red,
   - and grey where it rains,
   - 👩‍👩‍👧 family of clouds.
2. At noon it is blue.

> Red sky at night,
> shepherd's delight.

| Time | Colour | Why |
|:-----|:------:|----:|
| noon | blue | short ways through the air |
| evening | red | long ways, 長い |

```rust
fn colour(hour: u8) -> &'static str {
    if hour < 20 { \"blue\" } else { \"red\" }
}
```

---

Done.
";

fn resize(pty: &mut Pty, cols: u16) {
    let size = PtySize {
        rows: 24,
        cols,
        ..PtySize::default()
    };
    pty.reflow(cols);
    pty.master.resize(size).unwrap();
}

/// Holds what is between the question and the answer's last line to the file of this name.
#[track_caller]
fn holds(pty: &mut Pty, name: &str) {
    let all = pty.rows();
    let from = all.find("› Tell me\n").unwrap() + "› Tell me\n".len();
    let to = all.rfind("ollama/m · ").unwrap();
    let shown: Vec<&str> = all[from..to].lines().map(str::trim_end).collect();
    let shown = shown.join("\n").trim_end().to_owned() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"));
    if std::env::var_os("PARLOR_WRITE").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    assert!(
        shown == wanted,
        "{name} shows:\n{shown}\ninstead of:\n{wanted}"
    );
}

/// Asks in a terminal of so many columns; the answer is the pieces that it is given.
fn asked(home: &Home, cols: u16) -> (Pty, SyncSender<String>) {
    let server = Dripping::start();
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let mut pty = Pty::sized(home, &["-m", "ollama/m"], &env, true, cols);
    pty.enters("Tell me");
    (pty, server.asked().1)
}

#[test]
fn an_answer_is_laid_out_for_its_terminal() {
    for cols in [40, 80, 200] {
        let home = Home::new();
        let (mut pty, pieces) = asked(&home, cols);
        // Pieces of uneven lengths, some of which end within a mark.
        let mut rest: Vec<char> = ANSWER.chars().collect();
        for length in [1, 7, 3, 20, 2].iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let piece = rest.drain(..(*length).min(rest.len()));
            pieces.send(piece.collect()).unwrap();
        }
        drop(pieces);
        pty.shows("ollama/m · 97 tok");
        holds(&mut pty, &format!("answer-{cols}"));
    }
}

#[test]
fn a_terminal_that_changes_amid_an_answer_keeps_every_word_once() {
    let home = Home::new();
    let (mut pty, pieces) = asked(&home, 90);
    let words = |from: u32, to: u32| (from..to).map(|n| format!("word{n} ")).collect::<String>();
    pieces.send(words(0, 40)).unwrap();
    pty.shows("word39");
    resize(&mut pty, 50);
    pieces.send(words(40, 60)).unwrap();
    pty.shows("word59");
    resize(&mut pty, 70);
    pieces.send(format!("{}\n\n- end", words(60, 80))).unwrap();
    drop(pieces);
    pty.shows("ollama/m · 97 tok");
    let all = pty.rows();
    for n in 0..80 {
        let word = format!("word{n}");
        let count = all.split_whitespace().filter(|it| **it == word).count();
        assert_eq!(count, 1, "{word} in\n{all}");
    }
}

/// What is typed meanwhile stands below and moves nothing, and is there for the next line.
#[test]
fn what_is_typed_while_an_answer_comes_waits_for_the_next_line() {
    let home = Home::new();
    let (mut pty, pieces) = asked(&home, 60);
    let words = |from: u32, to: u32| (from..to).map(|n| format!("word{n} ")).collect::<String>();
    pieces.send(words(0, 20)).unwrap();
    pty.shows("word19");
    pty.types("ahead\r");
    for from in (20..60).step_by(10) {
        pieces.send(words(from, from + 10)).unwrap();
        let last = format!("word{}", from + 9);
        pty.until(|shown| shown.find("› ahead") > shown.find(&last) && shown.contains(&last));
    }
    drop(pieces);
    pty.shows("ollama/m · 97 tok");
    pty.until(|shown| shown.rfind("› ahead") > shown.find("ollama/m · 97 tok"));
    let all = pty.rows();
    for n in 0..60 {
        let word = format!("word{n}");
        let count = all.split_whitespace().filter(|it| **it == word).count();
        assert_eq!(count, 1, "{word} in\n{all}");
    }
}

/// Nor does it move the answer to one question.
#[test]
fn what_is_typed_while_the_only_answer_comes_is_not_within_it() {
    let home = Home::new();
    let server = Dripping::start();
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let mut pty = Pty::sized(&home, &["-m", "ollama/m", "Tell me"], &env, true, 60);
    let pieces = server.asked().1;
    let words = |from: u32, to: u32| (from..to).map(|n| format!("word{n} ")).collect::<String>();
    pieces.send(words(0, 20)).unwrap();
    pty.shows("word19");
    pty.types("ahead\r\r");
    pieces.send(words(20, 40)).unwrap();
    pty.shows("word39");
    drop(pieces);
    assert_eq!(pty.ended(), 0);
    let all = pty.rows();
    assert!(!all.contains("ahead"), "{all}");
    for n in 0..40 {
        let word = format!("word{n}");
        let count = all.split_whitespace().filter(|it| **it == word).count();
        assert_eq!(count, 1, "{word} in\n{all}");
    }
}

/// Wherever an answer is stopped, what was shown of it is kept, and the next
/// question is asked with it.
#[test]
fn an_answer_that_is_stopped_anywhere_is_kept_as_it_was_seen() {
    let words: Vec<String> = (0..30).map(|n| format!("w{n} ")).collect();
    for (seen, how) in [
        (1, "\x03"),
        (4, "TERM"),
        (9, "HUP"),
        (17, "\x03"),
        (30, "\x03"),
    ] {
        let home = Home::new();
        let (mut pty, pieces) = asked(&home, 60);
        for word in &words[..seen] {
            pieces.send(word.clone()).unwrap();
        }
        let last = format!("w{}", seen - 1);
        pty.until(|shown| shown.split_whitespace().any(|it| it == last));
        if how == "\x03" {
            pty.types(how);
            pty.shows("[interrupted]");
            pty.until(|shown| shown.trim_end().ends_with('›'));
            pty.types("\x04");
        } else {
            signal_of(pty.child.process_id().unwrap(), how);
        }
        pty.ended();
        let kept: Ran = home.run(&["history", "--json"]);
        let id = kept.json()[0]["id"].as_str().unwrap().to_owned();
        let shown = home.run(&["history", "--show", &id]).stdout;
        let answer: String = words[..seen].concat();
        assert!(
            shown.contains(answer.trim_end()),
            "{how:?} at {seen}: {shown}"
        );
        assert!(
            shown.contains("[interrupted]"),
            "{how:?} at {seen}: {shown}"
        );
    }
}
