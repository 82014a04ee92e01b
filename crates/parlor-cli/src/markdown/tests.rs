use super::*;
use proptest::prelude::*;

const PLAIN: Looks = Looks {
    colours: false,
    links: false,
};
const ALL: Looks = Looks {
    colours: true,
    links: true,
};

fn whole(text: &str, width: usize, looks: Looks) -> Vec<String> {
    let mut renderer = Renderer::new(width, looks);
    let mut rows = renderer.push(text);
    rows.extend(renderer.finish());
    rows
}

fn shown(text: &str, width: usize) -> String {
    whole(text, width, PLAIN).join("\n")
}

/// A row without what the terminal doesn't show.
fn visible(row: &str) -> String {
    let mut visible = String::new();
    let mut rest = row;
    while let Some(at) = rest.find('\x1b') {
        visible.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = match rest.as_bytes().first() {
            Some(b'[') => rest.find('m').map(|end| end + 1),
            Some(b']') => rest.find("\x1b\\").map(|end| end + 2),
            _ => None,
        };
        rest = &rest[end.expect("a whole sequence")..];
    }
    visible + rest
}

#[test]
fn paragraphs_are_wrapped_and_stand_apart() {
    assert_eq!(
        shown("one two three four\nfive\n\nsix **seven** *eight*", 12),
        "one two\nthree four\nfive\n\nsix seven\neight"
    );
}

#[test]
fn headings_lists_and_quotes() {
    let text =
        "# Title\nText\n- one\n- two\n  more\n  - inner\n\n1. a\n2. b\n\n> quoted\n> words\n";
    assert_eq!(
        shown(text, 40),
        "# Title\nText\n• one\n• two more\n  • inner\n\n1. a\n2. b\n\n│ quoted words"
    );
    assert_eq!(shown("7. seven\n8. eight", 40), "7. seven\n8. eight");
    assert_eq!(
        shown("- one\n\n- two\n\n  apart\n", 40),
        "• one\n\n• two\n\n  apart"
    );
    assert_eq!(shown("- [x] done\n- [ ] not", 40), "• ☑ done\n• ☐ not");
    assert_eq!(
        shown("1. one two three four", 12),
        "1. one two\n   three\n   four"
    );
}

#[test]
fn what_only_looks_like_a_list_is_none() {
    assert_eq!(
        shown("It was\n1984. So it was.", 40),
        "It was 1984. So it was."
    );
    assert_eq!(
        shown("-5 degrees\n*not* a list", 40),
        "-5 degrees not a list"
    );
    assert_eq!(shown("Title\n---\nText", 40), "## Title\nText");
}

#[test]
fn code_is_kept_as_it_is() {
    let text = "Look:\n```rust\nfn main() {\n\n    say(\"*hi*\");\n}\n```\nSo.";
    assert_eq!(
        shown(text, 10),
        "Look:\n\nfn main() {\n\n    say(\"*hi*\");\n}\n\nSo."
    );
    let coloured = whole(text, 40, ALL);
    let visible: Vec<String> = coloured.iter().map(|row| visible(row)).collect();
    assert_eq!(visible.join("\n"), shown(text, 40));
    assert!(
        coloured.iter().any(|row| row.contains("\x1b[35m")),
        "{coloured:?}"
    );
    assert_eq!(shown("````\n```\n````", 10), "```");
    assert_eq!(shown("```\nnever ended", 10), "never ended");
    assert_eq!(
        shown("- a\n  ```\n  x = 1\n  ```\n- b", 20),
        "• a\n  x = 1\n• b"
    );
}

#[test]
fn code_within_other_blocks_keeps_its_empty_lines() {
    let code = "a {\n\n\n  b\n}\n\n";
    let within = |mark: &str, rest: &str| {
        let lines = format!("```\n{code}```");
        let lines = lines
            .lines()
            .enumerate()
            .map(|(at, line)| match (at, line) {
                (0, line) => format!("{mark}{line}\n"),
                (_, "") => format!("{}\n", rest.trim_end()),
                (_, line) => format!("{rest}{line}\n"),
            });
        lines.collect::<String>()
    };
    let item = within("1. ", "   ");
    assert_eq!(shown(&item, 40), "1. a {\n\n\n     b\n   }\n");
    let quote = within("> ", "> ");
    assert_eq!(shown(&quote, 40), "│ a {\n│\n│\n│   b\n│ }\n│");
    for text in [item, quote, format!("```\n{code}```\n")] {
        assert_eq!(pieces_of_code(&text), [code], "{text}");
    }
    assert_eq!(shown("- a\n  ```\n  ```\n- b", 40), "• a\n• b");
    let text = "- ```sh\n  one\n  ```\n- two\n\n```\nthree\n```\n\n> ```\n> four\n";
    assert_eq!(pieces_of_code(text), ["one\n", "three\n", "four\n"]);
}

