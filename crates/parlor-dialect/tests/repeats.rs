//! A frame that is read by what differs from the one before tells the same as
//! one that is read as JSON.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::{Event, ModelInfo};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::hunyuan::Hunyuan;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Decoder, Dialect, Frame, Profile, Target};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::VecDeque;

/// Frames in which `TEXT` stands for a text and `NUMBER` for a number.
const OPENAI_CHAT: &[&str] = &[
    r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"TEXT"},"finish_reason":null}],"obfuscation":"NUMBER"}"#,
    r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"TEXT","content":null}}],"p":"TEXT"}"#,
    r#"{"id":"c","choices":[{"index":1,"delta":{"content":"TEXT"},"content_filter_results":{"a":NUMBER}}],"usage":{"prompt_tokens":NUMBER}}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT"},"logprobs":{"content":[{"token":"a","logprob":-1}]}}]}"#,
    r#"{"id":"c","choices":[{"delta":{"reasoning":"TEXT","reasoning_details":[{"type":"a","text":"a","index":0}]}}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT","encrypted_content":"a"}}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT","annotations":[{"url":"a"}]}}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT","reasoning":"a"}}],"x_groq":{"usage":{"prompt_tokens":NUMBER}}}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT"}},{"delta":{"content":"b"},"index":1}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT","audio":{"data":"AAAA"},"refusal":null}}],"citations":["a"]}"#,
    r#"{"id":"c","choices":[{"delta":{"refusal":"TEXT"}}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT","tool_calls":[{"index":NUMBER,"id":"i","function":{"name":"f","arguments":"a"}}]}}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT"},"finish_reason":"stop"}]}"#,
    r#"{"id":"c","choices":[{"delta":{"content":"TEXT"}}],"base_resp":{"status_code":1004}}"#,
    r#"{"id":"c","choices":[],"usage":{"prompt_tokens":NUMBER}}"#,
    r#": TEXT"#,
    "[DONE]",
];

const RESPONSES: &[&str] = &[
    r#"{"type":"response.output_text.delta","sequence_number":NUMBER,"item_id":"i","output_index":0,"content_index":0,"delta":"TEXT","logprobs":[],"obfuscation":"NUMBER"}"#,
    r#"{"type":"response.reasoning_summary_text.delta","sequence_number":NUMBER,"item_id":"r","output_index":1,"summary_index":0,"delta":"TEXT"}"#,
    r#"{"type":"response.function_call_arguments.delta","sequence_number":NUMBER,"item_id":"f","output_index":2,"delta":"TEXT","obfuscation":"TEXT"}"#,
    r#"{"type":"response.output_text.delta","item_id":"i","content_index":1,"delta":"TEXT"}"#,
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"TEXT","logprobs":[{"token":"a","logprob":-1}]}"#,
    r#"{"type":"response.reasoning_text.delta","output_index":1,"content_index":0,"delta":"TEXT"}"#,
    r#"{"type":"response.refusal.delta","output_index":3,"content_index":0,"delta":"TEXT"}"#,
    r#"{"type":"response.custom_tool_call_input.delta","output_index":4,"delta":"TEXT"}"#,
    r#"{"type":"response.created","response":{"id":"i","model":"m","status":"in_progress","output":[]}}"#,
    r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"f","call_id":"c","name":"n","arguments":""}}"#,
    r#"{"type":"response.output_item.added","output_index":4,"item":{"type":"custom_tool_call","id":"t","call_id":"d","name":"n","input":""}}"#,
    r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"i","role":"assistant","content":[{"type":"output_text","text":"TEXT"}]}}"#,
    r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"f","call_id":"c","name":"n","arguments":"TEXT"}}"#,
    r#"{"type":"response.output_text.annotation.added","output_index":0,"content_index":0,"annotation":{"type":"url_citation","url":"TEXT"}}"#,
    r#"{"type":"error","code":"NUMBER","message":"TEXT"}"#,
    r#"{"type":"response.completed","response":{"id":"i","status":"completed","output":[{"type":"message","id":"i","role":"assistant","content":[{"type":"output_text","text":"TEXT"}]}],"usage":{"input_tokens":NUMBER}}}"#,
    "[DONE]",
];

