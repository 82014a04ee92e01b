//! Odd tool calls, of which a correct client still makes the right ones.

use serde_json::{Map, Value, json};

use super::answers::interleave;
use super::{each_object, put};
use crate::fault::answer::{Answer, Call, Finish, OSLO, Part, UTC};
use crate::fault::expect::Expect;
use crate::fault::render::{Data, Frame, Mark};
use crate::fault::scene::{Built, Case, Scene, Wire};

const NO_INDEX: &str = "calls have no index";
const NEVER_INDEXED: &[Wire] = &[Wire::Gemini, Wire::QianfanV1];
const WHOLE: &str = "a tool call comes whole in one frame";
const NATURAL: &str = "that is how the dialect always has it";
/// An index that nobody may allocate up to.
const HUGE: u64 = 4_000_000;

const FRAGMENTED: &[Wire] = &[
    Wire::OpenAiChat,
    Wire::OpenAiResponses,
    Wire::AnthropicMessages,
    Wire::Cohere,
    Wire::BedrockConverse,
    Wire::BedrockAnthropic,
    Wire::Hunyuan,
];

/// The frames of each of the two calls, and what stands before and after them.
fn by_call(s: Scene, answer: &Answer) -> [Vec<Frame>; 4] {
    let mut groups = [vec![], vec![], vec![], vec![]];
    let mut at = 0;
    for frame in s.frames(answer) {
        match frame.mark {
            Mark::Call => at += 1,
            Mark::Finish => at = 3,
            _ => {}
        }
        groups[at].push(frame);
    }
    groups
}

pub(in crate::fault) fn interleaved(s: Scene) -> Built {
    s.stream_only()?;
    s.has_many_calls()?;
    s.only(FRAGMENTED, WHOLE)?;
    let answer = Answer::tools();
    let [head, first, second, tail] = by_call(s, &answer);
    let frames = [head, interleave([first, second]), tail].concat();
    s.reads(s.send_frames(&frames), &answer)
}

/// What a frame or a whole answer has as tool calls, each as an object of its own.
fn each_call(s: Scene, value: &mut Value, mut visit: impl FnMut(&mut Map<String, Value>)) {
    let list = match s.words() {
        Wire::QianfanV1 => {
            let call = value.pointer_mut("/function_call");
            return call
                .and_then(Value::as_object_mut)
                .into_iter()
                .for_each(visit);
        }
        Wire::OpenAiChat if s.streams() => value.pointer_mut("/choices/0/delta/tool_calls"),
        Wire::OpenAiChat => value.pointer_mut("/choices/0/message/tool_calls"),
        Wire::OpenAiResponses => {
            // Items stand alone in the events of a stream, and all in its end.
            each_object(value, &mut |item| {
                if item.get("type").is_some_and(|it| it == "function_call") {
                    visit(item);
                }
            });
            return;
        }
        Wire::AnthropicMessages if s.streams() => {
            match value
                .pointer_mut("/content_block")
                .and_then(Value::as_object_mut)
            {
                Some(block) if block.contains_key("input") => visit(block),
                _ => {}
            }
            return;
        }
        Wire::Cohere if s.streams() => {
            let call = value.pointer_mut("/delta/message/tool_calls");
            match call.and_then(Value::as_object_mut) {
                Some(call) if call.contains_key("type") => visit(call),
                _ => {}
            }
            return;
        }
        Wire::AnthropicMessages => value.pointer_mut("/content"),
        Wire::Gemini => value.pointer_mut("/candidates/0/content/parts"),
        Wire::Ollama | Wire::Cohere => value.pointer_mut("/message/tool_calls"),
        Wire::BedrockConverse if s.streams() => {
            let call = value.pointer_mut("/start/toolUse");
            return call
                .and_then(Value::as_object_mut)
                .into_iter()
                .for_each(visit);
        }
        _ => value.pointer_mut("/output/message/content"),
    };
    for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
        let call = match s.words() {
            Wire::Gemini => item.get_mut("functionCall"),
            Wire::BedrockConverse => item.get_mut("toolUse"),
            _ => Some(item),
        };
        if let Some(Value::Object(call)) = call {
            visit(call);
        }
    }
}

