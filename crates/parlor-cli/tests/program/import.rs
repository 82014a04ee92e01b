//! What is taken over from other programs, and what is left where it was.

use std::fs;
use std::process::Command;

use crate::common::{Home, Ran};
use serde_json::Value;

/// Written by Go 1.26 with the structs of mods: instructions, a question, a call of a tool, its
/// result, the answer.
const TALK: &str = "0dff87020102ff880001ff800000387f030101074d65737361676501ff800001030104526f6c65010c00\
    0107436f6e74656e74010c000109546f6f6c43616c6c7301ff860000001eff850201010f5b5d6d61696e\
    2e546f6f6c43616c6c01ff860001ff82000037ff8103010108546f6f6c43616c6c01ff82000103010249\
    44010c00010846756e6374696f6e01ff8400010749734572726f7201020000002dff830301010846756e\
    6374696f6e01ff8400010201044e616d65010c000109417267756d656e7473010a000000ff90ff880005\
    010673797374656d01086265206272696566000104757365720108776561746865723f00010961737369\
    7374616e7402010102633101010777656174686572010f7b2263697479223a224f736c6f227d00000001\
    04746f6f6c01047261696e010101026331010107776561746865720000000109617373697374616e7401\
    0c4974207261696e732e20c3a900";

const SECRET: &str = "sk-secret-of-another-program";

/// Everything the program said in a run.
fn said(ran: &Ran) -> String {
    assert!(
        !ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET),
        "{ran:?}"
    );
    format!("{}{}", ran.stdout, ran.stderr)
}

#[track_caller]
fn says(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = said(ran);
    for word in words {
        assert!(said.contains(word), "{word:?} in {said}");
    }
}

fn conversations(home: &Home) -> Vec<Value> {
    let list = home.run(&["history", "--json"]).json();
    list.as_array().unwrap().clone()
}

fn titled(home: &Home, title: &str) -> Value {
    let all = conversations(home);
    let found = all.iter().find(|it| it["title"] == title);
    found
        .unwrap_or_else(|| panic!("{title} in {all:?}"))
        .clone()
}

fn shown(home: &Home, title: &str) -> String {
    let id = titled(home, title)["id"].as_str().unwrap().to_owned();
    home.run(&["history", "--show", &id]).stdout
}

/// Makes a database by these statements; false where nothing here can.
fn database(home: &Home, name: &str, statements: &str) -> bool {
    let path = home.file(name, "");
    let script =
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.executescript(sys.argv[2])";
    let made = Command::new("python3")
        .args(["-c", script, &path, statements])
        .status();
    let made = made.is_ok_and(|it| it.success());
    if !made {
        eprintln!("skipped: there is no python3 with sqlite3 here");
    }
    made
}

fn aichat(home: &Home) {
    home.file(
        ".config/aichat/config.yaml",
        format!(
            "model: claude:claude-sonnet-5-5\ntemperature: 0.3\nsave: true\nrag_top_k: 5\nclients:\n\
             - type: claude\n  api_key: {SECRET}\n\
             - type: openai-compatible\n  name: ollama\n  api_base: http://localhost:11434/v1\n\
             - type: openai-compatible\n  name: work\n  api_base: https://llm.work.example/v1\n  patch: {{}}\n"
        ),
    );
    home.file(
        ".config/aichat/roles/french.md",
        "---\nmodel: openai:gpt-4.1\ntop_p: 0.1\n---\nSay in French, {{x}}:\n__INPUT__\n",
    );
    home.file(
        ".config/aichat/roles/shell.md",
        "Name it.\n### INPUT:\nls\n### OUTPUT:\nlist\n",
    );
    home.file(
        ".config/aichat/sessions/my-talk.yaml",
        "model: openai:gpt-4.1\nmessages:\n- role: system\n  content: Be brief\n\
         - role: user\n  content: Hello there\n- role: assistant\n  content: |-\n    Hi!\n    Well?\n\
         - role: user\n  content:\n  - type: text\n    text: What is it\n  - type: image_url\n    image_url:\n      url: data:x\n\
         - role: assistant\n  content: A cat\n",
    );
    home.file(
        ".config/aichat/sessions/_/20250102T030405-old-days.yaml",
        "model: openai:gpt-4.1\nmessages:\n- role: user\n  content: Long ago\n- role: assistant\n  content: Yes\n",
    );
    home.file(".config/aichat/sessions/bad.yaml", "model: [broken\n");
    home.file(
        ".config/aichat/messages.md",
        "# CHAT: why blue [2024-05-06T07:08:09+02:00] (role)\nWhy is it\nblue?\n--------\nRayleigh\n--------\n\n\
         # CHAT: second [2024-05-07T07:08:09+02:00]\nq\n--------\na\n\n--------\nb\n--------\n\n",
    );
}

