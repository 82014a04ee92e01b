//! Runs every example with `--demo`: against servers that speak the providers' own protocols.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::PathBuf;

use common::{command, finish};

/// An example, what is said to it, and what it prints.
struct Shown {
    name: &'static str,
    arguments: &'static [&'static str],
    said: &'static str,
    prints: &'static [&'static str],
}

const fn shown(name: &'static str, prints: &'static [&'static str]) -> Shown {
    Shown {
        name,
        arguments: &[],
        said: "",
        prints,
    }
}

const SKY: &str = "Because air scatters blue light more than red.";

/// All but `mcp_server`, which asks no model.
const SHOWN: &[Shown] = &[
    shown(
        "agent",
        &["Yes, take a coat: 4 degrees and light rain in Oslo.\n"],
    ),
    Shown {
        arguments: &["{}/demo-approval.json"],
        said: "yes\n",
        ..shown("approval", &["delete_file(", "draft.txt is gone"])
    },
    shown("batch", &["Oslo: Its people", "Quito: Its people"]),
    Shown {
        said: "Why is the sky blue?\nAnd at sunset?\n",
        ..shown("chat", &[SKY, "The light comes a longer way", "2 turns\n"])
    },
    shown("configured", &["temperature: Some(0.2)", SKY, "(kept)"]),
    shown("custom_host", &["mine/scripted at http://127.0.0.1:"]),
    shown("custom_model", &["I AM A SCRIPT"]),
    shown(
        "extract",
        &["pancakes for None, Easy\n200 g flour, 2 eggs\n"],
    ),
    shown(
        "fallback",
        &[
            "gemini/overloaded failed, asking anthropic/scripted",
            "anthropic: Because air",
        ],
    ),
    shown("hello", &[SKY, "(13 tokens)\n"]),
    shown("image", &["It is a picture: one red dot"]),
    Shown {
        arguments: &["{mcp_server}"],
        ..shown("mcp", &["box.greet\nmay box.greet run? yes\n-> Hello, "])
    },
    shown("multimodal", &["It is a picture"]),
    shown(
        "partial",
        &[
            "so far: [",
            "the lighthouse: [\"take the boat\", \"climb the stairs\"]",
        ],
    ),
    Shown {
        arguments: &["{}/demo-provider_batch.jsonl"],
        ..shown("provider_batch", &["Oslo: Its people", "Quito: Its people"])
    },
    shown(
        "several_providers",
        &[
            "openai-chat/scripted: It carries what it must",
            "gemini/scripted: Only that",
            "anthropic/scripted answered with",
        ],
    ),
    shown(
        "side_by_side",
        &["## ollama/scripted (", "A wall, a doorstop", "failed: "],
    ),
    shown(
        "statistics",
        &["openai-chat/scripted: 3 requests, 0 failed\n", "failed: "],
    ),
    shown("streaming", &["Once upon a time", "interrupted: false\n"]),
    shown("template", &["-> Wo ist der Bahnhof?\n"]),
    shown(
        "think",
        &["reasoning: All but nine run away", "solution: Nine.\n"],
    ),
    shown(
        "tools",
        &[
            "-> in_stock(",
            "<- 30 pieces\nThe tool says: 30 pieces.\nFinished after 2 steps\n",
        ],
    ),
    shown(
        "tools_by_hand",
        &[
            "-> get_weather(",
            "Yes, take a coat: Oslo: 4 degrees, light rain.",
        ],
    ),
];

#[test]
fn each_runs_against_the_providers_own_protocols() {
    for kept in ["demo-approval.json", "demo-provider_batch.jsonl"] {
        let _ = std::fs::remove_file(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(kept));
    }
    let mcp_server = command("mcp_server", &[]);
    let mcp_server = mcp_server.get_program().to_str().unwrap();
    let mut wrong = Vec::new();
    for shown in SHOWN {
        let filled = |it: &&str| {
            it.replace("{}", env!("CARGO_TARGET_TMPDIR"))
                .replace("{mcp_server}", mcp_server)
        };
        let arguments: Vec<String> = shown.arguments.iter().map(filled).collect();
        let mut all = vec!["--demo"];
        all.extend(arguments.iter().map(String::as_str));
        let mut command = command(shown.name, &all);
        // Nothing but this machine is asked, whatever the environment says.
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(proxy, "http://127.0.0.1:9");
        }
        let (status, printed, errors) = finish(command, shown.said);
        let has_all = shown.prints.iter().all(|it| printed.contains(it));
        let says_so = errors.starts_with("The answers are scripted");
        if !status.success() || !has_all || !says_so {
            wrong.push(format!("{}: {status}\n{printed}{errors}", shown.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_is_shown() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".rs") else {
            continue;
        };
        let needs_none = ["lib", "mcp_server"].contains(&name);
        if !needs_none && !SHOWN.iter().any(|it| it.name == name) {
            missing.push(name.to_owned());
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