/// The two calls, each entry of the wire's lists of calls changed.
fn with_calls(s: Scene, answer: &Answer, edit: impl Fn(&mut Map<String, Value>)) -> Built {
    let reply = s.send_edited(answer, |_, value| each_call(s, value, &edit));
    s.reads(reply, answer)
}

/// Changes every index of a call, which stands in `function` in one dialect.
fn with_index(s: Scene, edit: impl Fn(&mut Map<String, Value>)) -> Built {
    if !s.streams() || NEVER_INDEXED.contains(&s.wire) {
        return Err(NO_INDEX);
    }
    s.only(
        &[Wire::OpenAiChat, Wire::Ollama, Wire::Hunyuan],
        "the index is a block's, and blocks are in order",
    )?;
    with_calls(s, &Answer::tools(), |call| match call.get_mut("function") {
        Some(Value::Object(function)) if s.wire == Wire::Ollama => edit(function),
        _ => edit(call),
    })
}

pub(in crate::fault) fn index_missing(s: Scene) -> Built {
    with_index(s, |call| drop(call.shift_remove("index")))
}

pub(in crate::fault) fn index_null(s: Scene) -> Built {
    with_index(s, |call| drop(call.insert("index".into(), Value::Null)))
}

pub(in crate::fault) fn index_repeated(s: Scene) -> Built {
    with_index(s, |call| drop(call.insert("index".into(), json!(0))))
}

fn index_mapped(s: Scene, map: impl Fn(u64) -> u64) -> Built {
    if !s.streams() || NEVER_INDEXED.contains(&s.wire) {
        return Err(NO_INDEX);
    }
    let answer = Answer::tools();
    let reply = s.send_edited(&answer, |_, value| {
        let key = match s.words() {
            Wire::OpenAiResponses => "output_index",
            Wire::BedrockConverse => "contentBlockIndex",
            _ => "index",
        };
        let mut moved = |object: &mut Map<String, Value>| {
            if let Some(index) = object.get(key).and_then(Value::as_u64) {
                object.insert(key.into(), json!(map(index)));
            }
        };
        match s.words() {
            // The index of a choice stays, that of its calls doesn't.
            Wire::OpenAiChat => each_call(s, value, moved),
            _ => each_object(value, &mut moved),
        }
    });
    s.reads(reply, &answer)
}

pub(in crate::fault) fn index_huge(s: Scene) -> Built {
    index_mapped(s, |index| if index == 0 { 0 } else { HUGE })
}

pub(in crate::fault) fn index_gaps(s: Scene) -> Built {
    index_mapped(s, |index| 3 + 4 * index)
}

pub(in crate::fault) fn id_missing(s: Scene) -> Built {
    s.has_call_ids()?;
    let nameless = |call: Call| Part::Call(Call { id: "", ..call });
    s.plain(&Answer::new(
        vec![nameless(OSLO), nameless(UTC)],
        Finish::ToolCalls,
    ))
}

/// The two calls without ids, where the key is there and holds `id`.
pub(in crate::fault) fn id_void(s: Scene, id: Value) -> Built {
    s.has_call_ids()?;
    let nameless = |call: Call| Part::Call(Call { id: "", ..call });
    let answer = Answer::new(vec![nameless(OSLO), nameless(UTC)], Finish::ToolCalls);
    let key = match s.words() {
        Wire::OpenAiResponses => "call_id",
        Wire::BedrockConverse => "toolUseId",
        _ => "id",
    };
    with_calls(s, &answer, |call| drop(call.insert(key.into(), id.clone())))
}