#[test]
fn tabs_lead_to_the_next_stop() {
    assert_eq!(
        shown("1.\tone\n\t- two\n\t\t- three\n\n-\tfour\n\n\tfive", 40),
        "1. one\n   • two\n     • three\n\n• four\n\n  five"
    );
    assert_eq!(shown("```\na\tb\n\tc\n```", 40), "a   b\n    c");
}

#[test]
fn formulas_are_shown_as_they_were_written() {
    for text in [
        "Let \\(a*b*c_1\\{x\\}\\) be in $\\{1, 2*3*4\\}$, or $$x_*y_*$$.",
        "\\[\na &= b \\\\\n- c * d * e\n= [f](g)\n\\]",
        "• of $x*y*z$\n\n  $$\n  a*b*c\n  $$",
        "$$\na*b \\\\[2pt]\n- c*d\n$$",
        "\\[\na*b \\\\[2pt]\n- c*d\n\\]",
        "$HOME, $PATH, $5 or $6/$7 and `\\(x\\)`, ``$a`b$``",
    ] {
        let source = text.replace("• ", "- ");
        let wanted = text.replace("``$a`b$``", "`$a`b$`");
        assert_eq!(shown(&source, 80), wanted);
    }
    assert_eq!(
        shown("$$ is *it*:\n```sh\necho $$\n\nls\n```\nso", 80),
        "$$ is it:\n\necho $$\n\nls\n\nso"
    );
    assert_eq!(
        shown("It costs $5 **or** $6 \\[1\\], and *more*.", 80),
        "It costs $5 or $6 [1], and more."
    );
    assert_eq!(
        shown("|a|b|\n|-|-|\n|$x_*y_*$|$z|", 80),
        "a        │ b\n─────────┼───\n$x_*y_*$ │ $z"
    );
    assert_eq!(
        shown("> $$\n> a*b*c\n> $$\n\n- ```\n  \\(x\\) $y$\n", 80),
        "│ $$\n│ a*b*c\n│ $$\n\n• \\(x\\) $y$"
    );
}

#[test]
fn footnotes_stand_below_each_other() {
    let text = "So[^1] and so[^b].\n\n[^1]: The first of them\n[^b]: Second, *see*\nthere\n";
    assert_eq!(
        shown(text, 20),
        "So[^1] and so[^b].\n\n[^1]: The first of\n  them\n[^b]: Second, see\n  there"
    );
}

#[test]
fn a_line_of_code_is_final_when_it_is_whole() {
    let mut renderer = Renderer::new(40, PLAIN);
    assert_eq!(renderer.push("```\nlet a;\nlet"), ["let a;"]);
    assert_eq!(renderer.tail(), ["let"]);
    assert_eq!(renderer.push(" b;\n"), ["let b;"]);
    assert!(renderer.tail().is_empty());
}

#[test]
fn tables_fit() {
    let text = "| Name | Count |\n|:---|---:|\n| a | 1 |\n| long name | 1000 |\n";
    assert_eq!(
        shown(text, 40),
        "Name      │ Count\n──────────┼──────\na         │     1\nlong name │  1000"
    );
    for width in 5..60 {
        for row in whole(text, width, PLAIN) {
            assert!(rows::width(&row) <= width.max(8), "{width}: {row}");
        }
    }
}

/// A table of so many rows, the last of which are wider than the first.
fn tall(rows: usize) -> String {
    let mut text = "| Number | What it is |\n|---:|---|\n".to_owned();
    for row in 0..rows {
        let word = if row < 60 { "short" } else { "a longer text" };
        text.push_str(&format!("| {row} | {word} {row} |\n"));
    }
    text
}