#[test]
fn aichat_comes_over_once_and_what_is_left_is_named() {
    let home = Home::new();
    aichat(&home);
    let ran = home.run(&["import", "aichat", "--dry-run"]);
    says(&ran, &["conversations  4 new", "Nothing was changed"]);
    assert!(!home.path().join(".config/parlor").exists());
    assert!(!home.path().join(".local").exists());

    let ran = home.run(&["import", "aichat"]);
    says(
        &ran,
        &[
            "default model  anthropic/claude-sonnet-5-5",
            "provider       work",
            "template       french",
            "conversations  4 new",
            "not taken over: temperature, rag_top_k",
            "of the client work: patch",
            "french.md: not taken over: top_p",
            "bad.yaml: skipped: it is no YAML",
            "my-talk.yaml: not taken over: pictures and files (1)",
            "keys of anthropic stay in ",
        ],
    );
    assert!(!said(&ran).contains("ollama"), "{ran:?}");
    let config = fs::read_to_string(home.path().join(".config/parlor/config.toml")).unwrap();
    assert!(config.contains("https://llm.work.example/v1"), "{config}");
    assert!(!config.contains(SECRET), "{config}");
    assert!(!home.path().join(".config/parlor/keys.toml").exists());
    let talk = shown(&home, "my talk");
    for words in [
        "> Be brief",
        "Hello there",
        "openai/gpt-4.1",
        "Hi!\nWell?",
        "A cat",
    ] {
        assert!(talk.contains(words), "{words}: {talk}");
    }
    let old = titled(&home, "old days");
    assert_eq!(old["created_ms"], 1_735_787_045_000_i64);
    assert_eq!(
        titled(&home, "why blue")["created_ms"],
        1_714_972_089_000_i64
    );
    assert!(shown(&home, "second").contains("a\n\n--------\nb"));
    let templates = home.run(&["templates", "--json"]).json();
    assert_eq!(templates[0]["model"], "openai/gpt-4.1");
    let filled = home.run(&["-m", "echo", "-t", "french", "--no-save", "cat"]);
    assert!(filled.stdout.contains("{{x}}:\ncat"), "{filled:?}");

    let ran = home.run(&["import", "aichat", "--keys"]);
    says(
        &ran,
        &[
            "conversations  0 new, 4 there already",
            "french (there already)",
            "provider       work (there already)",
        ],
    );
    let keys = fs::read_to_string(home.path().join(".config/parlor/keys.toml")).unwrap();
    assert!(keys.contains(&format!("anthropic = \"{SECRET}\"")));
    assert_eq!(conversations(&home).len(), 4);
}

#[test]
fn a_conversation_that_grew_there_grows_here_unless_it_went_on_here() {
    let home = Home::new();
    aichat(&home);
    says(&home.run(&["import", "aichat"]), &["4 new"]);
    // Another model may have answered the rest.
    let session = home.path().join(".config/aichat/sessions/my-talk.yaml");
    let before = fs::read_to_string(&session).unwrap();
    fs::write(&session, before.replace("gpt-4.1", "gpt-5.4-mini")).unwrap();
    let grow = |words: &str| {
        let path = home.path().join(".config/aichat/sessions/my-talk.yaml");
        let before = fs::read_to_string(&path).unwrap();
        let more =
            format!("- role: user\n  content: {words}\n- role: assistant\n  content: Sure\n");
        fs::write(path, before + &more).unwrap();
    };
    grow("And more");
    says(
        &home.run(&["import", "aichat"]),
        &["0 new, 1 longer than before, 3 there already"],
    );
    assert!(shown(&home, "my talk").contains("And more"));
    let id = titled(&home, "my talk")["id"].as_str().unwrap().to_owned();
    let here = home.run(&["-m", "echo", &format!("-c={id}"), "Here now"]);
    assert_eq!(here.code, Some(0), "{here:?}");
    grow("There too");
    says(
        &home.run(&["import", "aichat"]),
        &["0 new, 4 there already"],
    );
    let talk = shown(&home, "my talk");
    assert!(
        talk.contains("Here now") && !talk.contains("There too"),
        "{talk}"
    );
}