const MESSAGES: &[&str] = &[
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT"}}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"TEXT"}}"#,
    r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"TEXT"}}"#,
    r#"{"type":"content_block_delta","index":3,"delta":{"type":"own_delta","text":"TEXT"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT","citation":{"type":"a","cited_text":"a"}}}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"signature_delta","signature":"TEXT"}}"#,
    r#"{"type":"message_start","message":{"id":"i","model":"m","usage":{"input_tokens":NUMBER}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"TEXT"}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":""}}"#,
    r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"i","name":"f","input":{}}}"#,
    r#"{"type":"content_block_start","index":3,"content_block":{"type":"own","text":""}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"content_block_stop","index":2}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":NUMBER}}"#,
    r#"{"type":"message_stop"}"#,
];

const GEMINI: &[&str] = &[
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":NUMBER},"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT","thought":true}]},"index":0}],"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}]},"index":1,"safetyRatings":[{"probability":"LOW"}]}],"own":NUMBER,"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"},{"text":"b"}]}}],"usageMetadata":null,"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT","thoughtSignature":"a"}]}}],"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"i","name":"f","args":{"a":"TEXT"}}},{"text":"a"}]}}],"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}]},"groundingMetadata":{"webSearchQueries":["a"]}}],"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":NUMBER,"candidatesTokenCount":NUMBER},"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}]},"finishReason":"MAX_TOKENS","index":1}],"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}]},"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-1}]}}],"responseId":"r"}"#,
    r#"{"usageMetadata":{"promptTokenCount":NUMBER},"responseId":"r"}"#,
];

const OLLAMA: &[&str] = &[
    r#"{"model":"m","created_at":"NUMBER","message":{"role":"assistant","content":"TEXT"},"done":false}"#,
    r#"{"model":"m","created_at":"TEXT","message":{"role":"assistant","content":"","thinking":"TEXT"},"done":false}"#,
    r#"{"model":"m","message":{"content":"TEXT","thinking":"a"}}"#,
    r#"{"model":"m","message":{"content":"TEXT","own":NUMBER},"eval_count":NUMBER,"own":"a"}"#,
    r#"{"model":"m","message":{"content":"TEXT"},"logprobs":[{"token":"a","logprob":-1}]}"#,
    r#"{"model":"m","message":{"content":"TEXT","images":["AAAA"]}}"#,
    r#"{"model":"m","message":{"content":"TEXT","tool_calls":[{"id":"i","function":{"name":"f","arguments":{"a":NUMBER}}}]}}"#,
    r#"{"error":"TEXT"}"#,
    r#"{"model":"m","message":{"content":"TEXT"},"done":true,"done_reason":"stop","eval_count":NUMBER}"#,
];

const COHERE: &[&str] = &[
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"TEXT"}}}}"#,
    r#"{"type":"content-delta","index":1,"delta":{"message":{"content":{"thinking":"TEXT"}}}}"#,
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"type":"text","text":"TEXT"},"own":NUMBER}}}"#,
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"TEXT","thinking":"a"}}}}"#,
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"TEXT"}}},"logprobs":{"text":"a","logprobs":[-1]}}"#,
    r#"{"id":"i","type":"message-start","delta":{"message":{"role":"assistant","content":[]}}}"#,
    r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":"TEXT"}}}}"#,
    r#"{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
    r#"{"type":"content-end","index":0}"#,
    r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"TEXT"}}}"#,
    r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"i","function":{"name":"f","arguments":""}}}}}"#,
    r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"TEXT"}}}}}"#,
    r#"{"type":"tool-call-end","index":0}"#,
    r#"{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":NUMBER,"end":2,"text":"TEXT","content_index":0}}}}"#,
    r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":NUMBER}}}}"#,
];

const CONVERSE: &[&str] = &[
    r#"{"contentBlockIndex":0,"delta":{"text":"TEXT"},"p":"NUMBER"}"#,
    r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"TEXT"}},"p":"abcNUMBER"}"#,
    r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"TEXT"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"TEXT","toolUse":{"input":"a"}},"own":NUMBER}"#,
    r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"TEXT","signature":"a"}}}"#,
    r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"AAAA"},"toolUse":{"input":"TEXT"}}}"#,
    r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":{"a":"TEXT"}}}}"#,
    r#"{"contentBlockIndex":3,"delta":{"toolResult":[{"text":"TEXT"}]}}"#,
    r#"{"contentBlockIndex":0,"delta":{"citation":{"title":"TEXT"}}}"#,
    r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"i","name":"f"}}}"#,
    r#"{"contentBlockIndex":3,"start":{"toolResult":{"toolUseId":"i"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"TEXT"},"start":{"toolUse":{"toolUseId":"i","name":"f"}}}"#,
    r#"{"contentBlockIndex":0,"p":"a"}"#,
    r#"{"contentBlockIndex":2}"#,
    r#"{"role":"assistant"}"#,
    r#"{"message":"TEXT"}"#,
    r#"{"usage":{"inputTokens":NUMBER},"metrics":{"latencyMs":NUMBER}}"#,
    r#"{"stopReason":"end_turn","p":"a"}"#,
];

