//! Templates: filled in, listed, and what is told where they can't be.

use crate::common::calling::{in_one_piece, says};
use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran};
use serde_json::{Value, json};

const REVIEW: &str = r#"
description = "Looks for mistakes"
system = "You review {{ lang }}."
prompt = "Review {{ count }} files in {{ lang }}:\n{{ input }}"

[variables]
lang = { type = "text", description = "the language" }
count = { type = "integer", default = 1 }
input = "text"
"#;

fn home() -> Home {
    let home = Home::new();
    home.file(".config/parlor/templates/review.toml", REVIEW);
    home
}

/// What `echo` is asked with a template.
fn asked(home: &Home, words: &[&str]) -> String {
    let ran = home.run(&[&["-m", "echo", "-t"], words].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

#[test]
fn a_template_is_filled_with_its_parameters_and_the_prompt() {
    let home = home();
    let words = ["review", "-p", "lang=rust", "-p", "count=2", "fn main() {}"];
    assert_eq!(
        asked(&home, &words),
        "Review 2 files in rust:\nfn main() {}\n"
    );
    let ran = home.pipe(
        &["-m", "echo", "-t", "review", "-p", "lang={{ x }}"],
        "piped",
    );
    assert_eq!(ran.stdout, "Review 1 files in {{ x }}:\npiped\n", "{ran:?}");
    // What is kept has the template's instructions.
    let id = home.run(&["history", "--json"]).json();
    let shown = home.run(&["history", "--show", id[0]["id"].as_str().unwrap()]);
    assert!(shown.stdout.contains("You review"), "{shown:?}");
}

#[test]
fn a_prompt_stands_after_a_template_that_has_no_place_for_it() {
    let home = Home::new();
    let file = home.file("sum.toml", "prompt = \"Sum up.\"\n");
    assert_eq!(
        asked(&home, &[&file, "This text."]),
        "Sum up.\n\nThis text.\n"
    );
    assert_eq!(asked(&home, &["./sum.toml"]), "Sum up.\n");
    let note = home.file("note.txt", "Words.");
    let with = asked(&home, &[&file, "-a", &note]);
    assert!(
        with.starts_with("<file") && with.ends_with("Sum up.\n"),
        "{with}"
    );
    let system = home.file("system.toml", "system = \"Be brief.\"\n");
    assert_eq!(asked(&home, &[&system, "Hi"]), "Hi\n");
    home.run(&["-m", "echo", "-t", &system]).failed(2, "usage");
}

#[test]
fn files_that_a_question_names_are_read_where_the_template_says_so() {
    let home = Home::new();
    let text = "files = true\nprompt = \"Look at {{ lang }}. {{ input }}\"\n\
        [variables]\nlang = \"text\"\ninput = \"text\"\n";
    home.file(".config/parlor/templates/review.toml", text);
    let file = home.file("lib.rs", "fn main() {}");
    let words = ["-m", "echo", "-t", "review", "-p", "lang=rust"];
    let ran = home.run(&[&words[..], &[&file]].concat());
    assert!(ran.stdout.contains("fn main() {}"), "{ran:?}");
    assert!(ran.stdout.ends_with("Look at rust. \n"), "{ran:?}");
    let ran = home.run(&[&words[..], &[&file, "Be quick."]].concat());
    assert!(ran.stdout.ends_with("Look at rust. Be quick.\n"), "{ran:?}");
    home.run(&[&words[..], &["none.rs"]].concat())
        .failed(2, "template")
        .says(&["there is no none.rs"]);
    let ran = home.pipe(
        &["-m", "echo", "-i"],
        format!("/template review lang=c {file} Quick!\n"),
    );
    assert!(ran.stdout.contains("fn main() {}"), "{ran:?}");
    assert!(ran.stdout.ends_with("Look at c. Quick!\n"), "{ran:?}");
}

#[test]
fn values_that_are_missing_or_unknown_are_named() {
    let home = home();
    let fails = |words: &[&str], facts: &[&str]| {
        let ran = home.run(&[&["-m", "echo", "-t", "review"], words].concat());
        ran.failed(2, "template").says(facts);
    };
    fails(
        &["-p", "tone=dry", "Hi"],
        &["no value for `lang`", "no variable `tone`", "lang=TEXT"],
    );
    fails(&["-p", "lang=c"], &["no value for `input`", "piped in"]);
    fails(
        &["-p", "lang=c", "-p", "count=many", "Hi"],
        &["`count` must be a whole number"],
    );
    fails(
        &["-p", "lang=c", "-p", "lang=d", "Hi"],
        &["two values for `lang`"],
    );
    let ran = home.run(&["-m", "echo", "-t", "reveiw", "Hi"]);
    ran.failed(2, "template")
        .says(&["did you mean review?", "templates/reveiw.toml"]);
    home.run(&["-p", "lang=c", "Hi"]).failed(2, "usage");
}

#[test]
fn a_template_sets_the_model_and_the_schema_below_the_options() {
    let home = Home::new();
    let text = "model = \"echo\"\nschema = \"name, age int\"\nprompt = \"A dog.\"\n";
    let file = home.file("dog.toml", text);
    let ran = home.run(&["-t", &file]);
    assert_eq!(ran.json(), json!({"name": "text", "age": 0}), "{ran:?}");
    let ran = home.run(&["-t", &file, "--schema", "good bool"]);
    assert_eq!(ran.json(), json!({"good": true}));
    home.run(&["-t", &file, "-m", "nobody/m"])
        .failed(5, "model-not-found");
}

#[test]
fn templates_are_listed_with_their_parameters() {
    let home = home();
    home.file(".config/parlor/templates/broken.toml", "promt = 1\n");
    let ran = home.run(&["templates"]);
    assert_eq!(
        ran.stdout,
        "review  [count=1]  input=TEXT  lang=TEXT\n    Looks for mistakes\n    lang: the language\n\
         think  input=TEXT  [steps=LIST]  (built in)\n    \
         Has it thought through: the reasoning apart from the solution\n    \
         steps: what to go through, by commas\n"
    );
    assert!(ran.stderr.contains("unknown key `promt`"), "{ran:?}");
    let listed = home.run(&["templates", "--json"]).json();
    assert_eq!(listed[0]["name"], "review");
    let count = json!({
        "name": "count",
        "type": "integer",
        "required": false,
        "default": 1,
        "description": null,
    });
    assert_eq!(listed[0]["parameters"][0], count);
    assert_eq!(
        (&listed[0]["built_in"], &listed[1]["built_in"]),
        (&json!(false), &json!(true))
    );
    let none = Home::new().run(&["templates"]);
    assert_eq!(none.code, Some(0));
    assert!(none.stdout.starts_with("think  "), "{none:?}");
    assert!(none.stderr.contains(".config/parlor/templates"), "{none:?}");
}

#[test]
fn a_conversation_takes_templates_too() {
    let home = home();
    let lines = "/template\n/template review lang=\"plain C\" count=3 int x;\n/template review\n\
                 /template nope\nlast\n";
    let ran = home.pipe(
        &[
            "-m",
            "echo",
            "-i",
            "-t",
            "review",
            "-p",
            "lang=c",
            "one",
            "--no-stdin",
        ],
        "",
    );
    assert_eq!(ran.stdout, "Review 1 files in c:\none\n", "{ran:?}");
    let ran = home.pipe(&["-m", "echo", "-i", "--no-save"], lines);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "Review 3 files in plain C:\nint x;\nlast\n");
    ran.says(&["review  [count=1]", "no value for", "no template `nope`"]);
}

#[test]
fn a_conversation_begins_with_the_instructions_of_a_template() {
    let home = Home::new();
    let system = home.file("system.toml", "system = \"Be brief.\"\n");
    let ran = home.pipe(&["-m", "echo", "-i", "-t", &system], "Hi\n/system\n");
    assert_eq!(ran.stdout, "Hi\n", "{ran:?}");
    ran.says(&["Be brief."]);
    let ran = home.pipe(
        &["-m", "echo", "-i", "-t", &system, "-s", "Be long."],
        "/system\n",
    );
    ran.says(&["Be long."]);
    let text = "schema = \"name\"\nprompt = \"A dog.\"\n";
    let dog = home.file("dog.toml", text);
    let ran = home.run(&["-m", "echo", "-i", "-t", &dog]);
    assert_eq!(ran.stdout, "{\"name\":\"text\"}\n", "{ran:?}");
}

const WRITTEN: &str =
    "<reasoning>\n7 has no divisors.\n</reasoning>\n\n<solution>\nYes.\n</solution>\n";

/// An answer that comes in pieces of a few letters, which cut its tags.
fn in_pieces(text: &str) -> Answer {
    let letters: Vec<char> = text.chars().collect();
    let Answer(status, head, end) = says("");
    let pieces = letters.chunks(3).map(|piece| {
        let piece: String = piece.iter().collect();
        let message = json!({"role": "assistant", "content": piece});
        format!(
            "{}\n",
            json!({"model": "m", "message": message, "done": false})
        )
    });
    Answer(status, head, pieces.chain([end]).collect())
}

/// Asks a model of which nothing is known.
fn ask(home: &Home, server: &Server, words: &[&str], stdin: &str) -> Ran {
    let mut command = home.parlor(&[words, &["-m", "ollama/m"]].concat());
    command.env("OLLAMA_HOST", &server.url);
    command.stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, stdin.as_bytes()).unwrap();
    drop(pipe);
    Ran::of(child.wait_with_output().unwrap())
}

