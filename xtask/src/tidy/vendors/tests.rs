use super::*;
use crate::tidy::report;
use crate::tree::made_up::files;

fn named(line: &str) -> Vec<&'static str> {
    VENDORS
        .iter()
        .filter(|vendor| vendor.stands_in(line))
        .map(|vendor| vendor.id)
        .collect()
}

#[test]
fn names_are_found_in_text_and_in_identifiers() {
    assert_eq!(named("// OpenAI sends null here"), ["openai"]);
    assert_eq!(named("struct OpenAiConfig;"), ["openai"]);
    assert_eq!(named("let is_groq_host = true;"), ["groq"]);
    assert_eq!(named("\"DEEPSEEK_API_KEY\""), ["deepseek"]);
    assert_eq!(named("fn fromOllamaLine()"), ["ollama"]);
    assert_eq!(named("qwen3"), ["dashscope"]);
}

#[test]
fn other_words_are_not() {
    for line in [
        "// coherent incoherence",
        "maximal minimaxing",
        "hotxairoxaide",
        "an enigma glmnet",
        "mistralian",
    ] {
        assert!(named(line).is_empty(), "{line}");
    }
}

#[test]
fn ordinary_words_are_found_only_as_ids() {
    for line in [
        "// put together, they spark a yield",
        "together with a mark, Ernie",
        "fn join_together()",
        "let perplexity = 3.0;",
    ] {
        assert!(named(line).is_empty(), "{line}");
    }
    assert_eq!(named("\"together\""), ["together"]);
    assert_eq!(named("model(\"yi/yi-lightning\")"), ["yi"]);
    assert_eq!(named("mod spark;"), ["spark"]);
    assert_eq!(named("use crate::together::PRESET"), ["together"]);
    assert_eq!(named("TOGETHER_API_KEY"), ["together"]);
}

#[test]
fn home_is_told_by_the_path() {
    let by_id = |id: &str| VENDORS.iter().find(|vendor| vendor.id == id).unwrap();
    assert!(by_id("openai").at_home("crates/parlor-openai/src/model.rs"));
    assert!(by_id("openai").at_home("crates/parlor-dialect/src/openai_chat/wire.rs"));
    assert!(by_id("moonshot").at_home("crates/parlor-kimi/src/config.rs"));
    assert!(by_id("lmstudio").at_home("crates/parlor-compatible/src/lm_studio.rs"));
    assert!(!by_id("openai").at_home("crates/parlor-http/src/model.rs"));
    assert!(is_vendor("github_models") && is_vendor("deepseek"));
    assert!(!is_vendor("preset") && !is_vendor("lib"));
}

/// Failures when `word` stands in `count` files of the folder.
fn failures(folder: &str, word: &str, count: usize) -> usize {
    let text = format!("//! About {word}.\n");
    let list: Vec<(String, &str)> = (0..count)
        .map(|index| (format!("{folder}/f{index}.rs"), text.as_str()))
        .collect();
    let list: Vec<(&str, &str)> = list
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    report(check, &files(&list)).failures.len()
}

#[test]
fn a_vendor_has_an_allowance_away_from_home() {
    let http = "crates/parlor-http/src";
    assert_eq!(failures(http, "OpenAI", ALLOWANCE), 0);
    assert_eq!(failures(http, "OpenAI", ALLOWANCE + 1), 1);
    assert_eq!(failures("crates/parlor-openai/src", "OpenAI", 20), 0);
    assert_eq!(failures("crates/parlor-http/tests", "OpenAI", 20), 0);
    assert_eq!(failures("crates/parlor-testkit/src", "OpenAI", 20), 0);
}

#[test]
fn dialects_may_bear_their_makers_names() {
    let shared = "crates/parlor-dialect/src";
    assert_eq!(failures(shared, "gemini", 20), 0);
    assert_eq!(failures(shared, "deepseek", 20), 1);
    assert_eq!(failures("crates/parlor-http/src", "openai_chat", 20), 0);
    assert_eq!(failures("crates/parlor-http/src", "`OpenAiChat`", 20), 0);
}

#[test]
fn inline_tests_may_name_whom_they_test() {
    let text = "#[cfg(test)]\nmod tests {\n    // OpenAI\n}\n";
    let list: Vec<(String, &str)> = (0..20)
        .map(|index| (format!("crates/parlor-http/src/f{index}.rs"), text))
        .collect();
    let list: Vec<(&str, &str)> = list
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    assert!(report(check, &files(&list)).failures.is_empty());
}
