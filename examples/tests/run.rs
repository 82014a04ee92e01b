//! Runs every example as a user would, on the built-in model.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::process::Command;

/// Runs an example and gives what it printed; its failure is the test's.
fn run(name: &str, arguments: &[&str]) -> String {
    // This test's program is in target/<profile>/deps, examples are beside it.
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let program = path.join("examples").join(name);
    let output = Command::new(&program)
        .args(arguments)
        .env_clear()
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {printed}{errors}");
    printed
}

#[test]
fn hello() {
    assert_eq!(run("hello", &[]), "Why is the sky blue?\n(10 tokens)\n");
}

#[test]
fn streaming() {
    let printed = run("streaming", &[]);
    assert!(
        printed.starts_with("Tell me a story of a lighthouse"),
        "{printed}"
    );
    assert!(printed.ends_with("interrupted: false\n"), "{printed}");
}

#[test]
fn tools() {
    let printed = run("tools", &[]);
    assert_eq!(
        printed,
        "-> get_weather({\"city\":\"Oslo\"})\nOslo: 4 degrees, light rain\n"
    );
}

#[test]
fn agent() {
    let printed = run("agent", &[]);
    assert!(
        printed.starts_with("4 degrees and light rain in "),
        "{printed}"
    );
}

#[test]
fn image() {
    let printed = run("image", &["echo"]);
    assert_eq!(
        printed,
        "What is in this picture?\n[image: image/png, 69 bytes]\n"
    );
}

#[test]
fn side_by_side() {
    let printed = run("side_by_side", &["echo", "echo/nothing"]);
    assert!(printed.contains("## echo ("), "{printed}");
    assert!(printed.contains("Name three uses of a brick."), "{printed}");
    assert!(printed.contains("failed: "), "{printed}");
}

#[test]
fn batch() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("batch.jsonl");
    let _ = std::fs::remove_file(&file);
    let file = file.to_str().unwrap();
    let printed = run("batch", &["echo", file]);
    assert!(
        printed.starts_with("Oslo: What is Oslo known for?\nLima: "),
        "{printed}"
    );
    let lines = || std::fs::read_to_string(file).unwrap().lines().count();
    assert_eq!(lines(), 6);
    assert_eq!(run("batch", &["echo", file]), printed);
    assert_eq!(lines(), 6, "asked again");
}

#[test]
fn template() {
    let printed = run("template", &["echo", "French", " Hello "]);
    assert_eq!(
        printed,
        "system: Translate what the user says into French. Say nothing else.\n\
         user: Good morning\nassistant: Guten Morgen\nuser: Hello\n-> Hello\n\
         the template's values: no value for `text`; \
         no variable `txt`; there is `language`, `text`\n"
    );
}

#[test]
fn custom_host() {
    assert_eq!(
        run("custom_host", &["echo"]),
        "echo/echo at http://127.0.0.1:8080/v1\nSay hello.\n"
    );
}

#[test]
fn custom_model() {
    assert_eq!(run("custom_model", &[]), "CAN YOU HEAR ME?\n");
}

#[test]
fn extract() {
    let printed = run("extract", &[]);
    let whole = r#"["200 g flour", "2 eggs"]"#;
    assert!(
        printed.starts_with("pancakes for None, Easy\n"),
        "{printed}"
    );
    assert!(printed.contains("so far: [\"200 g \"]\n"), "{printed}");
    assert!(printed.ends_with(&format!("whole: {whole}\n")), "{printed}");
}

#[test]
fn think() {
    assert_eq!(
        run("think", &[]),
        "reasoning: your reasoning, step by step\nsolution: the solution alone\n"
    );
}

#[test]
fn every_example_is_short() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for entry in std::fs::read_dir(here).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 80, "{} has {lines} lines", path.display());
            seen += 1;
        }
    }
    assert_eq!(seen, 13, "twelve examples and what they share");
}