const HUNYUAN: &[&str] = &[
    r#"{"Id":"c","Choices":[{"Index":0,"Delta":{"Role":"assistant","Content":"TEXT"},"FinishReason":""}],"Usage":{"PromptTokens":3,"CompletionTokens":NUMBER}}"#,
    r#"{"Id":"c","Choices":[{"Index":0,"Delta":{"ReasoningContent":"TEXT"},"FinishReason":""}],"Note":"a"}"#,
    r#"{"Id":"c","Choices":[{"Delta":{"Content":"TEXT"}}],"SearchInfo":{"SearchResults":[{"Title":"a"}]}}"#,
    r#"{"Id":"c","Choices":[{"Delta":{"ToolCalls":[{"Index":NUMBER,"Id":"i","Function":{"Name":"f","Arguments":"TEXT"}}]}}]}"#,
    r#"{"Choices":[{"Delta":{"Content":"TEXT"},"FinishReason":"stop"}],"Usage":{"PromptTokens":NUMBER}}"#,
    r#"{"Choices":[{"Delta":{"Content":"TEXT"},"FinishReason":"stop"}]}"#,
    r#"{"ErrorMsg":{"Msg":"TEXT","Code":NUMBER},"Choices":[]}"#,
    r#"{"Response":{"Error":{"Code":"InternalError","Message":"TEXT"}}}"#,
    r#"{"Choices":[],"Usage":{"PromptTokens":NUMBER}}"#,
];

/// The inside of a JSON string, not always a sound one.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |text: &str| text.as_bytes().to_vec();
    prop_oneof![
        4 => "[a-z ]{1,8}".prop_map(String::into_bytes),
        4 => any::<String>().prop_map(|text| {
            let json = serde_json::to_string(&text).unwrap();
            json.as_bytes()[1..json.len() - 1].to_vec()
        }),
        2 => any::<String>().prop_map(|text| {
            text.encode_utf16().flat_map(|it| format!("\\u{it:04X}").into_bytes()).collect()
        }),
        1 => Just(Vec::new()),
        3 => prop::sample::select(vec![
            "<think>", "</think>", " </th", "ink>", "\\n\\n", "\\ud83d", "\\ude00", "\n", "\\x", "\"", "\\",
            "{\\\"a\\\":1}", "Null",
        ]).prop_map(bytes),
        1 => Just(b"\xffa\xc3".to_vec()),
    ]
}

/// Members that are put into frames: ids, indexes, roles and reasons that
/// change, fields that come twice, and such as nobody knows.
const MEMBERS: &[&str] = &[
    r#""index":1"#,
    r#""index":null"#,
    r#""id":"z""#,
    r#""model":"z""#,
    r#""responseId":"z""#,
    r#""role":"user""#,
    r#""type":"error""#,
    r#""type":"thinking_delta""#,
    r#""content":"b""#,
    r#""content":null"#,
    r#""content":["b"]"#,
    r#""text":"b""#,
    r#""text":"""#,
    r#""thinking":"b""#,
    r#""thought":true"#,
    r#""reasoning":"b""#,
    r#""refusal":"b""#,
    r#""partial_json":"b""#,
    r#""signature":"b""#,
    r#""thoughtSignature":"b""#,
    r#""finish_reason":"stop""#,
    r#""native_finish_reason":"length""#,
    r#""finishReason":"STOP""#,
    r#""done":true"#,
    r#""done_reason":"length""#,
    r#""error":{"message":"b"}"#,
    r#""error":"""#,
    r#""output_index":2"#,
    r#""sequence_number":1.5"#,
    r#""response":null"#,
    r#""usage":{"prompt_tokens":3}"#,
    r#""usageMetadata":{"promptTokenCount":3}"#,
    r#""eval_count":3"#,
    r#""obfuscation":"b""#,
    r#""p":{"b":1}"#,
    r#""created_at":"2026-11-21T10:00:00Z""#,
    r#""createTime":"2026-11-21T10:00:00Z""#,
    r#""created":3"#,
    r#""choices":[]"#,
    r#""candidates":[]"#,
    r#""delta":{"content":"b","text":"b"}"#,
    r#""message":{"content":"b"}"#,
    r#""parts":[{"text":"b"}]"#,
    r#""tool_calls":[{"id":"z","function":{"name":"f","arguments":{}}}]"#,
    r#""logprobs":[{"token":"b","logprob":-1}]"#,
    r#""citations":["b"]"#,
    r#""promptFeedback":{"blockReason":"SAFETY"}"#,
    r#""own":{"b":[1]}"#,
    r#""contentBlockIndex":2"#,
    r#""reasoningContent":{"text":"b"}"#,
    r#""toolUse":{"input":"b"}"#,
    r#""stopReason":"end_turn""#,
];