#[test]
fn what_aichat_summed_up_twice_comes_over_without_the_sums() {
    let home = Home::new();
    home.file(
        ".config/aichat/sessions/long-talk.yaml",
        "model: openai:gpt-4.1\ncompressed_messages:\n- role: system\n  content: Be brief\n\
         - role: user\n  content: First\n- role: assistant\n  content: One\n\
         - role: system\n  content: The sum of one\n- role: user\n  content: Second\n\
         - role: assistant\n  content: Two\nmessages:\n- role: system\n  content: The sum of two\n\
         - role: user\n  content: Third\n- role: assistant\n  content: Three\n",
    );
    says(&home.run(&["import", "aichat"]), &["1 new"]);
    let talk = shown(&home, "long talk");
    for words in ["> Be brief", "First", "Two", "Three"] {
        assert!(talk.contains(words), "{words}: {talk}");
    }
    assert!(!talk.contains("The sum"), "{talk}");
}

#[test]
fn what_llm_kept_beside_its_prompts_comes_over_or_is_named() {
    let home = Home::new();
    let log = LLM.split("CREATE TABLE messages").next().unwrap();
    let beside = "
    CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT, source TEXT);
    CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, \"order\" INTEGER);
    CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, \"order\" INTEGER);
    CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, \"order\" INTEGER);
    CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, arguments TEXT,
        tool_call_id TEXT);
    INSERT INTO fragments VALUES (1, 'a', 'The first file', NULL, NULL), (2, 'b', 'The second file', NULL, NULL),
        (3, 'c', 'Rules of the house', NULL, NULL);
    INSERT INTO prompt_fragments VALUES ('r1', 2, 1), ('r1', 1, 0);
    INSERT INTO system_fragments VALUES ('r1', 3, 0);
    INSERT INTO prompt_attachments VALUES ('r2', 'x', 0), ('r3', 'x', 0);
    INSERT INTO tool_calls VALUES (1, 'r2', 1, 'time', '{}', 'c');
";
    if !database(&home, "logs.db", &format!("{log}{beside}")) {
        return;
    }
    let path = home.path().join("logs.db");
    let ran = home.run(&["import", "llm", path.to_str().unwrap()]);
    says(
        &ran,
        &["2 new", "not taken over: attachments (2), tool calls (1)"],
    );
    let talk = shown(&home, "Old talk");
    for words in [
        "The first file\nThe second file\nOne",
        "Rules of the house",
        "Be kind",
    ] {
        assert!(talk.contains(words), "{words}: {talk}");
    }
}

