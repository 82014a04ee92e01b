//! From the command line and stdin to a request.

use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use parlor::{ChatRequest, ErrorKind, MediaFormat, Message, Part, Role};

use crate::args::{self, ChatArgs};
use crate::attach;
use crate::failure::Failure;
use crate::template::Template;
use crate::terminal::Terminal;

/// How long stdin may stay open before a person is told that it is read.
const PATIENCE: Duration = Duration::from_secs(1);

/// The word for stdin.
const STDIN: &str = "-";

/// What other programs have in their requests and here is said beside them.
const BESIDE: &[(&str, &str)] = &[
    ("model", "the model as -m PROVIDER/MODEL"),
    ("stream", "--no-stream for an answer in one piece"),
    ("max_tokens", "the limit as `max_output_tokens`"),
    (
        "system",
        "the text as -s TEXT, or as a message of the role `system`",
    ),
];

/// The request that the command line asks for, put by a template if there is
/// one. Reads files and stdin.
pub(crate) fn request(
    args: &ChatArgs,
    template: Option<&Template>,
    terminal: &Terminal,
) -> Result<ChatRequest, Failure> {
    let (named, words): (Vec<&str>, Vec<&str>) = args
        .prompt
        .iter()
        .map(String::as_str)
        .partition(|word| *word == STDIN);
    let attached = args.attach.iter().filter(|what| *what == STDIN).count();
    let whole = usize::from(args.request.as_deref() == Some(STDIN));
    let uses = named.len() + attached + whole;
    if uses > 1 {
        return Err(Failure::usage(
            "`-` stands for stdin, which can be read only once",
        ));
    }
    if uses == 1 && args.no_stdin {
        return Err(Failure::usage("`-` and --no-stdin contradict each other"));
    }

    let mut request = match &args.request {
        Some(path) => whole_request(path, terminal)?,
        None => ChatRequest::default(),
    };
    let mut parts = Vec::new();
    for what in &args.attach {
        match what.as_str() {
            STDIN => parts.push(attach::from_stdin(stdin(terminal)?)?),
            what => parts.extend(attach::parts(what)?),
        }
    }
    let words = match template {
        Some(template) => {
            let (read, words) = template.read(words)?;
            parts.extend(read);
            words
        }
        None => words,
    };
    let mut prompt = words.join(" ");
    let piped = uses == 0 && args.request.is_none() && !args.no_stdin && !terminal.stdin;
    if piped || !named.is_empty() {
        match piped_part(stdin(terminal)?)? {
            Some(Part::Text(text)) if prompt.is_empty() => prompt = text.text,
            Some(Part::Text(text)) => prompt = format!("{prompt}\n\n{}", text.text),
            Some(media) => parts.push(media),
            None => {}
        }
    }
    if let [word] = words.as_slice()
        && Path::new(word).is_file()
    {
        terminal.notice(format!(
            "note: {word} is a file, and only its name is asked; -a {word} sends what is in it"
        ));
    }
    if let [word] = words.as_slice()
        && let Some(command) = args::near(word)
    {
        terminal.notice(format!(
            "note: `{word}` is asked; the command is parlor {command}"
        ));
    }
    let prompt = Some(prompt).filter(|prompt| !prompt.trim().is_empty());
    match template {
        Some(template) => {
            let filled = template.fill(&args.template.param, prompt.as_deref())?;
            request = put(request, filled, parts);
        }
        None => {
            parts.extend(prompt.map(Part::text));
            if !parts.is_empty() {
                request.messages.push(Message::new(Role::User, parts));
            }
            if request.messages.is_empty() {
                return Err(nothing(args));
            }
        }
    }
    settled(request, args)
}

/// A request without a message, with all that the command line sets.
pub(crate) fn settings(args: &ChatArgs) -> Result<ChatRequest, Failure> {
    settled(ChatRequest::default(), args)
}

