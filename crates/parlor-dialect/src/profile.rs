//! What a model family is like, wherever it is hosted.

use parlor_core::Effort;

/// Traits of a model family that hold whichever host serves it.
///
/// What belongs to the host instead is in the dialect's quirks. An unknown
/// model has the default profile, which asks for nothing special.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Thoughts stand in the text between `<think>` and `</think>`, unless the
    /// host takes them out; they are told as reasoning.
    pub think_tags: bool,
    /// The essence of an answer stands between `<|begin_of_box|>` and
    /// `<|end_of_box|>`, unless the host takes these out; they are dropped.
    pub box_marks: bool,
    /// The family reasons and refuses sampling settings (temperature, top_p,
    /// penalties, logprobs): they are left out with a warning.
    pub fixed_sampling: bool,
    /// It refuses temperature and top_p together, where the maker's own
    /// dialect or an enveloping one has both.
    pub one_of_sampling: bool,
    /// With reasoning off it takes sampling settings after all.
    pub sampling_without_reasoning: bool,
    /// It refuses stop sequences.
    pub no_stop: bool,
    /// Instructions go in the role `developer`, where the dialect has it.
    pub developer_role: bool,
    /// It knows the limit on output by its newer name alone,
    /// `max_completion_tokens`, where the dialect has both.
    pub max_completion_tokens: bool,
    /// While it reasons it can't be made to call a tool.
    pub free_tool_choice: bool,
    /// It signs its thoughts, and its maker's dialect takes back none without.
    pub signs: bool,
    /// The efforts it knows, from least to most; empty if that is unknown.
    pub efforts: &'static [Effort],
    /// Which reasoning of earlier turns must be sent back.
    pub replay: ReasoningReplay,
    /// A turn that must be sent back with its reasoning must not be without:
    /// a space stands for thoughts that aren't known.
    pub blank_reasoning: bool,
}

/// Which reasoning of earlier turns must be sent back as text.
///
/// Reasoning that carries a signature for its own origin is always sent back;
/// this is about plain text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasoningReplay {
    /// None.
    #[default]
    Never,
    /// That of turns which called tools.
    ToolTurns,
    /// All of it.
    Always,
}

impl Profile {
    /// The profile of a model by its id, in whatever words a host puts it:
    /// `gpt-5-mini`, `openai/gpt-5-mini`, `accounts/x/models/qwen3-8b`,
    /// `qwen3:8b`. An unknown id has the default profile.
    pub fn of(model: &str) -> Self {
        let id = model.rsplit('/').next().unwrap_or(model);
        let id = id.to_ascii_lowercase();
        FAMILIES
            .iter()
            .find(|(patterns, _)| patterns.iter().any(|pattern| matches(pattern, &id)))
            .map(|(_, profile)| profile.clone())
            .unwrap_or_default()
    }
}

const PLAIN: Profile = Profile {
    think_tags: false,
    box_marks: false,
    fixed_sampling: false,
    one_of_sampling: false,
    sampling_without_reasoning: false,
    no_stop: false,
    developer_role: false,
    max_completion_tokens: false,
    free_tool_choice: false,
    signs: false,
    efforts: &[],
    replay: ReasoningReplay::Never,
    blank_reasoning: false,
};

/// Reasoning models of the family that brought `developer` and
/// `max_completion_tokens`.
const FIXED: Profile = Profile {
    fixed_sampling: true,
    no_stop: true,
    developer_role: true,
    max_completion_tokens: true,
    ..PLAIN
};

const TAGS: Profile = Profile {
    think_tags: true,
    ..PLAIN
};

const TOOL_TURNS: Profile = Profile {
    replay: ReasoningReplay::ToolTurns,
    ..PLAIN
};

const NO_STOP: Profile = Profile {
    no_stop: true,
    ..PLAIN
};

const FREE_CHOICE: Profile = Profile {
    free_tool_choice: true,
    signs: true,
    ..PLAIN
};

const ONE_FREE_CHOICE: Profile = Profile {
    one_of_sampling: true,
    ..FREE_CHOICE
};

const FIXED_FREE_CHOICE: Profile = Profile {
    fixed_sampling: true,
    efforts: &LOW_TO_MAX,
    ..FREE_CHOICE
};

static LOW_TO_HIGH_AND_MAX: [Effort; 4] = [Effort::Low, Effort::Medium, Effort::High, Effort::Max];
static LOW_TO_MAX: [Effort; 5] = [
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::XHigh,
    Effort::Max,
];
static LOW_TO_XHIGH: [Effort; 4] = [Effort::Low, Effort::Medium, Effort::High, Effort::XHigh];
static LOW_AND_HIGH: [Effort; 2] = [Effort::Low, Effort::High];
static LOW_TO_HIGH: [Effort; 3] = [Effort::Low, Effort::Medium, Effort::High];
static MINIMAL_TO_HIGH: [Effort; 4] = [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High];
static OFF_TO_HIGH: [Effort; 4] = [Effort::Off, Effort::Low, Effort::Medium, Effort::High];

