//! Did-you-mean over the built-in catalogue.

use parlor_registry::{Candidate, Catalogue, suggest};

fn suggestions(wanted: &str, preferred: &[&str]) -> Vec<String> {
    let names: Vec<(String, bool)> = Catalogue::builtin()
        .entries()
        .iter()
        .map(|entry| (entry.full_id(), preferred.contains(&&*entry.provider)))
        .collect();
    let candidates = names.iter().map(|(name, preferred)| Candidate {
        name,
        preferred: *preferred,
    });
    suggest(wanted, candidates, 5)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[test]
fn typos_find_their_model() {
    let cases = [
        ("openai/gpt-4oo", "openai/gpt-4o"),
        ("gpt-4o-mni", "openai/gpt-4o-mini"),
        ("openai/gtp-4o", "openai/gpt-4o"),
        ("openai:gpt-4o", "openai/gpt-4o"),
        ("OpenAI/GPT-4o", "openai/gpt-4o"),
        ("opnai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("claude-sonet-4-5", "anthropic/claude-sonnet-4-5"),
        ("claude-haiku", "anthropic/claude-haiku-4-5"),
        ("kimi-k2-thinkng", "moonshot/kimi-k2-thinking"),
        ("gemini-2.5-por", "gemini/gemini-2.5-pro"),
        ("deepsek-v4-pro", "deepseek/deepseek-v4-pro"),
        ("glm4-plus", "zhipu/glm-4-plus"),
        ("ollama/lama3.1", "ollama/llama3.1"),
        ("mistral-medum-2604", "mistral/mistral-medium-2604"),
    ];
    for (typed, meant) in cases {
        let provider = meant.split('/').next().unwrap();
        let found = suggestions(typed, &[provider]);
        assert_eq!(
            found.first().map(String::as_str),
            Some(meant),
            "{typed}: {found:?}"
        );
    }
}

#[test]
fn usable_providers_stand_first() {
    let found = suggestions("gpt-4oo", &["azure-openai"]);
    assert_eq!(found[0], "azure-openai/gpt-4o", "{found:?}");
    assert!(found.contains(&"openai/gpt-4o".to_owned()), "{found:?}");
}

#[test]
fn preference_does_not_beat_a_far_better_name() {
    let candidates = [
        Candidate {
            name: "near/gpt-4o-audio",
            preferred: true,
        },
        Candidate {
            name: "far/gpt-4o",
            preferred: false,
        },
    ];
    assert_eq!(suggest("gpt-4o", candidates, 1), ["far/gpt-4o"]);
}

#[test]
fn nothing_alike_suggests_nothing() {
    assert!(suggestions("zzzzqqqq", &[]).is_empty());
    assert!(suggestions("", &[]).is_empty());
    assert!(suggestions("/", &[]).is_empty());
}

#[test]
fn the_list_is_bounded_and_without_doubles() {
    let names = ["a/model-1", "a/model-1", "a/model-2", "a/model-3"];
    let candidates = names.map(|name| Candidate {
        name,
        preferred: false,
    });
    assert_eq!(
        suggest("a/model", candidates, 2),
        ["a/model-1", "a/model-2"]
    );
}
