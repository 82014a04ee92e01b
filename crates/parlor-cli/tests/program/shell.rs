//! What a shell is offered where somebody types, and what the manual says.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::Home;

/// What zsh is offered at the last of these words: what is typed, and what it is.
fn offered(home: &Home, words: &[&str]) -> Vec<(String, String)> {
    let mut arguments = vec!["--", "parlor"];
    arguments.extend(words);
    let output = home
        .parlor(&arguments)
        .env("PARLOR_COMPLETE", "zsh")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| {
        // A colon of a word has a backslash before it.
        let line = line.replace("\\:", "\0");
        let (word, about) = line.split_once(':').unwrap_or((&line, ""));
        (word.replace('\0', ":"), about.to_owned())
    });
    lines.collect()
}

fn words(home: &Home, line: &[&str]) -> Vec<String> {
    offered(home, line)
        .into_iter()
        .map(|(word, _)| word)
        .collect()
}

#[test]
fn without_a_command_both_commands_and_the_options_of_chat_are_offered() {
    let home = Home::new();
    let all = words(&home, &[""]);
    for word in [
        "chat",
        "models",
        "completions",
        "--model",
        "--template",
        "--continue",
    ] {
        assert!(all.iter().any(|it| it == word), "{word}: {all:?}");
    }
    assert!(!all.iter().any(|it| it == "man"), "{all:?}");
    assert_eq!(words(&home, &["--no-st"]), ["--no-stream", "--no-stdin"]);
    assert_eq!(words(&home, &["config", "s"]), ["schema", "set"]);
    assert_eq!(words(&home, &["--output", "e"]), ["events"]);
}

#[test]
fn models_are_those_in_use_and_else_any() {
    let home = Home::new();
    home.config("[models.quick]\nmodel = \"openai/gpt-4o-mini\"\n");
    let all = offered(&home, &["-m", ""]);
    assert!(all.iter().any(|(word, _)| word == "quick"), "{all:?}");
    let claude = offered(&home, &["-m", "anthropic/claude-o"]);
    assert!(claude.len() > 2, "{claude:?}");
    for (word, about) in &claude {
        assert!(word.starts_with("anthropic/claude-o"), "{word}");
        assert!(about.contains("tools"), "{word}: {about}");
    }
    assert_eq!(words(&home, &["chat", "--model=quic"]), ["--model=quick"]);
    assert_eq!(words(&home, &["models", "--provider", "olla"]), ["ollama"]);
}