fn settled(mut request: ChatRequest, args: &ChatArgs) -> Result<ChatRequest, Failure> {
    if let Some(system) = &args.system {
        request = request.with_system(system);
    }
    request.temperature = args.temperature.or(request.temperature);
    request.max_output_tokens = args.max_tokens.or(request.max_output_tokens);
    if request.max_output_tokens == Some(0) {
        let fact = "`max_output_tokens` is 0: no answer fits in that";
        return Err(
            Failure::bad_input("request", ErrorKind::InvalidRequest, fact)
                .help("give a number from 1, or leave it out"),
        );
    }
    if let Some(wish) = args.reasoning.as_ref().and_then(|it| it.wish.clone()) {
        request.reasoning = Some(wish);
    }
    Ok(request)
}

/// The request with the messages of a template, and what is attached to the
/// last of them.
pub(crate) fn put(
    mut request: ChatRequest,
    filled: Vec<Message>,
    attached: Vec<Part>,
) -> ChatRequest {
    for message in filled {
        match message.role {
            Role::System => request = request.with_system(message.text()),
            _ => request.messages.push(message),
        }
    }
    match request.messages.last_mut() {
        _ if attached.is_empty() => {}
        Some(last) if last.role == Role::User => {
            last.parts.splice(..0, attached);
        }
        _ => request.messages.push(Message::new(Role::User, attached)),
    }
    request
}

/// There is nothing to be asked.
pub(crate) fn nothing(args: &ChatArgs) -> Failure {
    match args.request {
        Some(_) => Failure::usage("the request has no message").help("add a user message"),
        None => Failure::usage("there is no prompt")
            .help("parlor \"Why is the sky blue?\"")
            .help("parlor --help"),
    }
}

/// What was piped in: text without the line break at its end, or media.
fn piped_part(bytes: Vec<u8>) -> Result<Option<Part>, Failure> {
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    match MediaFormat::of_bytes(&bytes) {
        Some(MediaFormat::Text) => {}
        Some(_) => return attach::from_stdin(bytes).map(Some),
        None => {
            let fact = "stdin is neither UTF-8 text nor a kind of media that is known";
            return Err(Failure::bad_input("attachment", ErrorKind::Media, fact)
                .help("pipe in text, an image, a sound, a video or a PDF"));
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Some(Part::text(text.trim_end_matches(['\n', '\r']))))
}

fn whole_request(path: &str, terminal: &Terminal) -> Result<ChatRequest, Failure> {
    let (name, bytes) = match path {
        STDIN => ("stdin", stdin(terminal)?),
        path => {
            let file = std::fs::File::open(path).map_err(|error| {
                let fact = format!("cannot read {path}: {error}");
                Failure::bad_input("request", ErrorKind::InvalidRequest, fact)
                    .help("name a file with a request as JSON, or `-` for stdin")
            })?;
            (path, attach::read(file, path)?)
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        let full = error.to_string();
        let message = full
            .rsplit_once(" at line ")
            .map_or(full.as_str(), |(message, _)| message);
        let (line, column) = (error.line(), error.column());
        let fact = format!("{name}:{line}:{column}: {message}");
        let failure = Failure::bad_input("request", ErrorKind::InvalidRequest, fact);
        let beside = BESIDE
            .iter()
            .find(|(field, _)| message.starts_with(&format!("unknown field `{field}`")));
        failure.help(match beside {
            Some((field, option)) => format!("take `{field}` out of the request and give {option}"),
            None => {
                "a request looks like {\"messages\": [{\"role\": \"user\", \"parts\": \"Hi\"}]}"
                    .to_owned()
            }
        })
    })
}

/// All of stdin. Says after a while that it waits, and how to go on.
fn stdin(terminal: &Terminal) -> Result<Vec<u8>, Failure> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // The receiver waits until this is sent.
        let _ = sender.send(attach::read(io::stdin().lock(), "stdin"));
    });
    let read = receiver.recv_timeout(PATIENCE).or_else(|_| {
        terminal.notice("reading stdin… (Ctrl-D to end, --no-stdin to skip)");
        receiver.recv()
    });
    read.unwrap_or_else(|_| Ok(Vec::new()))
}
