//! What is answered: by the words of the question.

use parlor_core::{
    Arguments, ChatModel as _, ChatRequest, ChatResponse, Choice, Echo, Error, ErrorKind,
    FinishKind, FinishReason, MediaKind, Message, OutputFormat, Part, Reasoning, Result, Usage,
};
use serde_json::Value;

/// The model that every stand-in has.
pub const SCRIPTED: &str = "scripted";

/// The model that is always overloaded.
pub const OVERLOADED: &str = "overloaded";

/// Words in a question that have the answer wait, in the middle, until it is stopped.
pub const STOP_ME: &str = "until I stop you";

/// How many words come before an answer waits.
const BEFORE_STOP: usize = 12;

/// What is said at the end of an answer that says where it is from.
const NOTE: &str = "\n\n*A scripted answer of `parlor demo`: no model was asked.*";

/// An answer, and the word after which it waits to be stopped.
pub(crate) struct Played {
    pub(crate) response: ChatResponse,
    pub(crate) stops: Option<usize>,
}

/// What is answered when a word of the list stands in the question.
struct Line {
    words: &'static [&'static str],
    thought: &'static str,
    text: &'static str,
}

const fn line(words: &'static [&'static str], text: &'static str) -> Line {
    Line {
        words,
        thought: "",
        text,
    }
}

/// The first that fits is said.
const LINES: &[Line] = &[
    line(
        &["until i stop you", "story"],
        "Once upon a time there was a lighthouse that never slept. Every night it counted the \
         ships: one with red sails, one with a cat on board, one that sang. The cat waved. The \
         lighthouse blinked twice, which is how lighthouses wave, and the sea kept the secret. In \
         the morning the keeper found paw prints on the stairs, and a herring on the table.",
    ),
    Line {
        words: &["sheep", "think"],
        thought: "Seventeen are there. All but nine run away, so nine stay: the seventeen is \
                  there to mislead.",
        text: "Nine are left: all but nine ran away.",
    },
    line(
        &["table", "compare"],
        "| API | Where the text stands | How it ends |\n|---|---|---|\n\
         | Chat Completions | `choices[0].delta.content` | `[DONE]` |\n\
         | Messages | `content_block_delta` | `message_stop` |\n\
         | Gemini | `candidates[0].content.parts` | `finishReason` |\n\
         | Responses | `response.output_text.delta` | `response.completed` |\n\
         | Ollama | `message.content` | `\"done\": true` |",
    ),
    line(
        &["code", "program", "rust"],
        "One model is as good as another:\n\n```rust\nuse parlor::ChatModelExt;\n\n\
         #[tokio::main]\nasync fn main() -> parlor::Result<()> {\n    \
         let model = parlor::model(\"ollama/llama3.2\")?;\n    \
         println!(\"{}\", model.ask(\"Why is the sky blue?\").await?.text());\n    \
         Ok(())\n}\n```",
    ),
    line(
        &["picture", "image", "photo"],
        "Attach a picture, and what is sent of it is told.",
    ),
    line(
        &["tool", "weather"],
        "Give me a tool of that name, and I call it.",
    ),
    line(
        &["sunset", "evening", "red"],
        "The light comes a longer way through the air then, and red is what is left of it.",
    ),
    line(&["sky"], "Because air scatters blue light more than red."),
    line(
        &["forget", "others", "left out"],
        "Only that it has to end on both sides.",
    ),
    line(&["bridge"], "It carries what it must, and a little more."),
    line(
        &["brick"],
        "A wall, a doorstop, the weight on a pile of paper.",
    ),
    line(
        &["known for"],
        "Its people, its food and its weather, in that order.",
    ),
    line(&["station"], "Wo ist der Bahnhof?"),
    line(
        &["who are you", "hello", "hi"],
        "Hello. I am a script, and I speak five protocols.",
    ),
];

/// What is said where thoughts and solution are wanted apart, in the answer itself.
const IN_SECTIONS: &str = "<reasoning>All but nine run away, so nine stay.</reasoning>\n\
                           <solution>Nine.</solution>";

/// What is said where no line fits.
const ELSE: &str = "I am a script and know little. Ask me for a table, for code, for a story, to \
                    think about sheep, or why the sky is blue; or attach a picture.";