#[test]
fn a_tall_table_is_out_in_shares_with_the_same_columns() {
    let text = tall(170);
    let mut renderer = Renderer::new(40, PLAIN);
    let mut rows = Vec::new();
    for line in text.split_inclusive('\n') {
        rows.extend(renderer.push(line));
        // Fifty rows, each on two lines at most.
        assert!(renderer.tail().len() <= 102, "{:?}", renderer.tail());
    }
    assert!(rows.len() > 150, "{}", rows.len());
    rows.extend(renderer.finish());
    assert_eq!(rows[0], "Number │ What it is");
    assert_eq!(rows[1], "───────┼───────────");
    assert_eq!(rows[2], "     0 │ short 0");
    let firsts = rows
        .iter()
        .filter_map(|row| row.split_once(" │ ")?.0.trim().parse().ok());
    let firsts: Vec<usize> = firsts.collect();
    assert_eq!(firsts, (0..170).collect::<Vec<_>>());
    // What is wider than the first rows were is broken into rows.
    let at = rows.iter().position(|row| row.starts_with("   100 "));
    let at = at.expect("row 100");
    assert_eq!(rows[at..at + 2], ["   100 │ a longer", "       │ text 100"]);
    assert!(
        rows.iter()
            .skip(2)
            .all(|row| row.find('│') == rows[0].find('│'))
    );
    // What follows is no part of it.
    for (next, ends) in [
        ("- item\n", "• item"),
        ("\nText\n", "Text"),
        ("# Head\n", "# Head"),
        ("\n| a | b |\n|--|--|\n| wide text | c |\n", "wide text │ c"),
    ] {
        let rows = whole(&format!("{text}{next}"), 40, PLAIN);
        assert_eq!(rows.last().map(String::as_str), Some(ends));
    }
}

#[test]
fn links_can_be_clicked_or_read() {
    let text = "See [the docs](https://example.org/a) or <https://example.org>.";
    assert_eq!(
        shown(text, 80),
        "See the docs (https://example.org/a) or https://example.org."
    );
    let row = whole(text, 80, ALL).concat();
    assert!(
        row.contains("\x1b]8;;https://example.org/a\x1b\\"),
        "{row:?}"
    );
    assert_eq!(visible(&row), "See the docs or https://example.org.");
}

#[test]
fn definitions_of_links_are_shown_as_they_were_written() {
    let text = "See [docs][1] and [it][2].\n\n[1]: https://docs.rs/_a_b\n[2]: <https://x.org> \"It\"\n\n[^1]: Once\n";
    let rows = "See [docs][1] and [it][2].\n\n[1]: https://docs.rs/_a_b\n[2]: <https://x.org> \"It\"\n\n[^1]: Once";
    assert_eq!(shown(text, 80), rows);
    assert_eq!(
        shown("[Warning]: overheating", 80),
        "[Warning]: overheating"
    );
    // The second of one label too, and what goes on in the next line.
    assert_eq!(
        shown("[a]: x\n[a]:\n  y\nText of [a].", 80),
        "[a]: x\n[a]:\ny\n\nText of a (x)."
    );
    // Within quotes and items.
    assert_eq!(
        shown("> [a]: x\n> [b]: y\n> Text\n\n> [c]: z", 80),
        "│ [a]: x\n│ [b]: y\n│\n│ Text\n\n│ [c]: z"
    );
    assert_eq!(
        shown("- [a]: x\n- \\* [ ] *one*\n\n  [b]: y\n- [ ] two", 80),
        "• [a]: x\n• * [ ] one\n\n  [b]: y\n• ☐ two"
    );
    assert_eq!(shown("1. > - [a]: x", 80), "1. │ • [a]: x");
    let long = "words and ".repeat(60);
    let said = shown(&format!("[a]: x\n{long}"), 40);
    assert!(said.starts_with("[a]: x\n\nwords and"), "{said}");
    assert_eq!(said.matches("words").count(), 60);
}

#[test]
fn nothing_that_a_terminal_obeys_comes_through() {
    let text =
        "a\x1b]52;c;aGk=\x07b\x1b[2Jc\u{9b}31md\r\ne\u{202e}f [x](http://a\x1b\\b) `\x1b[1m`";
    let told = shown(text, 200);
    assert!(
        !told.chars().any(|it| it != '\n' && it.is_control()),
        "{told:?}"
    );
    assert!(!told.contains('\u{202e}'));
    let entities = shown("&#27;[31m &#x9b;2J", 200);
    assert!(!entities.chars().any(|it| it.is_control()), "{entities:?}");
}