const LLM: &str = "
    CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
    CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT,
        options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER,
        datetime_utc TEXT, input_tokens INTEGER, output_tokens INTEGER);
    INSERT INTO conversations VALUES ('c1', 'Old talk', 'gpt-4.1');
    INSERT INTO responses (id, model, prompt, system, response, conversation_id, datetime_utc, input_tokens, output_tokens)
        VALUES ('r1', 'gpt-4.1', 'One', 'Be kind', 'Two', 'c1', '2024-01-02T03:04:05.6', 7, 9),
               ('r2', 'gpt-4.1', 'Three', 'Be kind', 'Four', 'c1', '2024-01-02T03:05:05.6', 1, 2),
               ('r3', 'none-such', 'Alone', NULL, 'Yes', NULL, '2024-02-02T03:04:05', NULL, NULL);
    CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
    CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT,
        text TEXT, payload TEXT);
    CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT, source TEXT);
    CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
    CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT,
        model TEXT, input_tokens INTEGER, output_tokens INTEGER, datetime_utc TEXT);
    INSERT INTO messages VALUES ('s', NULL, 'system', NULL), ('u', 's', 'user', NULL), ('a', 'u', 'assistant', NULL),
        ('v', 'a', 'user', NULL), ('b', 'v', 'assistant', NULL), ('loop', 'loop', 'user', NULL);
    INSERT INTO fragments VALUES (1, 'h', 'from a file', NULL, NULL);
    INSERT INTO parts (message_hash, position, type, text, payload) VALUES ('s', 0, 'text', 'You know cities', NULL),
        ('u', 0, 'text', NULL, '{\"text_ref\": [{\"fragment\": 1}, {\"literal\": \" and mine\"}]}'),
        ('u', 1, 'attachment', NULL, '{}'),
        ('a', 0, 'reasoning', 'hm', NULL), ('a', 1, 'text', 'First answer', NULL), ('v', 0, 'text', 'Again', NULL),
        ('b', 0, 'text', 'Second answer', NULL), ('loop', 0, 'text', 'Round', NULL);
    INSERT INTO threads VALUES ('t1', 'New talk', 'b', NULL, '2026-11-21 22:05:01.851159+00:00'),
        ('t2', 'Fork', 'a', 't1', '2026-11-21 22:06:01+00:00'), ('t3', 'Broken', 'gone', NULL, NULL),
        ('t4', 'Endless', 'loop', NULL, NULL);
    INSERT INTO turns VALUES ('x', 't1', 'u', 'a', 'gpt-4.1', 6, 16, '2026-11-21T22:05:01.838077+00:00'),
        ('y', 't1', 'v', 'b', 'gpt-4.1-mini', 2, 3, '2026-11-21T22:05:05+00:00');
";

#[test]
fn llm_comes_over_from_both_forms_of_its_log() {
    let home = Home::new();
    if !database(&home, "llm/logs.db", LLM) {
        return;
    }
    home.file("llm/default_model.txt", "gpt-4.1\n");
    home.file(
        "llm/keys.json",
        format!("{{\"// Note\": \"secret\", \"openai\": \"{SECRET}\"}}"),
    );
    home.file(
        "llm/templates/sum.yaml",
        "model: gpt-4.1\nprompt: 'Sum up in $words words, {so}: $input'\ndefaults:\n  words: 9\ntools: [x]\n",
    );
    let run = |arguments: &[&str]| {
        let mut command = home.parlor(&[&["import", "llm"], arguments].concat());
        Ran::of(
            command
                .env("LLM_USER_PATH", home.path().join("llm"))
                .output()
                .unwrap(),
        )
    };
    let ran = run(&[]);
    says(
        &ran,
        &[
            "sum.yaml: not taken over: tools",
            "keys of openai stay",
            "attachments (2)",
            "conversations  5 new",
        ],
    );
    let talk = shown(&home, "New talk");
    for words in [
        "> You know cities",
        "from a file and mine",
        "First answer",
        "Again",
        "Second answer",
    ] {
        assert!(talk.contains(words), "{words}: {talk}");
    }
    assert!(!talk.contains("hm\n"), "{talk}");
    let kept = titled(&home, "New talk");
    assert_eq!(kept["created_ms"], 1_795_298_701_851_i64);
    assert_eq!(
        (
            kept["turns"].as_u64(),
            kept["usage"]["input_tokens"].as_u64()
        ),
        (Some(2), Some(8))
    );
    assert!(
        kept["model"].as_str().unwrap().ends_with("/gpt-4.1-mini"),
        "{kept}"
    );
    assert!(shown(&home, "Old talk").contains("> Be kind"));
    assert_eq!(titled(&home, "Alone")["model"], "none-such");
    let usage = home.run(&["usage", "--by", "day", "--json"]).json();
    let days: Vec<&str> = usage["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["day"].as_str().unwrap())
        .collect();
    assert!(
        days.contains(&"2024-01-02") && days.contains(&"2026-11-21"),
        "{usage}"
    );
    let filled = home.run(&["-m", "echo", "-t", "sum", "--no-save", "this"]);
    assert!(
        filled.stdout.contains("Sum up in 9 words, {so}: this"),
        "{filled:?}"
    );
    says(&run(&[]), &["conversations  0 new, 5 there already"]);
    // The log alone, and one that isn't one.
    let log = home.path().join("llm/logs.db");
    says(
        &home.run(&["import", "llm", log.to_str().unwrap(), "--dry-run"]),
        &["5 there already"],
    );
    let other = home.file("other.db", "no database at all, but long enough to look at");
    says(
        &home.run(&["import", "llm", &other]),
        &["other.db: not read to its end", "nothing to take over"],
    );
}

#[test]
fn mods_comes_over_with_what_go_wrote() {
    let home = Home::new();
    let rows = "CREATE TABLE conversations (id string NOT NULL PRIMARY KEY, title string NOT NULL,
            updated_at datetime NOT NULL, model string, api string);
        INSERT INTO conversations VALUES ('a1', 'Weather', '2025-03-04 05:06:07', 'gpt-4.1', 'openai'),
            ('b2', 'Broken', '2025-03-05 05:06:07', 'm', 'openai'), ('c3', 'Lost', '2025-03-05 05:06:08', NULL, NULL);";
    if !database(&home, ".local/share/mods/conversations/mods.db", rows) {
        return;
    }
    let digits: Vec<u32> = TALK.chars().filter_map(|c| c.to_digit(16)).collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect();
    home.file(".local/share/mods/conversations/b2.gob", &bytes[..60]);
    home.file(".local/share/mods/conversations/a1.gob", bytes);
    home.file(
        ".config/mods/mods.yml",
        format!(
            "default-api: openai\ndefault-model: gpt-4.1\nroles:\n  default: []\n  terse:\n    - be brief\n    - no {{{{ talk }}}}\n  far:\n    - file:///x\n\
             apis:\n  openai:\n    base-url: https://api.openai.com/v1\n    api-key-env: OPENAI_API_KEY\n  groq:\n    base-url: https://api.groq.com/openai/v1\n    api-key: {SECRET}\n  localai:\n    base-url: http://localhost:8080\n"
        ),
    );
    let ran = home.run(&["import", "mods"]);
    says(
        &ran,
        &[
            "default model  openai/gpt-4.1",
            "template       terse",
            "conversations  1 new",
            "b2.gob: skipped: it ends too early (its title: Broken)",
            "c3.gob: skipped",
            "the role far",
            "keys of groq stay",
        ],
    );
    let talk = shown(&home, "Weather");
    for words in ["> be brief", "weather?", "It rains. é", "openai/gpt-4.1"] {
        assert!(talk.contains(words), "{words}: {talk}");
    }
    assert_eq!(
        titled(&home, "Weather")["created_ms"],
        1_741_064_767_000_i64
    );
    says(&home.run(&["import", "mods"]), &["0 new, 1 there already"]);
}