/// Answers a request.
///
/// # Errors
/// Of a model that isn't there, and of the one that is overloaded.
pub(crate) async fn play(model: &str, request: &ChatRequest, says_so: bool) -> Result<Played> {
    match model {
        SCRIPTED => {}
        OVERLOADED => {
            let error = Error::new(ErrorKind::Overloaded, "The model is overloaded.");
            return Err(error.with_status(503));
        }
        other => {
            let message = format!("There is no model `{other}` here, only `{SCRIPTED}`.");
            return Err(Error::new(ErrorKind::ModelNotFound, message).with_status(404));
        }
    }
    let mut choice = Choice::new(0);
    let question = question(request);
    choice.message.parts = parts(request, &question).await?;
    let calls = choice.message.tool_calls().next().is_some();
    if let (true, Some(Part::Text(text))) = (says_so, choice.message.parts.last_mut())
        && request.output.is_none()
    {
        text.text.push_str(NOTE);
    }
    choice.finish_reason = Some(FinishReason::new(FinishKind::Stop, "stop").with_calls(calls));
    let mut usage = Usage::default();
    usage.input_tokens = Some(request.messages.iter().map(words).sum());
    usage.output_tokens = Some(words(&choice.message).max(1));
    let mut response = ChatResponse::default();
    response.id = Some("demo-1".to_owned());
    response.model = Some(SCRIPTED.to_owned());
    response.usage = Some(usage);
    response.choices = vec![choice];
    let stops = question.contains(STOP_ME).then_some(BEFORE_STOP);
    Ok(Played { response, stops })
}

/// A word is a token here.
fn words(message: &Message) -> u64 {
    message.text().split_whitespace().count() as u64
}

/// What was asked last.
fn question(request: &ChatRequest) -> String {
    request
        .messages
        .last()
        .map(Message::text)
        .unwrap_or_default()
}

async fn parts(request: &ChatRequest, question: &str) -> Result<Vec<Part>> {
    let last = request.messages.last();
    let parts = || last.into_iter().flat_map(|it| &it.parts);
    let results = parts().filter_map(|it| match it {
        Part::ToolResult(result) => Some(result.joined_text()),
        _ => None,
    });
    let results: Vec<String> = results.collect();
    if !results.is_empty() {
        return Ok(vec![Part::text(told(&results.join(", ")))]);
    }
    if let Some(part) = made(request, question).await? {
        return Ok(vec![part]);
    }
    let mut media = parts().filter_map(|it| match it {
        Part::Media(media) => Some(media.kind),
        _ => None,
    });
    if let Some(kind) = media.next() {
        let what = match kind {
            MediaKind::Image => "a picture: one red dot",
            MediaKind::Audio => "a sound: somebody whistles",
            MediaKind::Video => "a film: a train arrives",
            _ => "a document: a page of prose",
        };
        let text = format!("It is {what}, says the script, which looked at nothing.");
        return Ok(vec![Part::text(text)]);
    }
    if question.contains("<solution>") {
        return Ok(vec![Part::text(IN_SECTIONS)]);
    }
    let asked = question.to_lowercase();
    let has = |word: &&&str| {
        let mut pieces = asked.split(|c: char| !c.is_alphanumeric());
        match word.contains(' ') {
            true => asked.contains(**word),
            false => pieces.any(|piece| piece == **word),
        }
    };
    let fits = |line: &&Line| line.words.iter().any(|word| has(&word));
    let Some(line) = LINES.iter().find(fits) else {
        return Ok(vec![Part::text(ELSE)]);
    };
    let mut parts = vec![Part::text(line.text)];
    if !line.thought.is_empty() {
        parts.insert(0, Part::Reasoning(Reasoning::new(line.thought)));
    }
    Ok(parts)
}

/// What is said of what a tool told.
fn told(result: &str) -> String {
    match result.contains("degrees") {
        true => format!("Yes, take a coat: {result}."),
        false => format!("The tool says: {result}."),
    }
}

/// A call or a value, where one is asked for: as the built-in `echo` makes them, by examples in
/// schemas, with the name that stands in the question where a schema has none.
async fn made(request: &ChatRequest, question: &str) -> Result<Option<Part>> {
    let is_value = !matches!(request.output, None | Some(OutputFormat::Text));
    let answer = Echo::new().chat(request).await?;
    let parts = answer.choices.into_iter().flat_map(|it| it.message.parts);
    for part in parts {
        match part {
            Part::ToolCall(mut call) => {
                let mut arguments = call.arguments.parse().unwrap_or_default();
                name_in(&mut arguments, question);
                call.id = "demo00001".to_owned();
                call.arguments = Arguments::from(arguments);
                return Ok(Some(Part::ToolCall(call)));
            }
            Part::Text(mut text) if is_value => {
                let mut value = serde_json::from_str(&text.text).unwrap_or_default();
                name_in(&mut value, question);
                text.text = value.to_string();
                return Ok(Some(Part::Text(text)));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Puts the last name of a question where `echo` has nothing to say.
fn name_in(value: &mut Value, question: &str) {
    let words = question.split(|c: char| !c.is_alphanumeric()).skip(1);
    let is_name = |it: &&str| it.len() > 1 && it.starts_with(char::is_uppercase);
    let Some(name) = words.filter(is_name).last() else {
        return;
    };
    for value in value
        .as_object_mut()
        .into_iter()
        .flat_map(|it| it.values_mut())
    {
        if value == "text" {
            *value = name.into();
        }
    }
}
