//! A vendor's name stands at home: in its own crate, file or dialect.
//!
//! Looked at is Rust source that ships, comments included. Not counted are tests, the test kit,
//! the stand-ins of the demo, the chores, the facade (its table has one line per provider), the
//! registry's table that is made of descriptors, the presets (a host names the models of others
//! that it serves) and every file whose path bears the vendor's name. The crate of the dialects may use the names of dialects
//! freely, since a dialect is called by the vendor that made it (`openai_chat`, `gemini`);
//! elsewhere the compound dialect names (`openai_chat`, `OpenAiChat`) are not counted either.

use std::collections::BTreeMap;

use super::{Report, Rule};
use crate::source;
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "vendors",
    caption: "a vendor's name stands in few files beside its own crate, file or dialect",
    check,
};

/// In how many files a vendor's name may stand away from home.
const ALLOWANCE: usize = 5;

/// Folders in which every vendor may be named.
const OPEN: &[&str] = &[
    "crates/parlor/",
    "crates/parlor-compatible/src/presets/",
    "crates/parlor-demo/",
    "crates/parlor-registry/src/registry/known/",
    "crates/parlor-testkit/",
    "examples/",
    "xtask/",
];

const DIALECTS: &str = "crates/parlor-dialect/";

/// Folders in which one more vendor is at home: that of a product which bears its name.
const SHARED: &[(&str, &str)] = &[("crates/parlor-azure/", "openai")];

/// Names of dialects that contain a vendor's, as they stand in code and in identifiers.
const DIALECT_NAMES: &[&str] = &[
    "openai_chat",
    "openai-chat",
    "OpenAiChat",
    "openai_responses",
    "openai-responses",
    "OpenAiResponses",
    "anthropic_messages",
    "anthropic-messages",
    "AnthropicMessages",
    "bedrock_converse",
    "bedrock-converse",
    "BedrockConverse",
];

/// A vendor and the words that give it away.
struct Vendor {
    /// The provider's id in the registry, or the vendor's usual name.
    id: &'static str,
    /// Found wherever they stand, in any case, as a word of their own or inside an identifier.
    words: &'static [&'static str],
    /// Words that English has too: found only as a string or the head of one (`"together/…"`), as
    /// a module (`mod together`, `together::`) or before an underscore in capitals
    /// (`TOGETHER_API_KEY`).
    ordinary: &'static [&'static str],
    /// Whether a dialect bears the vendor's name.
    dialect: bool,
}

const fn vendor(
    id: &'static str,
    words: &'static [&'static str],
    ordinary: &'static [&'static str],
) -> Vendor {
    Vendor {
        id,
        words,
        ordinary,
        dialect: false,
    }
}

const fn with_dialect(id: &'static str, words: &'static [&'static str]) -> Vendor {
    Vendor {
        id,
        words,
        ordinary: &[],
        dialect: true,
    }
}

const VENDORS: &[Vendor] = &[
    with_dialect("openai", &["openai"]),
    with_dialect("anthropic", &["anthropic", "claude"]),
    with_dialect("gemini", &["gemini", "google"]),
    with_dialect("ollama", &["ollama"]),
    with_dialect("bedrock", &["bedrock"]),
    with_dialect("cohere", &["cohere"]),
    vendor("azure-openai", &["azure"], &[]),
    vendor("vertex", &[], &["vertex"]),
    vendor("mistral", &["mistral", "codestral"], &[]),
    vendor("deepseek", &["deepseek"], &[]),
    vendor("groq", &["groq"], &[]),
    vendor("xai", &["xai"], &["grok"]),
    vendor("openrouter", &["openrouter"], &[]),
    vendor("together", &[], &["together"]),
    vendor("fireworks", &[], &["fireworks"]),
    vendor("cerebras", &["cerebras"], &[]),
    vendor("perplexity", &[], &["perplexity"]),
    vendor("nvidia", &["nvidia"], &[]),
    vendor("dashscope", &["dashscope", "qwen", "alibaba"], &[]),
    vendor("volcengine", &["volcengine", "doubao"], &["ark"]),
    vendor("minimax", &["minimax"], &[]),
    vendor("stepfun", &["stepfun"], &[]),
    vendor("siliconflow", &["siliconflow"], &[]),
    vendor("baichuan", &["baichuan"], &[]),
    vendor("spark", &["iflytek"], &["spark"]),
    vendor("yi", &["lingyiwanwu"], &["yi"]),
    vendor("moonshot", &["kimi"], &["moonshot"]),
    vendor("zhipu", &["zhipu", "glm", "bigmodel", "zai"], &[]),
    vendor("qianfan", &["qianfan"], &["ernie"]),
    vendor("hunyuan", &["hunyuan", "tencent"], &[]),
    vendor("github-models", &["github_models", "github-models"], &[]),
    vendor("huggingface", &["huggingface"], &[]),
    vendor("vercel", &["vercel"], &[]),
    vendor("lmstudio", &["lmstudio", "lm_studio"], &[]),
    vendor("llamacpp", &["llamacpp", "llama_cpp"], &[]),
    vendor("vllm", &["vllm"], &[]),
    vendor("sglang", &["sglang"], &[]),
    vendor("litellm", &["litellm"], &[]),
    vendor("xiaomi", &["xiaomi"], &[]),
    vendor("deepinfra", &["deepinfra"], &[]),
];

impl Vendor {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.id]
            .into_iter()
            .chain(self.words.iter().copied())
            .chain(self.ordinary.iter().copied())
    }

    /// Whether a path is the vendor's home: one of its parts bears the name.
    fn at_home(&self, path: &str) -> bool {
        let parts = path.split('/').map(|part| part.trim_end_matches(".rs"));
        parts
            .into_iter()
            .any(|part| self.names().any(|name| bears(part, name)))
    }

    fn stands_in(&self, line: &str) -> bool {
        let lower = line.to_ascii_lowercase();
        self.words.iter().any(|word| has_word(line, &lower, word))
            || self.ordinary.iter().any(|word| has_id(line, &lower, word))
    }
}