#[test]
fn what_is_not_there_is_told_with_where_it_was_looked_for() {
    let home = Home::new();
    for program in ["aichat", "llm", "mods"] {
        let ran = home.run(&["import", program]);
        ran.failed(2, "import").says(&[".config", "parlor import"]);
        let ran = home.run(&["import", program, "no-such-folder"]);
        ran.failed(2, "import").says(&["no-such-folder"]);
    }
    home.run(&["import", "other"]).failed(2, "usage");
    // A folder with nothing in it is nothing to take over.
    let empty = home.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for program in ["aichat", "llm", "mods"] {
        let ran = home.run(&["import", program, empty.to_str().unwrap()]);
        says(&ran, &["nothing to take over"]);
    }
}

/// A proxy's configuration: two deployments of one name, a fallback, a host of one's own.
const PROXY: &str = "
model_list:
  - model_name: quick
    litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY, temperature: 0.2}
  - model_name: large
    litellm_params: {model: azure/mine, api_base: https://mine.example, api_key: os.environ/MINE_KEY, rpm: 6}
  - model_name: large
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-secret-of-another-program, rpm: 3}
  - model_name: safe
    litellm_params: {model: gemini/gemini-2.5-flash, mock_response: Hi}
  - model_name: 'openai/*'
    litellm_params: {model: 'openai/*'}
  - model_name: odd
    litellm_params: {model: nobody/knows}
  - model_name: both
    litellm_params: {model: openai/gpt-4o, weight: 1}
  - model_name: both
    litellm_params: {model: openai/gpt-4o-mini, weight: 3}
