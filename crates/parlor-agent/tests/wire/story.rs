//! Conversations made up: what the model does, and what people and programs do to it.

use parlor_agent::Approval;
use parlor_core::*;
use parlor_testkit::Script;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// What becomes of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    ToTheEnd,
    /// It is dropped after so many events.
    Drops(usize),
    /// It is told to stop after so many.
    Stops(usize),
}

/// What is done to a conversation.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Say(String, How),
    Regenerate(How),
    Resume(How),
    Answer(How),
    Undo,
    Fork(usize),
    Store,
    Add(Message),
    System(Option<String>),
}

/// What a model does at one step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    thought: Option<String>,
    said: Option<String>,
    calls: Vec<(String, String, Arguments)>,
    /// After so many events it hangs or fails.
    breaks: Option<(usize, bool)>,
    refuses: bool,
}

/// A conversation from its begin to its end.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) acts: Vec<Act>,
    pub(crate) steps: Vec<Step>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) window: bool,
    pub(crate) executes: bool,
}

impl Step {
    /// The step as a scripted model plays it.
    pub(crate) fn script(self) -> Script {
        let error = || Error::new(ErrorKind::Connection, "reset");
        if self.refuses {
            return Script::refuses(error());
        }
        let mut parts = Vec::new();
        parts.extend(self.thought.map(|it| Part::from(Reasoning::new(it))));
        parts.extend(self.said.map(Part::from));
        for (id, name, arguments) in self.calls {
            parts.push(ToolCall::new(id, name, arguments).into());
        }
        let mut choice = Choice::new(0);
        choice.message.parts = parts;
        choice.finish_reason = Some(FinishKind::Stop.into());
        let mut response = ChatResponse::default();
        response.choices.push(choice);
        let script = Script::response(response);
        match self.breaks {
            None => script,
            Some((after, true)) => script.cut(after).fails(error()),
            Some((after, false)) => script.cut(after).hangs(),
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[a-zé]{1,8}", 1 => Just(String::new()), 1 => "[ \n]{1,2}"]
}

fn arguments() -> impl Strategy<Value = Arguments> {
    prop_oneof![
        6 => Just(Arguments::json("{}")),
        2 => Just(Arguments::json("{\"a\": 1}")),
        1 => prop::sample::select(vec!["", "null", "[1]", "7", "{\"a\":", "so"]).prop_map(Arguments::json),
        1 => Just(Arguments::cut("{\"a\"")),
    ]
}

fn call() -> impl Strategy<Value = (String, String, Arguments)> {
    let ids = vec!["", "a", "b", "call_1", "toolu_01ABC", "ä ö", "call00002"];
    let names = vec![
        "look",
        "look",
        "write",
        "write",
        "image",
        "nothing",
        "panic",
        "hang",
        "gone",
        "functions.look",
        "no name!",
        "",
    ];
    let (id, name) = (prop::sample::select(ids), prop::sample::select(names));
    (id, name, arguments()).prop_map(|(id, name, it)| (id.to_owned(), name.to_owned(), it))
}

fn step() -> impl Strategy<Value = Step> {
    (
        option::weighted(0.2, text()),
        option::weighted(0.6, text()),
        vec(call(), 0..4),
        option::weighted(0.2, (0..9_usize, any::<bool>())),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(thought, said, calls, breaks, refuses)| Step {
            thought,
            said,
            calls,
            breaks,
            refuses,
        })
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        4 => Just(How::ToTheEnd),
        1 => (0..12_usize).prop_map(How::Drops),
        1 => (0..12_usize).prop_map(How::Stops),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let message = prop_oneof![
        text().prop_map(Message::user),
        text().prop_map(Message::assistant),
        text().prop_map(Message::system),
        call().prop_map(|(id, _, arguments)| {
            Message::new(
                Role::Assistant,
                vec![ToolCall::new(id, "look", arguments).into()],
            )
        }),
        text().prop_map(|text| Message::tool_results([ToolResult::text("a", text)])),
    ];
    prop_oneof![
        8 => (text(), how()).prop_map(|(text, how)| Act::Say(text, how)),
        2 => how().prop_map(Act::Regenerate),
        2 => how().prop_map(Act::Resume),
        2 => how().prop_map(Act::Answer),
        1 => Just(Act::Undo),
        1 => (0..5_usize).prop_map(Act::Fork),
        1 => Just(Act::Store),
        2 => message.prop_map(Act::Add),
        1 => option::of(text()).prop_map(Act::System),
    ]
}

/// Any story.
pub(crate) fn acts() -> impl Strategy<Value = Story> {
    let approval = prop::sample::select(vec![
        Approval::Allow,
        Approval::Later,
        Approval::Later,
        Approval::Deny(None),
        Approval::DenyAlways,
    ]);
    (
        vec(act(), 1..8),
        vec(step(), 0..14),
        vec(approval, 0..6),
        any::<bool>(),
        prop::bool::weighted(0.8),
    )
        .prop_map(|(acts, steps, approvals, window, executes)| Story {
            acts,
            steps,
            approvals,
            window,
            executes,
        })
}