#[test]
fn conversations_are_offered_with_their_titles_and_no_store_is_made() {
    let home = Home::new();
    let store = home.path().join("kept.db");
    let offered = |typed: &str| {
        let output = home
            .parlor(&["--", "parlor", typed])
            .env("PARLOR_STORE", &store)
            .env("PARLOR_COMPLETE", "zsh")
            .env("_CLAP_COMPLETE_INDEX", "1")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(offered("-c="), "");
    assert!(!store.exists());
    let asked = home
        .parlor(&["-m", "echo", "Why so?"])
        .env("PARLOR_STORE", &store)
        .output();
    assert!(asked.unwrap().status.success());
    let line = offered("-c=");
    let (id, title) = line.split_once(':').unwrap();
    assert_eq!(title, "Why so?");
    let start = &id[..id.len() - 1];
    assert_eq!(offered(start), line);
    assert_eq!(offered("--continue=").replace("--continue", "-c"), line);
}

#[test]
fn templates_and_their_parameters_are_offered() {
    let home = Home::new();
    home.file(
        ".config/parlor/templates/review.toml",
        "description = \"Look over code\"\nprompt = \"{{ lang }}: {{ input }}\"\n\
         [variables]\nlang = \"text\"\ninput = \"text\"\n",
    );
    let review = ("review".to_owned(), "Look over code".to_owned());
    let think = "Has it thought through: the reasoning apart from the solution";
    let think = ("think".to_owned(), think.to_owned());
    assert_eq!(offered(&home, &["-t", ""]), [review, think]);
    assert_eq!(words(&home, &["-t", "think", "-p", "s"]), ["steps="]);
    let parameters = words(&home, &["-t", "review", "-p", "l"]);
    assert_eq!(parameters, ["lang="]);
    assert!(words(&home, &["-p", "l"]).is_empty());
}

#[test]
fn words_of_options_and_settings_are_offered() {
    let home = Home::new();
    home.config(
        "default_model = \"echo\"\n[providers.mine]\nbase_url = \"http://localhost:1\"\n\
         [models.\"local:8b\"]\nmodel = \"echo\"\n\
         [profiles.work]\ndefault_model = \"quick\"\n[profiles.play]\n",
    );
    let efforts = ["--reasoning=medium", "--reasoning=minimal"];
    let mut offered_efforts = words(&home, &["--reasoning=m"]);
    offered_efforts.retain(|it| it != "--reasoning=max");
    offered_efforts.sort();
    assert_eq!(offered_efforts, efforts);
    let work = ("work".to_owned(), "quick".to_owned());
    assert_eq!(offered(&home, &["--profile", "w"]), [work]);
    assert_eq!(words(&home, &["models", "--profile", "p"]), ["play"]);
    let set = [
        "profiles",
        "profiles.work",
        "profiles.work.default_model",
        "profiles.play",
    ];
    assert_eq!(words(&home, &["config", "get", "prof"]), set);
    assert_eq!(
        words(&home, &["config", "get", "providers.mine."]),
        ["providers.mine.base_url"]
    );
    let [(word, about)] = &offered(&home, &["config", "set", "default"])[..] else {
        panic!("there is one such setting");
    };
    assert_eq!(word, "default_model");
    assert!(about.starts_with("The model to use"), "{about}");
    let of_mine = words(&home, &["config", "set", "providers.mine."]);
    let there = |path: &str| of_mine.iter().any(|it| it == path);
    assert!(there("providers.mine.base_url") && there("providers.mine.timeouts.connect"));
    // A key is no argument.
    assert!(!there("providers.mine.api_key"), "{of_mine:?}");
    let new = words(&home, &["config", "set", "providers.new.key_"]);
    assert_eq!(new, ["providers.new.key_command", "providers.new.key_file"]);
    let model = words(&home, &["config", "set", "models.\"local:8b\".co"]);
    assert!(
        model
            .iter()
            .all(|it| it.starts_with("models.\"local:8b\".")),
        "{model:?}"
    );
    assert!(words(&home, &["config", "set", "layers.retry.at"]) == ["layers.retry.attempts"]);
}

#[test]
fn tools_are_offered_with_what_they_are() {
    let home = Home::new();
    home.config("[tools.weather]\ncommand = [\"x\"]\ndescription = \"The weather.\"\n");
    let of = |word: &str| (word.to_owned(), "The weather.".to_owned());
    assert_eq!(offered(&home, &["--tool", "w"]), [of("weather")]);
    let all = [
        "time",
        "calculator",
        "read_file",
        "fetch_url",
        "weather",
        "all",
    ];
    assert_eq!(words(&home, &["--allow", ""]), all);
}

#[test]
fn what_is_broken_offers_nothing_and_says_nothing() {
    let home = Home::new();
    home.config("this is no TOML");
    assert!(offered(&home, &["-m", "a"]).is_empty());
    let unknown = home.parlor(&["x"]).env("PARLOR_COMPLETE", "tcsh").output();
    let unknown = unknown.unwrap();
    assert!(unknown.stdout.is_empty() && unknown.stderr.is_empty());
    // An empty one is none.
    let none = home
        .parlor(&["--version"])
        .env("PARLOR_COMPLETE", "")
        .output();
    assert!(none.unwrap().stdout.starts_with(b"parlor "));
}

#[test]
fn every_shell_has_a_script() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = home.run(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains("PARLOR_COMPLETE"), "{ran:?}");
        assert!(ran.stderr.is_empty(), "{ran:?}");
    }
    // What is typed next belongs to `steps=`, with no blank between.
    let zsh = home.run(&["completions", "zsh"]).stdout;
    assert!(zsh.contains("_describe -V 'values' open -S ''"), "{zsh}");
    home.run(&["completions", "tcsh"]).failed(2, "usage");
    let help = home.run(&["completions", "--help"]).stdout;
    assert!(help.contains("source <(parlor completions bash)"), "{help}");
}