/// What each message of the next request says.
fn sent(server: &Server) -> Vec<String> {
    let sent: Value = serde_json::from_str(&server.request().body).unwrap();
    let messages = sent["messages"].as_array().unwrap();
    let text = |it: &Value| it["content"].as_str().unwrap().to_owned();
    messages.iter().map(text).collect()
}

#[test]
fn what_is_thought_through_has_its_reasoning_apart() {
    let home = Home::new();
    let answers = [(); 5].map(|()| in_pieces(WRITTEN));
    let server = Server::start(answers.into());
    let ran = ask(&home, &server, &["-t", "think", "Is 7 prime?"], "");
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "Yes.\n"), "{ran:?}");
    assert_eq!(ran.stderr, "7 has no divisors.\n");
    let told = "Is 7 prime?\n\nThink it through before you answer.";
    let asked = sent(&server);
    assert!(asked[0].starts_with(told), "{asked:?}");
    assert!(asked[0].ends_with("</solution>"), "{asked:?}");

    // What is remembered is the question as it was put, and the solution.
    let ran = ask(
        &home,
        &server,
        &["-c", "-t", "think", "--json", "And 9?"],
        "",
    );
    let answer = ran.json();
    assert_eq!(
        (&answer["reasoning"], &answer["text"]),
        (&json!("7 has no divisors."), &json!("Yes."))
    );
    let asked = sent(&server);
    assert_eq!(asked[..2], ["Is 7 prime?", "Yes."]);
    assert!(
        asked[2].starts_with("And 9?\n\nThink it through"),
        "{asked:?}"
    );
    let id = home.run(&["history", "--json"]).json();
    let shown = home.run(&["history", "--show", id[0]["id"].as_str().unwrap()]);
    assert!(!shown.stdout.contains("<solution>"), "{shown:?}");
    assert!(!shown.stdout.contains("Think it through"), "{shown:?}");

    let steps = [
        "-t",
        "think",
        "-p",
        "steps=Divide, conclude",
        "--reasoning=off",
        "7?",
    ];
    let ran = ask(&home, &server, &steps, "");
    // Who wants no reasoning shown has none.
    assert_eq!((&*ran.stdout, &*ran.stderr), ("Yes.\n", ""), "{ran:?}");
    let asked = sent(&server);
    let told = "7?\n\nGo through these steps:\n1. Divide\n2. conclude\n\nThink it through";
    assert!(asked[0].starts_with(told), "{asked:?}");

    let lines = "/template think Is 7 prime?\nSo?\n";
    let ran = ask(&home, &server, &["-i", "--no-save"], lines);
    // The next question is put as it is, and its answer comes as it is.
    assert_eq!(ran.stdout, format!("Yes.\n{WRITTEN}"), "{ran:?}");
    ran.says(&["7 has no divisors."]);
    assert!(sent(&server)[0].contains("Think it through"));
    assert_eq!(sent(&server), ["Is 7 prime?", "Yes.", "So?"]);
}

