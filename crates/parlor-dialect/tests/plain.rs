//! A plain answer, which is read at once, gives what its events give.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::{ChatResponse, Collector, ModelInfo, Part};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Decoder, Dialect, Frame, Profile, Target};
use proptest::prelude::*;
use std::collections::VecDeque;

/// A pattern of an answer, and what may stand for each `@` in it, the plainest
/// first. Of a name that ends in a blank any number of fields may stand.
struct Wire {
    pattern: &'static str,
    choices: &'static [&'static [&'static str]],
}

const OPENAI_CHAT: Wire = Wire {
    pattern: r#"{"id":@,"object":"chat.completion","created":@,"model":"m",@"choices":[{@"message":{"role":"assistant",@@@@},@"finish_reason":@}@],"usage":@@}"#,
    choices: &[
        &[r#""i""#, "null", r#""""#, "5", "{}"],
        &["1763700000", "0", "null", r#""1763700000""#, "1.5", "[]"],
        &[
            "",
            r#""citations":["https://a.b"],"#,
            r#""error":{"message":"no"},"#,
            r#""error":null,"#,
            r#""x_groq":{"id":"a"},"#,
            r#""search_info":{"search_results":[{"url":"a"}]},"#,
            r#""base_resp":{"status_code":0},"#,
        ],
        &[
            r#""index":0,"#,
            r#""index":"1","#,
            r#""index":null,"#,
            r#""index":2.0,"#,
            "",
        ],
        &[
            r#""content":"Hi é\n""#,
            r#""content":null"#,
            r#""content":"""#,
            r#""content":"<think>a</think>b""#,
            r#""content":[{"type":"text","text":"a"}]"#,
            r#""content":5"#,
            r#""refusal":"no""#,
        ],
        &[
            "",
            r#","reasoning_content":"R""#,
            r#","reasoning":"R","reasoning_content":"S""#,
            r#","reasoning":"R","reasoning_details":[{"type":"reasoning.text","text":"R","signature":"s"}]"#,
            r#","annotations":[{"type":"url_citation","url_citation":{"url":"u"}}]"#,
            r#","annotations":[]"#,
        ],
        &[
            "",
            r#","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#,
            r#","tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1}}},{"id":"d","index":0,"type":"function","function":{"name":"g","arguments":"{\"a\":"}}]"#,
            r#","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}},{"id":"c","type":"function","function":{"name":"g","arguments":null}}]"#,
            r#","tool_calls":[{"id":"c","type":"custom","custom":{"name":"f","input":"a"}}]"#,
            r#","tool_calls":[{"id":"c","type":"function","function":{"name":"multi_tool_use.parallel","arguments":"{}"}}]"#,
            r#","tool_calls":[]"#,
            r#","tool_calls":null"#,
            r#","tool_calls":[{"id":"c","function":{"name":"f"},"extra":1}]"#,
        ],
        &[
            "",
            r#","own":{"a":[1]}"#,
            r#","own":null,"other":"","third":1,"own":2"#,
            r#","executed_tools":[{"index":0,"name":"s","output":"o"}]"#,
        ],
        &[
            "",
            r#""logprobs":null,"#,
            r#""logprobs":{"content":[{"token":"a","logprob":-1}]},"#,
            r#""native_finish_reason":"length","#,
            r#""seed":7,"usage":{"prompt_tokens":1},"#,
        ],
        &[
            r#""stop""#,
            "null",
            r#""tool_calls""#,
            r#""length""#,
            r#""own""#,
            r#""""#,
            "1",
        ],
        &[
            "",
            r#",{"index":5,"message":{"content":"b"},"finish_reason":"stop"}"#,
        ],
        &[
            r#"{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}"#,
            "null",
            "{}",
            "[1]",
            r#"{"prompt_tokens":"9","input_tokens":3,"completion_tokens":2.0,"prompt_tokens_details":{"cached_tokens":1,"audio_tokens":null},"cached_tokens":5}"#,
            r#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":4}}"#,
        ],
        &[
            "",
            r#","service_tier":"default","system_fingerprint":null"#,
            r#","own":{},"code":5"#,
        ],
    ],
};

const MESSAGES: Wire = Wire {
    pattern: r#"{"id":@,"type":@,"role":"assistant","model":"m","content":[@@@],"stop_reason":@,@"usage":@}"#,
    choices: &[
        &[r#""i""#, "null", "5"],
        &[r#""message""#, "null", r#""error""#],
        &[
            r#"{"type":"text","text":"Hi é\n"}"#,
            r#"{"type":"text","text":""}"#,
            r#"{"type":"text","text":5}"#,
            r#"{"type":"text"}"#,
            r#"{"type":"thinking","thinking":"T","signature":"s"}"#,
            r#"{"type":"thinking","signature":"s","own":1,"other":null}"#,
            r#"{"type":"thinking","thinking":"T","signature":null,"text":"a"}"#,
            r#"{"type":"redacted_thinking","data":"d"}"#,
            "{}",
            r#"{"type":"own","text":"a"}"#,
            r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}}"#,
        ],
        &[
            "",
            r#",{"type":"text","text":"b","citations":null}"#,
            r#",{"type":"text","text":"b","citations":[]}"#,
            r#",{"type":"text","text":"b","citations":[{"type":"char_location","cited_text":"a"}]}"#,
            r#",{"type":"text","text":"b","own":1}"#,
            r#",{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}"#,
        ],
        &[
            "",
            r#",{"type":"tool_use","id":"c","name":"f","input":{"a": 1}}"#,
            r#",{"type":"tool_use","id":"c","name":"f","input":{},"caller":{"type":"direct"}}"#,
            r#",{"type":"tool_use","id":"c","name":"f","input":"{\"a\":1}"},{"type":"tool_use","id":"c","name":"g"}"#,
            r#",{"type":"tool_use","name":"f","input":null}"#,
            r#",{"type":"tool_use","id":"c","name":"f","input":{"a":1},"own":2}"#,
            r#",{"type":"tool_use","id":"c","name":"f","text":"t","input":[1]}"#,
        ],
        &[
            r#""end_turn""#,
            r#""tool_use""#,
            r#""max_tokens""#,
            r#""own""#,
            r#""pause_turn""#,
        ],
        &[
            "",
            r#""stop_sequence":null,"#,
            r#""z":1,"container":{"id":"x"},"b":null,"a":"","#,
            r#""z":1,"z":2,"#,
            r#""error":{"message":"m"},"#,
        ],
        &[
            r#"{"input_tokens":9,"output_tokens":12}"#,
            "null",
            "{}",
            "5",
            r#"{"input_tokens":0,"cache_read_input_tokens":5,"cache_creation_input_tokens":null,"output_tokens":1,"output_tokens_details":{"thinking_tokens":1}}"#,
        ],
    ],
};

const GEMINI: Wire = Wire {
    pattern: r#"{"candidates":[{"content":{"parts":[@@],"role":"model"@},"finishReason":@@}@],"usageMetadata":@,"modelVersion":"m",@"responseId":@}"#,
    choices: &[
        &[
            r#"{"text":"Hi é\n"}"#,
            r#"{"text":""}"#,
            r#"{"text":"T","thought":true}"#,
            r#"{"text":"T","thought":true,"thoughtSignature":"s"}"#,
            r#"{"text":"a","thoughtSignature":"s"}"#,
            r#"{"thoughtSignature":"s"}"#,
            r#"{"functionCall":{"name":"f","id":"c","args":{"a":1}}}"#,
            r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#,
            "{}",
            r#"{"text":"a","own":1}"#,
        ],
        &[
            "",
            r#",{"text":"b"}"#,
            r#",{"text":"b"},{"text":"c","thought":true}"#,
            r#",{"text":"","thoughtSignature":"s"}"#,
            r#",{"text":"b","thoughtSignature":"s"},{"text":"c"}"#,
            r#",{"text":"b","videoMetadata":{"fps":1}}"#,
        ],
        &["", r#","own":1"#],
        &[
            r#""STOP""#,
            r#""MAX_TOKENS""#,
            "null",
            "1",
            r#""own""#,
            r#""FINISH_REASON_UNSPECIFIED""#,
        ],
        &[
            "",
            r#","index":0"#,
            r#","index":"2","avgLogprobs":-0.5"#,
            r#","safetyRatings":[{"category":"C","probability":"NEGLIGIBLE"}]"#,
            r#","safetyRatings":[{"category":"C","probability":"HIGH"}]"#,
            r#","groundingMetadata":{"webSearchQueries":["q"]}"#,
            r#","citationMetadata":{"citationSources":[{"uri":"u"}]}"#,
            r#","logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-1}]}"#,
        ],
        &[
            "",
            r#",{"content":{"parts":[{"text":"z"}]},"index":1,"finishReason":"STOP"}"#,
        ],
        &[
            r#"{"promptTokenCount":9,"candidatesTokenCount":12,"totalTokenCount":21}"#,
            "null",
            "{}",
            "7",
            r#"{"promptTokenCount":"9","thoughtsTokenCount":3,"toolUsePromptTokenCount":1,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":2}]}"#,
        ],
        &[
            "",
            r#""own":{"a":1},"#,
            r#""own":1,"own":2,"createTime":"2025-11-21T10:00:00Z","#,
            r#""promptFeedback":{"blockReason":"SAFETY"},"#,
            r#""promptFeedback":{},"#,
        ],
        &[r#""r""#, "null", "5"],
    ],
};

const OLLAMA: Wire = Wire {
    pattern: r#"{"model":"m","created_at":@,"message":{"role":"assistant","content":@@@},"done":@@,"total_duration":1@,"eval_count":@}"#,
    choices: &[
        &[r#""2025-11-21T10:00:00.5Z""#, "null", r#""x""#, "5"],
        &[
            r#""Hi é\n""#,
            r#""""#,
            "null",
            "5",
            r#""<think>a</think>b""#,
        ],
        &[
            "",
            r#","thinking":"T""#,
            r#","thinking":null"#,
            r#","images":["iVBORw0KGgo="]"#,
            r#","images":[]"#,
        ],
        &[
            "",
            r#","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"a": 1}}}]"#,
            r#","tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]"#,
            r#","tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1},"own":1}}]"#,
            r#","tool_calls":[{"id":"c","function":{"name":"f"}},{"id":"c","function":{"name":"g","arguments":{}}}]"#,
            r#","own":[1]"#,
            r#","own":1,"own":2"#,
        ],
        &["true", "false", "null", "5"],
        &[
            "",
            r#","done_reason":"stop""#,
            r#","done_reason":"length""#,
            r#","done_reason":"load""#,
            r#","done_reason":7"#,
        ],
        &[
            "",
            r#","logprobs":[{"token":"a","logprob":-1}]"#,
            r#","own":{"a":1},"other":null"#,
            r#","own":1,"own":2"#,
            r#","error":"""#,
            r#","error":"no""#,
        ],
        &["12", "null", r#""12""#, "1.5"],
    ],
};

const RESPONSES: Wire = Wire {
    pattern: r#"{"id":@,"object":"response","created_at":1763700000,"status":@,"error":null,@"model":"m","output":[@@@],"usage":@@}"#,
    choices: &[
        &[r#""r""#, "null", "5"],
        &[r#""completed""#, r#""incomplete""#, r#""failed""#, "null"],
        &[
            "",
            r#""incomplete_details":null,"#,
            r#""incomplete_details":{"reason":"max_output_tokens"},"#,
            r#""metadata":{},"store":true,"#,
        ],
        &[
            r#"{"id":"m1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi é\n","annotations":[],"logprobs":[]}]}"#,
            r#"{"id":"m1","type":"message","role":"assistant","phase":"final","content":[{"type":"output_text","text":"a"},{"type":"output_text","text":"b"}]}"#,
            r#"{"type":"message","content":[{"type":"refusal","refusal":"no"}]}"#,
            r#"{"type":"message","content":"a"}"#,
            r#"{"id":"r1","type":"reasoning","summary":[{"type":"summary_text","text":"T"}],"encrypted_content":"e"}"#,
            r#"{"id":"o","type":"own"}"#,
        ],
        &[
            "",
            r#",{"id":"m2","type":"message","content":[{"type":"output_text","text":"b","annotations":[{"type":"url_citation","url":"u"}]}]}"#,
            r#",{"id":"m2","type":"message","content":[{"type":"output_text","text":"","own":1}]}"#,
        ],
        &[
            "",
            r#",{"id":"f1","type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}","status":"completed"}"#,
            r#",{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":"}"#,
        ],
        &[
            r#"{"input_tokens":9,"input_tokens_details":{"cached_tokens":0},"output_tokens":12,"total_tokens":21}"#,
            "null",
            "{}",
            "5",
        ],
        &[
            "",
            r#","service_tier":"default""#,
            r#","own":1,"temperature":1.0"#,
        ],
    ],
};

impl Wire {
    /// The answer with one of the choices in each place.
    fn answer(&self, picked: &[u16; 32], plainest: usize) -> String {
        let mut pieces = self.pattern.split('@');
        let mut body = pieces.next().unwrap().to_owned();
        for (at, (choices, piece)) in self.choices.iter().zip(pieces).enumerate() {
            // Few of them at once aren't plain.
            let picked = usize::from(picked[at]);
            let choice = match picked % 4 < plainest {
                true => choices[0],
                false => choices[picked / 4 % choices.len()],
            };
            body.push_str(choice);
            body.push_str(piece);
        }
        body
    }
}

fn framed<D: Dialect>(dialect: &D, target: &Target<'_>, body: &str) -> Option<ChatResponse> {
    let (mut decoder, mut events) = (dialect.decoder(target), VecDeque::new());
    decoder
        .decode(Frame::data(body.as_bytes()), &mut events)
        .ok()?;
    decoder.finish(&mut events).ok()?;
    let mut collector = Collector::new(&target.info.provider);
    events.iter().for_each(|event| collector.push(event));
    Some(collector.into_response())
}

/// Whether both ways gave an answer, and the same.
fn agree<D: Dialect>(dialect: &D, profile: &Profile, body: &str) -> bool {
    // A few of them with a long text, too.
    if body.len().is_multiple_of(16) {
        taken(dialect, profile, body, WORDS[body.len() / 16 % WORDS.len()]);
    }
    let info = ModelInfo::new("acme", "m");
    let target = Target::new(&info, profile);
    let (Ok(mut read), Some(mut framed)) = (
        dialect.read_response(body.as_bytes(), &target),
        framed(dialect, &target, body),
    ) else {
        return false;
    };
    // Without an id of the answer its calls have ids by chance.
    for response in [&mut read, &mut framed] {
        let nameless = response.id.is_none();
        let choices = response.choices.iter_mut();
        for part in choices.flat_map(|it| &mut it.message.parts) {
            if let Part::ToolCall(call) = part
                && nameless
                && call.id.len() == 9
            {
                call.id.clear();
            }
        }
    }
    assert_eq!(
        serde_json::to_string_pretty(&read).unwrap(),
        serde_json::to_string_pretty(&framed).unwrap(),
        "{body}"
    );
    true
}

/// What a long text is made of: as it is, with escapes, with one that is broken.
const WORDS: [&str; 4] = [
    "Hi é, all plain. ",
    r#"Hi é\n\t\"\\\/\b\f\r \u00e9\ud83d\ude00 and more. "#,
    r"\u4f60\u597d",
    r"Hi é\ud83d, all plain. ",
];

/// Whether an answer with a long text was made of its body; if so, it is what the
/// body reads as, and if not, the body is as it was.
fn taken<D: Dialect>(dialect: &D, profile: &Profile, body: &str, words: &str) -> bool {
    let info = ModelInfo::new("acme", "m");
    let target = Target::new(&info, profile);
    let body = body.replace("Hi é", &words.repeat(40_000 / words.len()));
    let mut bytes = body.clone().into_bytes();
    let memory = bytes.as_ptr_range();
    let Some(taken) = dialect.take_response(&mut bytes, &target) else {
        assert_eq!(bytes, body.as_bytes());
        return false;
    };
    let read = dialect.read_response(body.as_bytes(), &target).unwrap();
    assert!(taken == read, "{} and {}", taken.text(), read.text());
    let choices = taken.choices.iter();
    let parts = choices.flat_map(|choice| &choice.message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text(text) => Some(text.text.as_ptr()),
        _ => None,
    });
    // One with many escapes has left most of its memory, and may have moved.
    let mut there = texts.filter(|text| memory.contains(text));
    assert!(words.starts_with('\\') || there.next().is_some());
    true
}

fn all(wire: usize, profile: &Profile, picked: &[u16; 32], plainest: usize) -> bool {
    match wire {
        0 => {
            let body = OPENAI_CHAT.answer(picked, plainest);
            agree(&OpenAiChat::default(), profile, &body)
        }
        1 => {
            let body = MESSAGES.answer(picked, plainest);
            agree(&AnthropicMessages::default(), profile, &body)
        }
        2 => agree(
            &Gemini::default(),
            profile,
            &GEMINI.answer(picked, plainest),
        ),
        3 => agree(
            &Ollama::default(),
            profile,
            &OLLAMA.answer(picked, plainest),
        ),
        _ => {
            let body = RESPONSES.answer(picked, plainest);
            agree(&OpenAiResponses::default(), profile, &body)
        }
    }
}

#[test]
fn a_long_text_is_made_of_the_body_it_came_in() {
    let profile = Profile::default();
    for (at, words) in WORDS.iter().enumerate() {
        let body = OPENAI_CHAT.answer(&[0; 32], 4);
        let chat = taken(&OpenAiChat::default(), &profile, &body, words);
        let body = MESSAGES.answer(&[0; 32], 4);
        let messages = taken(&AnthropicMessages::default(), &profile, &body, words);
        let body = GEMINI.answer(&[0; 32], 4);
        let gemini = taken(&Gemini::default(), &profile, &body, words);
        let body = OLLAMA.answer(&[0; 32], 4);
        let ollama = taken(&Ollama::default(), &profile, &body, words);
        assert_eq!([chat, messages, gemini, ollama], [at != 3; 4], "{words}");
    }
}

#[test]
fn the_plainest_answers_are_read_both_ways() {
    for wire in 0..5 {
        // A stream must say that it is over, and those here do.
        assert!(all(wire, &Profile::default(), &[0; 32], 4), "{wire}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn whatever_stands_in_an_answer_reads_as_its_events_do(
        wire in 0..5_usize,
        picked in proptest::array::uniform32(any::<u16>()),
        plainest in 1..4_usize,
        tags in any::<bool>(),
    ) {
        let mut profile = Profile::default();
        profile.think_tags = tags && plainest == 1;
        all(wire, &profile, &picked, plainest);
    }
}