/// Puts an id, a type and a name on the fragments that follow a call's first.
fn on_fragments(s: Scene, id: impl Fn(&Call) -> [Value; 2]) -> Built {
    s.stream_only()?;
    s.has_call_ids()?;
    s.only(&[Wire::OpenAiChat, Wire::Hunyuan], "fragments have no id")?;
    let answer = Answer::tools();
    let mut groups = by_call(s, &answer);
    for (frames, call) in groups[1..3].iter_mut().zip([OSLO, UTC]) {
        for frame in frames.iter_mut().filter(|it| it.mark == Mark::Arguments) {
            let [id, name] = id(&call);
            frame.edit(|value| {
                put(value, "/choices/0/delta/tool_calls/0/id", id);
                put(
                    value,
                    "/choices/0/delta/tool_calls/0/type",
                    json!("function"),
                );
                put(value, "/choices/0/delta/tool_calls/0/function/name", name);
            });
        }
    }
    s.reads(s.send_frames(&groups.concat()), &answer)
}

pub(in crate::fault) fn id_empty_later(s: Scene) -> Built {
    on_fragments(s, |_| [json!(""), json!("")])
}

pub(in crate::fault) fn id_null_later(s: Scene) -> Built {
    on_fragments(s, |_| [Value::Null, Value::Null])
}

pub(in crate::fault) fn id_repeated(s: Scene) -> Built {
    on_fragments(s, |call| [json!(call.id), json!(call.name)])
}

pub(in crate::fault) fn id_late(s: Scene) -> Built {
    s.stream_only()?;
    s.has_call_ids()?;
    s.only(
        &[Wire::OpenAiChat, Wire::Hunyuan],
        "a call opens with its id",
    )?;
    let answer = Answer::tools();
    let mut groups = by_call(s, &answer);
    for frames in &mut groups[1..3] {
        frames.swap(0, 1);
    }
    s.reads(s.send_frames(&groups.concat()), &answer)
}

/// One call with a name and no arguments at all, as `change` makes it on the wire.
fn argumentless(s: Scene, change: impl Fn(&mut Map<String, Value>)) -> Built {
    let call = Call {
        id: "call_a1",
        name: "list_files",
        arguments: &[],
    };
    let answer = Answer::new(vec![Part::Call(call)], Finish::ToolCalls);
    with_calls(s, &answer, change)
}