#[test]
fn a_file_has_its_question_thought_through_too() {
    let home = Home::new();
    let server = Server::start(vec![in_pieces(WRITTEN), says("Plainly.")]);
    let file = home.file("proof.toml", "think = true\nsystem = \"Be exact.\"\n");
    let ran = ask(
        &home,
        &server,
        &["-t", &file, "--no-stdin", "Is 7 prime?"],
        "",
    );
    assert_eq!(ran.stdout, "Yes.\n", "{ran:?}");
    assert_eq!(sent(&server)[0], "Be exact.");
    // One of the name goes before what is built in.
    home.file(
        ".config/parlor/templates/think.toml",
        "prompt = \"Think of:\"\n",
    );
    let ran = ask(&home, &server, &["-t", "think", "7"], "");
    assert_eq!(ran.stdout, "Plainly.\n", "{ran:?}");
    assert_eq!(sent(&server), ["Think of:\n\n7"]);
    let listed = home.run(&["templates"]).stdout;
    assert_eq!(listed, "think\n");

    let both = home.file("both.toml", "think = true\nschema = \"name\"\n");
    let ran = home.run(&["-m", "echo", "-t", &both, "A dog."]);
    ran.failed(2, "template").says(&["`think` and `schema`"]);
    let ran = home.run(&["-m", "echo", "-t", &file, "--schema", "name", "A dog."]);
    ran.failed(2, "usage")
        .says(&["leave out one of -t and --schema"]);
    let yes = home.file("yes.toml", "think = \"yes\"\n");
    let ran = home.run(&["-m", "echo", "-t", &yes, "A dog."]);
    ran.failed(2, "template")
        .says(&["`think` must be true or false"]);
}