/// The known families; the first row that matches counts. In a pattern `*`
/// stands for any text. Sources: the makers' API references and the errors
/// that their hosts answer with.
static FAMILIES: &[(&[&str], Profile)] = &[
    // Forced calls don't go with thinking in this line. From Opus 4.1
    // and 4.5 on it refuses temperature beside top_p, from 4.7 on each of
    // them; efforts came with 4.5.
    (
        &["*claude-opus-4-5*", "*claude-opus-4.5*"],
        Profile {
            efforts: &LOW_TO_HIGH,
            ..ONE_FREE_CHOICE
        },
    ),
    (
        &["*claude-*-4-6*", "*claude-*-4.6*"],
        Profile {
            efforts: &LOW_TO_HIGH_AND_MAX,
            ..ONE_FREE_CHOICE
        },
    ),
    (
        &[
            "*claude-*-4-5*",
            "*claude-*-4.5*",
            "*claude-opus-4-1*",
            "*claude-opus-4.1*",
        ],
        ONE_FREE_CHOICE,
    ),
    (
        &[
            "*claude-*-4-7*",
            "*claude-*-4.7*",
            "*claude-*-4-8*",
            "*claude-*-4.8*",
        ],
        FIXED_FREE_CHOICE,
    ),
    (
        &[
            "*claude-2*",
            "*claude-v2*",
            "*claude-3*",
            "*claude-instant*",
            "*claude-*-4*",
        ],
        FREE_CHOICE,
    ),
    (&["*claude-*"], FIXED_FREE_CHOICE),
    // The chat variants of the reasoning line take sampling settings.
    (
        &["gpt-*-chat", "gpt-*-chat-*"],
        Profile {
            fixed_sampling: false,
            no_stop: false,
            ..FIXED
        },
    ),
    (
        &["o1", "o1-*", "o3", "o3-*", "o4-*", "codex-mini*"],
        Profile {
            efforts: &LOW_TO_HIGH,
            ..FIXED
        },
    ),
    (
        &["gpt-5", "gpt-5-*"],
        Profile {
            efforts: &MINIMAL_TO_HIGH,
            ..FIXED
        },
    ),
    (
        &["gpt-5.1", "gpt-5.1-*"],
        Profile {
            efforts: &OFF_TO_HIGH,
            sampling_without_reasoning: true,
            ..FIXED
        },
    ),
    (
        &["gpt-5.*", "gpt-6*", "gpt-7*"],
        Profile {
            sampling_without_reasoning: true,
            ..FIXED
        },
    ),
    // What reasons in this line refuses stop sequences.
    (&["*grok-*non-reasoning*", "*grok-2*"], PLAIN),
    (
        &["*grok-3-mini*"],
        Profile {
            efforts: &LOW_AND_HIGH,
            ..NO_STOP
        },
    ),
    (&["*grok-3*"], PLAIN),
    (
        &["*grok-4.3*"],
        Profile {
            efforts: &OFF_TO_HIGH,
            ..NO_STOP
        },
    ),
    (
        &["*grok-4.5*"],
        Profile {
            efforts: &LOW_TO_HIGH,
            ..NO_STOP
        },
    ),
    (
        &["*grok-4.20-multi-agent*", "*grok-4.6*", "*grok-4.7*"],
        Profile {
            efforts: &LOW_TO_XHIGH,
            ..NO_STOP
        },
    ),
    (&["*grok-*"], NO_STOP),
    // Earlier thoughts must not be sent back to the first reasoning models of
    // this line, and must be on tool turns to the later ones.
    (&["*deepseek-r1*", "deepseek-reasoner-r1*"], TAGS),
    (
        &["deepseek-*"],
        Profile {
            free_tool_choice: true,
            blank_reasoning: true,
            ..TOOL_TURNS
        },
    ),
    (
        &["kimi-k2.5*", "kimi-k2.6*", "kimi-k2.7*", "kimi-k3*"],
        Profile {
            fixed_sampling: true,
            free_tool_choice: true,
            ..TOOL_TURNS
        },
    ),
    (&["kimi-*"], TOOL_TURNS),
    (
        &["glm-4.1v*", "glm-4.5v*"],
        Profile {
            think_tags: true,
            box_marks: true,
            ..TOOL_TURNS
        },
    ),
    (
        &["glm-4.5*"],
        Profile {
            think_tags: true,
            ..TOOL_TURNS
        },
    ),
    (&["glm-*", "mimo-*"], TOOL_TURNS),
    // It always reasons: there is no off.
    (
        &["gpt-oss*"],
        Profile {
            efforts: &LOW_TO_HIGH,
            ..TOOL_TURNS
        },
    ),
    // Its text must come back whole, thoughts included.
    (
        &["minimax-m*"],
        Profile {
            think_tags: true,
            replay: ReasoningReplay::Always,
            ..PLAIN
        },
    ),
    (
        &[
            "qwen3*",
            "qwq*",
            "qvq*",
            "sonar-reasoning*",
            "phi-4*reasoning*",
            "*nemotron*",
            "exaone*",
            "smollm3*",
            "cogito*",
            "hunyuan-a13b*",
            "*-thinking",
            "*-thinking-*",
        ],
        TAGS,
    ),
];