#[test]
fn wide_letters_fill_two_cells_and_families_stay_together() {
    for text in [
        "東京の天気はどうですか。晴れです。",
        "👨‍👩‍👧‍👦 👨‍👩‍👧‍👦 👨‍👩‍👧‍👦",
        "naïve e\u{301}te\u{301}",
    ] {
        for width in 2..20 {
            let rows = whole(text, width, PLAIN);
            assert!(
                rows.iter().all(|row| rows::width(row) <= width.max(8)),
                "{width} {rows:?}"
            );
            let said: String = rows.concat().replace(' ', "");
            assert_eq!(said, text.replace(' ', ""));
        }
    }
}

/// Pieces that Markdown is made of, put together at random.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("```rust\n".to_owned()),
        Just("~~~\n".to_owned()),
        Just("- ".to_owned()),
        Just("  1. ".to_owned()),
        Just("# ".to_owned()),
        Just("> ".to_owned()),
        Just("| a | b |\n|---|--:|\n| c | d |\n".to_owned()),
        Just("---\n".to_owned()),
        Just("**".to_owned()),
        Just("`".to_owned()),
        Just("[x](http://y)".to_owned()),
        Just("[x]: ".to_owned()),
        Just("[x]: http://y\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("    ".to_owned()),
        Just("<b>".to_owned()),
        Just("\\(a*b*\\) $x_1*y*$ $5 ".to_owned()),
        prop_oneof!["\\\\[\\[\\](\n]", "\\$\\$?\n?"],
        Just("[^1]: ".to_owned()),
        Just("&#27;[2J&#x202e;".to_owned()),
        Just("東京 👨‍👩‍👧".to_owned()),
        "[a-z]{1,12} ?",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Long paragraphs of words, and of marks that reach back or only look so.
fn paragraphs() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => "[a-z]{1,12} ",
        2 => Just("東京の天気。".to_owned()),
        1 => Just("**bold words** ".to_owned()),
        1 => Just("`a_code * b` ".to_owned()),
        1 => Just("[x](http://y/a_b) and [1] ".to_owned()),
        1 => Just("snake_case 2 * 3 ~ 4 &amp; <b>b</b> ".to_owned()),
        1 => Just("e\u{301}te\u{301} 👨‍👩‍👧 ".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\n\n[1]: x\n".to_owned()),
        1 => prop_oneof![Just("\\(a*b*c\\) $x*y*z$ ".to_owned()), Just("$5 ".to_owned()),
            Just("\n[^1]: note ".to_owned()), Just("\n\\[\n".to_owned()), Just("\n\\]\n".to_owned())],
        1 => prop_oneof!["[*_`~\\[\\]()|<&\\\\!] ?", Just("  \n".to_owned()), Just("\n\n".to_owned()),
            Just("\n---\n".to_owned()), Just("\n===\n".to_owned()), Just("\n- ".to_owned()),
            Just("\n<div>\n".to_owned()), Just("<br>".to_owned()), Just("\n| - |\n".to_owned())],
    ];
    proptest::collection::vec(piece, 20..160).prop_map(|pieces| pieces.concat())
}

#[test]
fn a_long_paragraph_is_out_before_it_ends() {
    let mut renderer = Renderer::new(40, PLAIN);
    let mut rows = renderer.push("Before.\n\n");
    for _ in 0..100 {
        rows.extend(renderer.push("some **bold** words of `code_x` [1] and "));
        assert!(renderer.tail().len() <= 8, "{:?}", renderer.tail());
    }
    // What isn't closed waits.
    let before = rows.len();
    rows.extend(renderer.push("an **open "));
    for _ in 0..20 {
        rows.extend(renderer.push("word after the mark and "));
    }
    assert!(rows.len() <= before + 1);
    rows.extend(renderer.push("end** "));
    for _ in 0..5 {
        rows.extend(renderer.push("more words, so that it goes on "));
    }
    assert!(rows.len() > before + 8);
    rows.extend(renderer.finish());
    let said = rows.join(" ");
    assert!(said.starts_with("Before.  some bold words"), "{said}");
    assert_eq!(said.matches("bold").count(), 100);
    assert_eq!(said.matches("mark").count(), 20);
}