#[test]
fn a_batch_is_thought_through_too() {
    let home = Home::new();
    let questions = home.file("questions.txt", "7?\n");
    let batch = ["batch", &questions, "--lines", "-t", "think"];
    let server = Server::start(vec![in_one_piece(says(WRITTEN))]);
    let ran = ask(&home, &server, &batch, "");
    let answer = ran.json();
    assert_eq!(
        (&answer["reasoning"], &answer["text"]),
        (&json!("7 has no divisors."), &json!("Yes."))
    );
    assert!(sent(&server)[0].contains("Think it through"));
    let more = ["-m", "echo", "--provider-batch", "-o", "answers.jsonl"];
    let ran = home.run(&[&batch[..], &more].concat());
    ran.failed(2, "usage").says(&["reads no reasoning apart"]);
}

/// A template with a worked example.
const PAIR: &str = r#"
[[messages]]
examples = [{ user = "An example.", assistant = "Its answer." }]

[[messages]]
role = "user"
text = "{{ input }}"

[variables]
input = "text"
"#;

#[test]
fn a_question_with_worked_examples_is_asked_again_itself() {
    let home = Home::new();
    home.file(".config/parlor/templates/pair.toml", PAIR);
    let ran = home.pipe(&["-m", "echo", "-i"], "/template pair A question.\n");
    assert_eq!(ran.stdout, "A question.\n", "{ran:?}");
    let ran = home.run(&["-m", "echo", "-c", "--retry"]);
    assert_eq!(ran.stdout, "A question.\n", "{ran:?}");
}

#[test]
fn worked_examples_of_a_single_question_are_kept_and_sent_again() {
    let home = Home::new();
    home.file(".config/parlor/templates/pair.toml", PAIR);
    home.run(&["-m", "echo", "-t", "pair", "A question."]);
    let listed = home.run(&["history", "--json"]).json();
    assert_eq!(listed[0]["title"], "A question.");
    assert_eq!(listed[0]["turns"], 1);
    let kept = home.run(&["history", "--show", listed[0]["id"].as_str().unwrap()]);
    let places = ["An example.", "Its answer.", "A question."].map(|it| kept.stdout.find(it));
    assert!(places.is_sorted() && places[0].is_some(), "{kept:?}");
    let server = Server::start(vec![in_one_piece(says("Fine."))]);
    ask(&home, &server, &["-c", "And?"], "");
    let said = sent(&server).join("\n");
    assert!(said.contains("Its answer."), "{said}");
}