/// Whether an id fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((head, rest)) => id
            .strip_prefix(head)
            .is_some_and(|id| tails(id).any(|tail| matches(rest, tail))),
    }
}

/// Every ending of a text, the whole and the empty one included.
fn tails(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, _)| &text[at..]).chain([""])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_ids() {
        assert!(matches("o3", "o3") && !matches("o3", "o3x"));
        assert!(matches("o3-*", "o3-mini") && !matches("o3-*", "o3"));
        assert!(matches("gpt-*-chat-*", "gpt-5.2-chat-latest"));
        assert!(matches("*r1*", "deepseek-r1-distill") && !matches("*r1*", "x"));
        assert!(matches("*", "") && matches("*", "é"));
    }

    #[test]
    fn a_family_is_known_behind_every_host() {
        for id in [
            "gpt-5-mini",
            "openai/gpt-5-mini",
            "openai/o4-mini",
            "GPT-5.2",
            "gpt-6.1-sol",
        ] {
            let profile = Profile::of(id);
            assert!(profile.fixed_sampling && profile.developer_role, "{id}");
            assert!(profile.max_completion_tokens && profile.no_stop, "{id}");
        }
        for id in [
            "gpt-4o",
            "gpt-4.1-mini",
            "gpt-oss:20b",
            "gpt-5-chat-latest",
            "o100",
        ] {
            assert!(!Profile::of(id).fixed_sampling, "{id}");
        }
        assert_eq!(Profile::of("gpt-4o"), Profile::default());
    }

    #[test]
    fn replay_and_tags_follow_the_family() {
        let replay = |id: &str| Profile::of(id).replay;
        assert_eq!(replay("deepseek/deepseek-v3.2"), ReasoningReplay::ToolTurns);
        assert_eq!(replay("deepseek-ai/DeepSeek-R1"), ReasoningReplay::Never);
        assert_eq!(replay("kimi-k2-thinking"), ReasoningReplay::ToolTurns);
        assert_eq!(replay("zai-org/GLM-5.2"), ReasoningReplay::ToolTurns);
        assert_eq!(replay("qwen3-max"), ReasoningReplay::Never);
        assert_eq!(replay("MiniMax-M2.5"), ReasoningReplay::Always);
        let boxes = |id: &str| Profile::of(id).box_marks;
        assert!(
            boxes("glm-4.5v") && boxes("zai-org/GLM-4.5V-FP8") && boxes("glm-4.1v-thinking-flash")
        );
        assert!(!boxes("glm-4.5-air") && !boxes("glm-4.6v"));
        for id in ["qwen3:8b", "MiniMax-M3", "deepseek-r1:7b", "QwQ-32B"] {
            assert!(Profile::of(id).think_tags, "{id}");
        }
    }

    #[test]
    fn lines_of_a_family_know_efforts_of_their_own() {
        let known = |id: &str| Profile::of(id).efforts.len();
        assert_eq!((known("grok-3-mini"), known("grok-3")), (2, 0));
        assert_eq!((known("x-ai/grok-4.3"), known("grok-4.5-latest")), (4, 3));
        assert_eq!(
            Profile::of("us.xai.grok-4.6").efforts.last(),
            Some(&Effort::XHigh)
        );
        let no_stop = |id: &str| Profile::of(id).no_stop;
        assert!(no_stop("grok-4") && no_stop("grok-code-fast-1") && no_stop("grok-4.20-reasoning"));
        assert!(!no_stop("grok-3") && !no_stop("grok-4.20-0309-non-reasoning"));
    }

    #[test]
    fn a_version_is_told_from_a_date() {
        let efforts = |id: &str| Profile::of(id).efforts.len();
        assert_eq!(efforts("claude-opus-4-20250514"), 0);
        assert_eq!(efforts("claude-sonnet-4-5-20250929"), 0);
        assert_eq!(efforts("anthropic/claude-opus-4.5"), 3);
        assert_eq!(efforts("us.anthropic.claude-sonnet-4-6-v1:0"), 4);
        assert_eq!(efforts("claude-opus-4-8@default"), 5);
        assert!(Profile::of("claude-sonnet-5-5").fixed_sampling);
        assert!(!Profile::of("claude-3-7-sonnet@20250219").fixed_sampling);
        let one = |id: &str| Profile::of(id).one_of_sampling;
        assert!(one("claude-haiku-4-5") && one("claude-opus-4-1-20250805"));
        assert!(one("anthropic/claude-sonnet-4.6"));
        assert!(!one("claude-sonnet-4-20250514") && !one("claude-opus-4-7"));
    }
}