/// Whether a file of this name (`deepseek`, `lm_studio`) is a vendor's.
pub(super) fn is_vendor(stem: &str) -> bool {
    VENDORS
        .iter()
        .any(|vendor| vendor.names().any(|name| bears(stem, name)))
}

/// Whether a file or folder name is a vendor's name or has it between dashes or underscores.
fn bears(part: &str, name: &str) -> bool {
    let part = part.replace('-', "_");
    let name = name.replace('-', "_");
    let edge = |c: Option<char>| c.is_none_or(|c| c == '_');
    part.replace('_', "") == name.replace('_', "")
        || source::find_with_edges(&part, &name, |before, after| edge(before) && edge(after))
            .is_some()
}

/// Whether a word stands in a line as itself or as a hump of an identifier. `lower` is the line in
/// lower case, of the same length.
fn has_word(line: &str, lower: &str, word: &str) -> bool {
    lower.match_indices(word).any(|(at, _)| {
        let end = at + word.len();
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let first = line.get(at..).and_then(|text| text.chars().next());
        let after = line.get(end..).and_then(|text| text.chars().next());
        let begins = before.is_none_or(|c| {
            !c.is_ascii_alphanumeric()
                || (c.is_ascii_lowercase() && first.is_some_and(|c| c.is_ascii_uppercase()))
        });
        let ends = after.is_none_or(|c| !c.is_ascii_lowercase());
        begins && ends
    })
}

/// Whether an ordinary word stands in a line as an identifier or an id.
fn has_id(line: &str, lower: &str, word: &str) -> bool {
    let quoted = source::find_with_edges(lower, word, |before, after| {
        before == Some('"') && matches!(after, Some('"' | '/' | ':'))
    });
    let path = source::find_with_edges(lower, &format!("{word}::"), |before, _| {
        before.is_none_or(|c| !c.is_ascii_alphanumeric())
    });
    let module = source::find_with_edges(lower, &format!("mod {word}"), |_, after| {
        matches!(after, Some(';' | ' '))
    });
    let variable = source::find_with_edges(
        line,
        &format!("{}_", word.to_ascii_uppercase()),
        |before, _| before.is_none_or(|c| !c.is_ascii_alphanumeric()),
    );
    quoted.or(path).or(module).or(variable).is_some()
}

fn check(tree: &Tree, report: &mut Report) {
    let mut found: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for (path, text) in tree.rust() {
        if source::is_test(path) || OPEN.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let strangers: Vec<&Vendor> = VENDORS
            .iter()
            .filter(|vendor| !vendor.at_home(path))
            .filter(|vendor| {
                !SHARED
                    .iter()
                    .any(|(at, id)| vendor.id == *id && path.starts_with(at))
            })
            .filter(|vendor| !(vendor.dialect && path.starts_with(DIALECTS)))
            .collect();
        let lines: Vec<(usize, String)> = source::shipped_lines(text)
            .into_iter()
            .map(|(number, line)| (number, without_dialect_names(line)))
            .collect();
        for vendor in strangers {
            if let Some((number, _)) = lines.iter().find(|(_, line)| vendor.stands_in(line)) {
                found.entry(vendor.id).or_default().push((path, *number));
            }
        }
    }
    for (id, places) in found {
        let (Some((path, line)), true) = (places.get(ALLOWANCE), places.len() > ALLOWANCE) else {
            continue;
        };
        let list: Vec<String> = places
            .iter()
            .map(|(path, line)| format!("{path}:{line}"))
            .collect();
        report.fail(
            *path,
            *line,
            format!(
                "{id} is named in {} files away from home, the allowance is {ALLOWANCE} ({})",
                places.len(),
                list.join(", ")
            ),
            "make the difference data (Quirks, Profile, descriptor) or speak of it in general",
        );
    }
}

fn without_dialect_names(line: &str) -> String {
    DIALECT_NAMES
        .iter()
        .fold(line.to_owned(), |line, name| line.replace(name, ""))
}

#[cfg(test)]
mod tests;