/// Changes the object that holds the arguments, given their key.
fn edit_arguments(
    call: &mut Map<String, Value>,
    edit: impl FnOnce(&mut Map<String, Value>, &'static str),
) {
    let keys = ["input", "arguments"];
    let key = keys.into_iter().find(|key| call.contains_key(*key));
    let key = key.unwrap_or("args");
    match call.get_mut("function") {
        Some(Value::Object(function)) => edit(function, "arguments"),
        _ => edit(call, key),
    }
}

pub(in crate::fault) fn arguments_empty(s: Scene) -> Built {
    argumentless(s, |_| {})
}

pub(in crate::fault) fn arguments_null(s: Scene) -> Built {
    argumentless(s, |call| {
        edit_arguments(call, |object, key| {
            drop(object.insert(key.into(), Value::Null))
        });
    })
}

pub(in crate::fault) fn arguments_absent(s: Scene) -> Built {
    argumentless(s, |call| {
        edit_arguments(call, |object, key| drop(object.shift_remove(key)));
    })
}

pub(in crate::fault) fn arguments_whole(s: Scene) -> Built {
    s.stream_only()?;
    s.only(FRAGMENTED, NATURAL)?;
    let answer = Answer::tools();
    let [head, mut first, mut second, tail] = by_call(s, &answer);
    for (frames, call) in [(&mut first, OSLO), (&mut second, UTC)] {
        frames.retain(|it| it.mark != Mark::Arguments);
        frames[0].edit(|value| match s.words() {
            Wire::OpenAiChat => put(
                value,
                "/choices/0/delta/tool_calls/0/function/arguments",
                json!(call.arguments.concat()),
            ),
            Wire::OpenAiResponses => put(value, "/item/arguments", json!(call.arguments.concat())),
            Wire::Cohere => put(
                value,
                "/delta/message/tool_calls/function/arguments",
                json!(call.arguments.concat()),
            ),
            Wire::BedrockConverse => put(value, "/start/toolUse/input", call.value()),
            _ => put(value, "/content_block/input", call.value()),
        });
    }
    s.reads(
        s.send_frames(&[head, first, second, tail].concat()),
        &answer,
    )
}

pub(in crate::fault) fn calls_on_one_frame(s: Scene) -> Built {
    s.stream_only()?;
    s.has_many_calls()?;
    s.only(
        &[Wire::OpenAiChat, Wire::Gemini, Wire::Ollama, Wire::Hunyuan],
        "a frame is of one block",
    )?;
    let answer = Answer::tools();
    let list = match s.words() {
        Wire::OpenAiChat => "/choices/0/delta/tool_calls",
        Wire::Gemini => "/candidates/0/content/parts",
        _ => "/message/tool_calls",
    };
    let [head, mut first, second, tail] = by_call(s, &answer);
    let mut items = vec![];
    for (frame, call) in [(&first[0], OSLO), (&second[0], UTC)] {
        if let Data::Json(value) = &frame.data {
            let mut item = value
                .pointer(&format!("{list}/0"))
                .cloned()
                .unwrap_or_default();
            if s.words() == Wire::OpenAiChat {
                put(
                    &mut item,
                    "/function/arguments",
                    json!(call.arguments.concat()),
                );
            }
            items.push(item);
        }
    }
    first.truncate(1);
    first[0].edit(|value| put(value, list, json!(items)));
    s.reads(s.send_frames(&[head, first, tail].concat()), &answer)
}

pub(in crate::fault) fn arguments_object(s: Scene) -> Built {
    s.only(&[Wire::OpenAiChat, Wire::Hunyuan, Wire::QianfanV1], NATURAL)?;
    let answer = s.tools();
    if s.streams() && s.words() == Wire::OpenAiChat {
        let [head, mut first, mut second, tail] = by_call(s, &answer);
        for (frames, call) in [(&mut first, OSLO), (&mut second, UTC)] {
            frames.truncate(1);
            let place = "/choices/0/delta/tool_calls/0/function/arguments";
            frames[0].edit(|value| put(value, place, call.value()));
        }
        return s.reads(
            s.send_frames(&[head, first, second, tail].concat()),
            &answer,
        );
    }
    with_calls(s, &answer, |call| {
        edit_arguments(call, |object, key| {
            let text = object.get(key).and_then(Value::as_str).unwrap_or_default();
            let value = serde_json::from_str(text).unwrap_or_default();
            object.insert(key.into(), value);
        });
    })
}

pub(in crate::fault) fn arguments_text(s: Scene) -> Built {
    s.only(
        &[Wire::Ollama],
        "arguments are text anyway, or never seen as text",
    )?;
    with_calls(s, &Answer::tools(), |call| {
        edit_arguments(call, |object, key| {
            let text = object.get(key).map(Value::to_string);
            object.insert(key.into(), json!(text));
        });
    })
}

/// The two calls under the word that says that nothing was called.
pub(in crate::fault) fn finish_stop(s: Scene) -> Built {
    if !FRAGMENTED.contains(&s.wire) && s.wire != Wire::QianfanV1 {
        return Err(NATURAL);
    }
    let word = (s.dialect().finish)(Finish::Stop);
    let answer = s.tools();
    let reply = s.send_edited(&answer, |mark, value| {
        if mark.is_none_or(|it| it == Mark::Finish) {
            put(value, s.at(s.dialect().finish_at), json!(word));
        }
    });
    let reading = s.reading_of(&answer, word);
    Ok(Case {
        reply,
        expect: Expect::answer(reading),
    })
}