#[test]
fn what_is_out_of_a_long_paragraph_becomes_no_heading() {
    let text = format!("{}and a mark |\n---\nmore\n", "some more words ".repeat(20));
    let mut renderer = Renderer::new(40, ALL);
    let mut rows: Vec<String> = text
        .split_inclusive(' ')
        .flat_map(|it| renderer.push(it))
        .collect();
    rows.extend(renderer.finish());
    assert_eq!(rows, whole(&text, 40, ALL));
    assert!(rows.iter().any(|row| row.contains("──")), "{rows:?}");
}

#[test]
fn a_paragraph_that_is_laid_out_anew_says_every_word_once() {
    let mut renderer = Renderer::new(70, PLAIN);
    let mut rows = Vec::new();
    for word in 0..300 {
        renderer.resize([70, 33, 50][word / 40 % 3]);
        rows.extend(renderer.push(&format!("word{word} ")));
    }
    rows.extend(renderer.finish());
    let words: Vec<String> = (0..300).map(|word| format!("word{word}")).collect();
    assert_eq!(rows.join(" "), words.join(" "));
}

proptest! {
    #[test]
    fn rows_of_long_paragraphs_depend_on_the_text_alone(
        text in paragraphs(),
        cuts in proptest::collection::vec(1usize..40, 1..200),
        width in 1usize..90,
    ) {
        let mut renderer = Renderer::new(width, ALL);
        let mut rows = Vec::new();
        let mut letters = text.chars();
        let mut cuts = cuts.iter().cycle();
        loop {
            let piece: String = letters.by_ref().take(*cuts.next().unwrap_or(&1)).collect();
            if piece.is_empty() {
                break;
            }
            rows.extend(renderer.push(&piece));
        }
        rows.extend(renderer.finish());
        prop_assert_eq!(rows, whole(&text, width, ALL));
    }

    #[test]
    fn rows_depend_on_the_text_and_not_on_its_cuts(
        text in markdown(),
        cuts in proptest::collection::vec(1usize..8, 1..200),
        width in 1usize..100,
    ) {
        let expected = whole(&text, width, ALL);
        let mut renderer = Renderer::new(width, ALL);
        let mut rows = Vec::new();
        let mut letters = text.chars();
        let mut cuts = cuts.iter().cycle();
        loop {
            let piece: String = letters.by_ref().take(*cuts.next().unwrap_or(&1)).collect();
            if piece.is_empty() {
                break;
            }
            rows.extend(renderer.push(&piece));
            let mut seen = rows.clone();
            seen.extend(renderer.tail());
            prop_assert!(seen.len() >= rows.len());
        }
        rows.extend(renderer.finish());
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn rows_hold_nothing_to_obey_but_looks(text in markdown(), width in 1usize..100) {
        for row in whole(&text, width, ALL) {
            prop_assert!(!visible(&row).chars().any(clean::is_obeyed), "{row:?}");
        }
    }

    #[test]
    fn the_tail_at_the_end_is_what_finish_gives(text in markdown(), width in 1usize..100) {
        let mut renderer = Renderer::new(width, ALL);
        renderer.push(&text);
        prop_assert_eq!(renderer.tail(), renderer.finish());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rows_of_tall_tables_depend_on_the_text_alone(
        before in markdown(),
        rows in 45usize..160,
        after in markdown(),
        cuts in proptest::collection::vec(1usize..400, 1..50),
        width in 1usize..90,
    ) {
        let text = format!("{before}\n\n{}{after}", tall(rows));
        let mut renderer = Renderer::new(width, ALL);
        let mut rows = Vec::new();
        let mut letters = text.chars();
        let mut cuts = cuts.iter().cycle();
        loop {
            let piece: String = letters.by_ref().take(*cuts.next().unwrap_or(&1)).collect();
            if piece.is_empty() {
                break;
            }
            rows.extend(renderer.push(&piece));
        }
        let tail = renderer.tail();
        let rest = renderer.finish();
        prop_assert_eq!(&tail, &rest);
        rows.extend(rest);
        prop_assert_eq!(rows, whole(&text, width, ALL));
    }
}
