//! Templates: questions in files, with parameters that are declared.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor::agent::{Apart, Template as Prompt, Think, Variable, VariableKind};
use parlor::{ChatModel, Env, ErrorKind, Message, OutputSchema, Part, Role, config_path};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::{attach, schema};

/// The parameter that is what was asked, where a template has it.
const INPUT: &str = "input";

/// The templates that are there without a file. A file of the same name goes before.
const BUILT_IN: &[(&str, &str)] = &[(
    "think",
    r#"
description = "Has it thought through: the reasoning apart from the solution"
think = true
prompt = """
{{ input }}{% if steps %}

Go through these steps:{% for step in steps %}
{{ loop.index }}. {{ step }}{% endfor %}{% endif %}"""

[variables]
input = "text"
steps = { type = "list", optional = true, description = "what to go through, by commas" }
"#,
)];

/// What a file may say.
const KEYS: &[&str] = &[
    "description",
    "model",
    "system",
    "prompt",
    "schema",
    "think",
    "files",
    "variables",
    "messages",
];

/// A question that is filled in.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Whom to ask, where the command line doesn't say.
    pub(crate) model: Option<String>,
    /// What the answer must be like, likewise.
    pub(crate) schema: Option<OutputSchema>,
    /// Whether it asks something, beside instructions.
    pub(crate) asks: bool,
    /// Whether it is there without a file.
    pub(crate) is_built_in: bool,
    /// Whether its question is thought through, and the reasoning shown apart.
    pub(crate) thinks: bool,
    /// Whether the files that its question names are attached.
    pub(crate) reads: bool,
    prompt: Prompt,
}

/// The folder with the templates: `templates` beside the configuration.
pub(crate) fn folder() -> Option<PathBuf> {
    let env = Env::process();
    let path = config_path(|name| env.get(name))?;
    Some(path.parent()?.join("templates"))
}

/// The names of all templates: those in the folder, and the built-in ones.
pub(crate) fn names() -> Vec<String> {
    let entries = folder().and_then(|folder| std::fs::read_dir(folder).ok());
    let paths = entries.into_iter().flatten().flatten();
    let mut names: Vec<String> = paths
        .filter_map(|entry| {
            let path = entry.path();
            let is_toml = path.extension().is_some_and(|it| it == "toml");
            let name = path.file_stem()?.to_str()?.to_owned();
            is_toml.then_some(name)
        })
        .collect();
    names.extend(BUILT_IN.iter().map(|(name, _)| (*name).to_owned()));
    names.sort();
    names.dedup();
    names
}

/// The template of a name or in a file.
pub(crate) fn load(named: &str) -> Result<Template, Failure> {
    let is_path = named.ends_with(".toml") || Path::new(named).components().count() != 1;
    let path = match is_path {
        true => PathBuf::from(named),
        false => match (folder(), built_in(named)) {
            (Some(folder), _) => folder.join(format!("{named}.toml")),
            (None, Some(template)) => return template,
            (None, None) => {
                return Err(wrong("no folder for templates is known").help("set HOME"));
            }
        },
    };
    let shown = path.display().to_string();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return built_in(named).unwrap_or_else(|| Err(unknown(named, &shown)));
        }
        Err(error) => {
            return Err(wrong(format!("cannot read {shown}: {error}"))
                .help("check the path and its permissions"));
        }
    };
    let text = String::from_utf8(attach::read(file, &shown)?)
        .map_err(|_| wrong(format!("{shown} is no text")).help("a template is TOML in UTF-8"))?;
    parsed(named, &text).map_err(|fact| {
        wrong(format!("{shown}: {fact}")).help("a template is, for instance: prompt = \"Sum up: {{ input }}\" and below it [variables] with input = \"text\"")
    })
}