/// Bash itself, with the words as its line editor cuts them.
#[cfg(unix)]
#[test]
fn bash_gets_what_it_replaces() {
    if Command::new("bash").arg("--version").output().is_err() {
        eprintln!("skipped: there is no bash here");
        return;
    }
    let home = Home::new();
    home.config("[models.\"local:8b\"]\nmodel = \"echo\"\n");
    home.run(&["-m", "echo", "Why so?"]);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_parlor"));
    let script = r#"
        source <(parlor completions bash)
        complete -p parlor
        try() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _parlor_complete parlor "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s|' "${COMPREPLY[@]}"; echo
        }
        try parlor mod
        try parlor -m local : ""
        try parlor -m local : 8
        try parlor -c =
        try parlor --output = js
        try parlor nonsense x
    "#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script])
        .env_clear()
        .env("HOME", home.path())
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", program.parent().unwrap().display()),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("-F _parlor_complete parlor"), "{text}");
    let id = lines[4].trim_end_matches('|');
    assert!(
        id.len() >= 4 && id.bytes().all(|it| it.is_ascii_alphanumeric()),
        "{text}"
    );
    assert_eq!(
        [&lines[1..4], &lines[5..]].concat(),
        ["models|", "8b|", "8b|", "json|", "|"]
    );
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let home = Home::new();
    let folder = home.path().join("man");
    let told = folder.to_str().unwrap();
    home.run(&["man", told])
        .failed(3, "config")
        .says(&["cannot write"]);
    fs::create_dir(&folder).unwrap();
    let ran = home.run(&["man", told]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    let mut pages: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    let is_there = |name: &str| pages.iter().any(|page| page.ends_with(name));
    for name in [
        "parlor.1",
        "parlor-chat.1",
        "parlor-keys-set.1",
        "parlor-completions.1",
    ] {
        assert!(is_there(name), "{name}: {pages:?}");
    }
    assert!(!is_there("parlor-man.1"));
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        assert!(text.contains(".SH NAME\nparlor"), "{text}");
        // Where there is a formatter, it has nothing to find fault with.
        let checked = Command::new("groff")
            .args(["-Kutf8", "-man", "-ww", "-z", "-Tutf8"])
            .arg(page)
            .output();
        if let Ok(checked) = checked {
            let told = String::from_utf8_lossy(&checked.stderr).into_owned();
            assert_eq!(told, "", "{}", page.display());
        }
    }
}

#[test]
fn help_teaches_by_example() {
    let home = Home::new();
    let top = home.run(&["--help"]).stdout;
    let commands = top.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let commands: Vec<&str> = commands
        .filter_map(|it| it.split_whitespace().next())
        .collect();
    assert!(commands.len() > 8, "{top}");
    for command in commands.iter().filter(|it| **it != "help") {
        let help = home.run(&[command, "--help"]).stdout;
        // The options of `chat` need no word.
        let example = match *command {
            "chat" => "parlor ".to_owned(),
            command => format!("parlor {command}"),
        };
        let is_example = |line: &str| line.starts_with("  ") && line.contains(&example);
        assert!(help.lines().any(is_example), "{command}: {help}");
    }
    let narrow = home
        .parlor(&["--help"])
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    assert!(
        narrow.lines().count() <= 36,
        "{}:\n{narrow}",
        narrow.lines().count()
    );
    for line in narrow.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