router_settings: {routing_strategy: simple-shuffle, num_retries: 2, cooldown_time: 30}
litellm_settings: {fallbacks: [{safe: [quick]}, {both: [safe]}], request_timeout: 90, drop_params: true}
general_settings: {master_key: os.environ/LITELLM_MASTER_KEY, database_url: postgres://u:sk-secret-of-another-program@h/d}
";

#[test]
fn a_proxys_models_and_routes_are_taken_over() {
    let home = Home::new();
    let file = home.path().join("config.yaml");
    fs::write(&file, PROXY).unwrap();
    let file = file.to_str().unwrap();
    let dry = home.run(&["import", "litellm", file, "--dry-run"]);
    says(&dry, &["model          quick", "Nothing was changed"]);
    let ran = home.run(&["import", "litellm", file]);
    says(
        &ran,
        &[
            "model          quick",
            "route          large",
            "route          safe",
            "retries        2",
            "time limit     90s",
            "openai/*: not taken over",
            "odd: not taken over, no provider is called nobody",
            "safe: not taken over: mock_response",
            "the variable LITELLM_MASTER_KEY",
            "keys of anthropic stay",
            "large: not taken over: rpm as a limit",
            "both: not taken over: that its 2 deployments share what is asked",
            "not taken over: cooldown_time, drop_params",
        ],
    );
    let get = |path: &str| home.run(&["config", "get", path]).stdout;
    assert!(get("models.quick").contains("openai/gpt-4o-mini"));
    assert!(get("models.quick.temperature").contains("0.2"));
    let own = get("models.large-1");
    assert!(
        own.contains("azure-openai/mine") && own.contains("MINE_KEY"),
        "{own}"
    );
    let route = get("routes.large");
    assert!(
        route.contains("weighted") && route.contains("anthropic/claude-sonnet-4-5"),
        "{route}"
    );
    assert!(get("routes.safe").contains("fallback"));
    let both = get("routes.both");
    let (first, second) = (
        both.find("openai/gpt-4o-mini"),
        both.find("openai/gpt-4o\""),
    );
    assert!(first.is_some() && first < second, "{both}");
    assert_eq!(get("layers.retry.attempts").trim(), "3");
    assert_eq!(get("layers.timeout.total").trim(), "90s");
    assert_eq!(home.run(&["config", "check"]).code, Some(0));
    let again = home.run(&["import", "litellm", file]);
    says(&again, &["retries        2 (there already)"]);
    assert!(!said(&again).contains("something is set"), "{again:?}");
    home.run(&["config", "set", "layers.retry.attempts", "7"]);
    let other = home.run(&["import", "litellm", file]);
    says(&other, &["retries        2 (something is set already"]);
    assert_eq!(get("layers.retry.attempts").trim(), "7");
}

/// Deployments at other addresses than their providers', and what has no place here.
const ELSEWHERE: &str = "
model_list:
  - model_name: proxied
    litellm_params: {model: openai/gpt-4o, api_base: https://proxy.example/v1, api_key: os.environ/OPENAI_API_KEY}
  - model_name: literal
    litellm_params: {model: openai/gpt-4o, api_base: https://proxy.example/v1, api_key: sk-secret-of-another-program, tpm: 9}
router_settings: {model_group_alias: {best: proxied}}
litellm_settings:
  default_fallbacks: [proxied]
  context_window_fallbacks: [{literal: [proxied]}]
  fallbacks: [{proxied: [gone]}, {'*': [proxied]}]
";

#[test]
fn a_key_of_another_address_is_named_there_and_never_the_vendors() {
    let home = Home::new();
    let file = home.path().join("config.yaml");
    fs::write(&file, ELSEWHERE).unwrap();
    let ran = home.run(&["import", "litellm", file.to_str().unwrap(), "--keys"]);
    says(
        &ran,
        &[
            "literal: the key of its address stays in the file",
            "literal: not taken over: tpm",
            "not taken over: default_fallbacks, context_window_fallbacks, model_group_alias",
            "proxied: not taken over as fallbacks: gone",
            "*: not taken over as fallbacks: proxied",
        ],
    );
    let get = |path: &str| home.run(&["config", "get", path]).stdout;
    assert!(get("models.proxied.api_key_env").contains("OPENAI_API_KEY"));
    let literal = get("models.literal");
    assert!(literal.contains("proxy.example"), "{literal}");
    assert!(!literal.contains("api_key"), "{literal}");
    assert!(!said(&ran).contains("key            openai"), "{ran:?}");
}