/// The template of this name that needs no file.
fn built_in(named: &str) -> Option<Result<Template, Failure>> {
    let (name, text) = BUILT_IN.iter().find(|(name, _)| *name == named)?;
    let template = parsed(name, text).map_err(|fact| wrong(format!("{name}: {fact}")));
    Some(template.map(|template| Template {
        is_built_in: true,
        ..template
    }))
}

fn unknown(named: &str, path: &str) -> Failure {
    let names = names();
    let near = names.iter().map(|it| (strsim::osa_distance(named, it), it));
    let near = near.min().filter(|(distance, _)| *distance <= 2);
    let failure = match near {
        Some((_, near)) => wrong(format!("no template `{named}`.   did you mean {near}?")),
        None => wrong(format!("no template `{named}`")),
    };
    let failure = failure.help(format!("there is {}", names.join(", ")));
    failure.help(format!("write it to {path}"))
}

fn parsed(name: &str, text: &str) -> Result<Template, String> {
    let mut form: Map<String, Value> =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    if let Some(unknown) = form.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let known = KEYS.join(", ");
        return Err(format!("unknown key `{unknown}`; there is {known}"));
    }
    let mut text = |key: &str| match form.shift_remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` must be a text")),
    };
    let (description, model) = (text("description")?, text("model")?);
    let (system, prompt) = (text("system")?, text("prompt")?);
    let schema = match form.shift_remove("schema") {
        None => None,
        Some(Value::String(given)) => {
            let schema = schema::schema(&given);
            Some(schema.map_err(|failure| failure.error().message().to_owned())?)
        }
        Some(schema @ Value::Object(_)) => Some(schema::named(schema)),
        Some(_) => return Err("`schema` must be a text or a table".to_owned()),
    };
    let mut is_set = |key: &str| match form.shift_remove(key) {
        None => Ok(false),
        Some(Value::Bool(is_set)) => Ok(is_set),
        Some(_) => Err(format!("`{key}` must be true or false")),
    };
    let (thinks, reads) = (is_set("think")?, is_set("files")?);
    if thinks && schema.is_some() {
        return Err("`think` and `schema` don't go together: one answers in words".to_owned());
    }
    let said = |role: &str, text| json!({"role": role, "text": text});
    let mut messages: Vec<Value> = system.map(|it| said("system", it)).into_iter().collect();
    match form.shift_remove("messages") {
        None => {}
        Some(Value::Array(more)) => messages.extend(more),
        Some(_) => return Err("`messages` must be a list of tables".to_owned()),
    }
    messages.extend(prompt.map(|it| said("user", it)));
    let asks = messages.iter().any(|it| it["role"] == "user");
    form.insert("messages".to_owned(), messages.into());
    let prompt = Prompt::from_value(form.into()).map_err(|error| error.message().to_owned())?;
    Ok(Template {
        name: name.to_owned(),
        description,
        model,
        schema,
        asks,
        is_built_in: false,
        thinks,
        reads,
        prompt,
    })
}

impl Template {
    /// The parameters, by their names.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Variable> {
        self.prompt.variables()
    }

    /// What is in the files that a question names, where the template is of files, and the
    /// words besides.
    pub(crate) fn read<'a>(
        &self,
        words: Vec<&'a str>,
    ) -> Result<(Vec<Part>, Vec<&'a str>), Failure> {
        if !self.reads {
            return Ok((Vec::new(), words));
        }
        let (files, words): (Vec<&str>, Vec<&str>) =
            words.into_iter().partition(|word| Path::new(word).exists());
        if let ([], [word, ..]) = (files.as_slice(), words.as_slice()) {
            let fact = format!(
                "the template {} is of files, and there is no {word}",
                self.name
            );
            return Err(wrong(fact).help("name a file, or a folder"));
        }
        let mut parts = Vec::new();
        for file in files {
            parts.extend(attach::parts(file)?);
        }
        Ok((parts, words))
    }

    /// The messages with these values, and with what was asked: as the parameter
    /// `input`, else at the end.
    pub(crate) fn fill(
        &self,
        given: &[(String, String)],
        input: Option<&str>,
    ) -> Result<Vec<Message>, Failure> {
        let mut values = Map::new();
        for (name, text) in given {
            let declared = self.parameters().find(|it| it.name == *name);
            let value = value(declared.map(|it| it.kind), text);
            if values.insert(name.clone(), value).is_some() {
                return Err(self.misfilled(&format!("two values for `{name}`")));
            }
        }
        let takes = self.parameters().any(|it| it.name == INPUT) && !values.contains_key(INPUT);
        // Of files nothing more need be said.
        let input = input.or(self.reads.then_some(""));
        if let (true, Some(input)) = (takes, input) {
            values.insert(INPUT.to_owned(), input.into());
        }
        let mut messages = self.prompt.format(values).map_err(|error| {
            let message = error.message();
            let fact = message.strip_prefix("the template's values: ");
            self.misfilled(fact.unwrap_or(message))
        })?;
        let Some(input) = input.filter(|it| !takes && !it.is_empty()) else {
            return Ok(messages);
        };
        match messages
            .last_mut()
            .map(|last| (last.role, last.parts.last_mut()))
        {
            Some((Role::User, Some(Part::Text(text)))) => {
                text.text = format!("{}\n\n{input}", text.text);
            }
            _ => messages.push(Message::user(input)),
        }
        Ok(messages)
    }

    /// The model, which thinks a question of this template through if that says so.
    pub(crate) fn model(&self, model: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        match self.thinks {
            true => Arc::new(Apart::new(model).thinking(Think::of_request())),
            false => model,
        }
    }

    /// It is thought through, and a schema was asked for.
    pub(crate) fn is_in_words(&self) -> Failure {
        let fact = format!("the template {} answers in words, by no schema", self.name);
        Failure::usage(fact).help("leave out one of -t and --schema")
    }

    fn misfilled(&self, fact: &str) -> Failure {
        let failure = wrong(format!("the template {}: {fact}", self.name));
        let declared: Vec<String> = self.parameters().map(told).collect();
        let failure = match declared.is_empty() {
            true => failure.help("it has no parameters"),
            false => failure.help(format!(
                "give its parameters by -p: {}",
                declared.join(", ")
            )),
        };
        match fact.contains("no value for") && fact.contains("`input`") {
            true => failure.help("`input` is the prompt, and what is piped in"),
            false => failure,
        }
    }
}

/// A parameter for a person: `words=list`, or with its default `tone=friendly`.
pub(crate) fn told(variable: &Variable) -> String {
    let name = &variable.name;
    match &variable.default {
        None => format!("{name}={}", kind(variable.kind).to_uppercase()),
        Some(Value::Null) => format!("[{name}={}]", kind(variable.kind).to_uppercase()),
        Some(Value::String(text)) => format!("[{name}={text}]"),
        Some(value) => format!("[{name}={value}]"),
    }
}

/// The word for a kind in a template's file.
pub(crate) fn kind(kind: VariableKind) -> &'static str {
    match kind {
        VariableKind::Text => "text",
        VariableKind::Integer => "integer",
        VariableKind::Number => "number",
        VariableKind::Boolean => "boolean",
        VariableKind::List => "list",
        VariableKind::Object => "object",
        _ => "any",
    }
}

/// A value from the command line: JSON where the parameter wants something else
/// than a text; a list by commas too.
fn value(kind: Option<VariableKind>, text: &str) -> Value {
    let as_text = || Value::from(text);
    match kind {
        None | Some(VariableKind::Text) => as_text(),
        Some(kind) => serde_json::from_str(text).unwrap_or_else(|_| match kind {
            VariableKind::List => text.split(',').map(|it| Value::from(it.trim())).collect(),
            _ => as_text(),
        }),
    }
}

fn wrong(fact: impl Into<String>) -> Failure {
    Failure::bad_input("template", ErrorKind::InvalidRequest, fact)
}