/// The length of an id that was minted, which is another each time.
const MINTED: usize = 9;

/// What becomes of a frame.
#[derive(Debug, Clone)]
enum Change {
    /// A member more, before or after the others of an object.
    Member(&'static str, bool, Index),
    /// Blanks before a brace or a bracket that closes.
    Blanks(usize, Index),
    Byte(u8, Index),
    Cut(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let member = (prop::sample::select(MEMBERS), any::<bool>(), any::<Index>());
    prop_oneof![
        6 => member.prop_map(|(member, first, at)| Change::Member(member, first, at)),
        3 => (0..4usize, any::<Index>()).prop_map(|(count, at)| Change::Blanks(count, at)),
        1 => (b' '..=b'~', any::<Index>()).prop_map(|(byte, at)| Change::Byte(byte, at)),
        1 => (any::<Index>(), 1..4usize).prop_map(|(at, count)| Change::Cut(at, count)),
    ]
}

fn apply(frame: &mut Vec<u8>, change: &Change) {
    let places = |frame: &[u8], wanted: &[u8]| -> Vec<usize> {
        let found = (0..frame.len()).filter(|at| wanted.contains(&frame[*at]));
        found.collect()
    };
    let (places, at) = match change {
        Change::Member(_, true, at) => (places(frame, b"{"), at),
        Change::Member(_, false, at) => (places(frame, b"}"), at),
        Change::Blanks(_, at) => (places(frame, b"}]"), at),
        Change::Byte(_, at) | Change::Cut(at, _) => ((0..frame.len()).collect(), at),
    };
    if places.is_empty() {
        return;
    }
    let at = places[at.index(places.len())];
    match change {
        Change::Member(member, true, _) => {
            frame.splice(at + 1..at + 1, format!("{member},").into_bytes());
        }
        Change::Member(member, false, _) => {
            frame.splice(at..at, format!(",{member}").into_bytes());
        }
        Change::Blanks(count, _) => {
            frame.splice(at..at, vec![b' '; *count]);
        }
        Change::Byte(byte, _) => frame[at] = *byte,
        Change::Cut(_, count) => {
            frame.drain(at..frame.len().min(at + count));
        }
    }
}

/// Puts the fields of an object into another order.
fn turn(frame: &mut Vec<u8>, by: usize) {
    let Some(open) = frame.iter().position(|it| *it == b'{') else {
        return;
    };
    let (mut starts, mut depth, mut end) = (vec![open + 1], 0, frame.len());
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in frame.iter().enumerate().skip(open + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => {
                end = at;
                break;
            }
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    let ends = starts[1..].iter().map(|it| it - 1).chain([end]);
    let mut fields: Vec<_> = starts.iter().zip(ends).collect();
    fields.rotate_left(by % starts.len());
    let turned: Vec<_> = fields
        .iter()
        .map(|(start, end)| &frame[**start..*end])
        .collect();
    let turned = turned.join(&b","[..]);
    frame.splice(open + 1..end, turned);
}

/// A stream of runs of like frames. The frames of a run differ in what stands
/// for itself, some in the order of their fields, and now and then in anything.
fn stream(frames: &'static [&'static str]) -> impl Strategy<Value = Vec<Vec<u8>>> {
    // The first ones are the frames that may be read without JSON.
    let frame = prop_oneof![0..3usize.min(frames.len()), 0..frames.len()];
    let own = prop_oneof![
        4 => Just(None),
        1 => change().prop_map(Some),
        1 => (0..6usize, any::<Index>()).prop_map(|(count, at)| Some(Change::Blanks(count, at))),
    ];
    let one = (text(), 0..3u32, own);
    let changes = prop::collection::vec(change(), 0..3);
    let turns = prop_oneof![2 => Just(0), 1 => 1..6usize];
    let run = (frame, changes, prop::collection::vec(one, 1..8), turns);
    let run = run.prop_map(move |(at, changes, run, turns)| {
        let mut like = frames[at].as_bytes().to_vec();
        changes.iter().for_each(|change| apply(&mut like, change));
        let frame = |(place, (text, number, own)): (usize, (Vec<u8>, u32, Option<Change>))| {
            let mut frame = fill(&like, &text, number);
            turn(&mut frame, place * turns);
            own.iter().for_each(|change| apply(&mut frame, change));
            frame
        };
        run.into_iter().enumerate().map(frame).collect::<Vec<_>>()
    });
    prop::collection::vec(run, 1..8).prop_map(|runs| runs.concat())
}

fn fill(frame: &[u8], text: &[u8], number: u32) -> Vec<u8> {
    let frame = replace(frame, b"NUMBER", number.to_string().as_bytes());
    replace(&frame, b"TEXT", text)
}

fn replace(data: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((first, tail)) = rest.split_first() {
        match rest.strip_prefix(from) {
            Some(tail) => {
                out.extend_from_slice(to);
                rest = tail;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// All that a stream tells. Where it is to be read as JSON, each frame has as
/// many blanks before it as no other, so that none is like the one before.
fn tell<D: Dialect>(dialect: &D, stream: &[Vec<u8>], tags: bool, as_json: bool) -> Vec<String> {
    let mut profile = Profile::default();
    profile.think_tags = tags;
    let info = ModelInfo::new("test", "m");
    let mut decoder = dialect.decoder(&Target::new(&info, &profile).streaming());
    let mut events = VecDeque::new();
    let (mut told, mut minted) = (Vec::new(), Vec::new());
    let mut note = |events: &mut VecDeque<Event>, outcome: parlor_core::Result<()>| {
        for event in events.drain(..) {
            if let Event::PartStarted {
                call: Some(head), ..
            } = &event
                && head.id.len() == MINTED
            {
                minted.push(head.id.clone());
            }
            told.push(format!("{event:?}"));
        }
        if let Err(error) = outcome {
            told.push(format!("{:?} {error}", error.kind()));
        }
    };
    for (at, frame) in stream.iter().enumerate() {
        let blanks = " ".repeat(if as_json { at } else { 0 });
        let data = [blanks.as_bytes(), frame].concat();
        let outcome = decoder.decode(Frame::data(&data), &mut events);
        note(&mut events, outcome);
    }
    let outcome = decoder.finish(&mut events);
    note(&mut events, outcome);
    for (at, id) in minted.iter().enumerate() {
        for line in &mut told {
            *line = line.replace(&**id, &format!("minted {at}"));
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn chat_completions_tell_the_same(stream in stream(OPENAI_CHAT), tags: bool) {
        let dialect = OpenAiChat::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn responses_tell_the_same(stream in stream(RESPONSES), tags: bool) {
        let dialect = OpenAiResponses::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn messages_tell_the_same(stream in stream(MESSAGES), tags: bool) {
        let dialect = AnthropicMessages::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn gemini_tells_the_same(stream in stream(GEMINI), tags: bool) {
        let dialect = Gemini::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn cohere_tells_the_same(stream in stream(COHERE), tags: bool) {
        let dialect = Cohere::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn converse_tells_the_same(stream in stream(CONVERSE), tags: bool) {
        let dialect = BedrockConverse::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn hunyuan_tells_the_same(stream in stream(HUNYUAN), tags: bool) {
        let dialect = Hunyuan::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }

    #[test]
    fn ollama_tells_the_same(stream in stream(OLLAMA), tags: bool) {
        let dialect = Ollama::default();
        prop_assert_eq!(tell(&dialect, &stream, tags, false), tell(&dialect, &stream, tags, true));
    }
}
