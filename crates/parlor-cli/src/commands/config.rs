//! `parlor config`: the configuration file: where it is, what is wrong in it, what it says.

mod paths;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parlor::layers::ConfiguredLayers;
use parlor::{Config, Error, ErrorKind, PROGRAM_TABLES, PROVIDERS, Registry, Secret, config_path};
use parlor_server::ServeSettings;
use toml_edit::{DocumentMut, Item, Key, TableLike, Value};

use crate::args::{ConfigAction, ConfigArgs};
use crate::edit;
use crate::environment::env;
use crate::failure::Failure;
use crate::files;
use crate::scrub::without_secrets;
use crate::terminal::{self, Terminal, TerminalSettings};
use crate::tools::{ToolSettings, check_served};
pub(crate) use paths::{profiles, set as set_paths, settable};

/// What the file may say, for editors that read a schema.
const SCHEMA: &str = include_str!("config/schema.json");

/// The schema's file beside a configuration that is made, and how the
/// configuration begins, so that an editor finds it.
const SCHEMA_FILE: &str = "config.schema.json";
const BEGINNING: &str = "#:schema ./config.schema.json\n";

/// Tables whose values may be secrets, and names that are.
const SECRET_TABLES: &[&str] = &["headers", "query", "env"];
const SECRETS: &[&str] = &["api_key", "redis", "store"];

/// Finds, checks, edits, reads or writes the configuration.
pub(crate) fn config(args: &ConfigArgs) -> Result<(), Failure> {
    if let Some(ConfigAction::Schema) = &args.action {
        return Ok(terminal::say(SCHEMA)?);
    }
    let file = file(args)?;
    let told = Terminal::find(args.common.plain, args.common.quiet);
    match &args.action {
        None | Some(ConfigAction::Path | ConfigAction::Schema) => {
            if !file.exists() {
                told.notice("It isn't there yet; without it everything has its defaults.");
            }
            Ok(terminal::say(&format!("{}\n", file.display()))?)
        }
        Some(ConfigAction::Check) => {
            if !file.exists() {
                let fact = format!("there is no file {}", file.display());
                return Err(wrong(fact).help("None is needed; parlor config edit makes one."));
            }
            check(&file, &read(&file)?)?;
            Ok(terminal::say(&format!(
                "{}: nothing is wrong.\n",
                file.display()
            ))?)
        }
        Some(ConfigAction::Edit) => edit_file(&file),
        Some(ConfigAction::Get { path }) => get(&file, path),
        Some(ConfigAction::Set { path, value }) => {
            set(&file, path, value)?;
            told.notice(format!("{path} is set in {}.", file.display()));
            Ok(())
        }
    }
}

fn file(args: &ConfigArgs) -> Result<PathBuf, Failure> {
    file_or_usual(args.common.config.as_deref())
}

fn file_or_usual(file: Option<&Path>) -> Result<PathBuf, Failure> {
    let env = env();
    let usual = || config_path(|name| env.get(name));
    let file = file.map(Path::to_owned).or_else(usual);
    file.ok_or_else(|| {
        wrong("no folder for the configuration is known").help("Set HOME, or name a file: --config")
    })
}

/// The file's text; one that isn't there is empty.
fn read(file: &Path) -> Result<String, Failure> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(|error| wrong(format!("cannot read {}: {error}", file.display()))),
    }
}

/// Everything that is known to be wrong without asking anybody.
fn check(file: &Path, text: &str) -> Result<(), Failure> {
    let config = match is_json(file) {
        true => Config::from_json(text),
        false => Config::from_toml_beside(text, PROGRAM_TABLES),
    };
    let mut config = config.map_err(|problems| problems.in_file(file))?;
    if !is_json(file) {
        ToolSettings::read(text, file)?.check(&env())?;
        TerminalSettings::read(text, file)?;
        let served = ServeSettings::read(text, file)?;
        check_served(&served, &ToolSettings::read(text, file)?)?;
    }
    if let (Some(catalogue), Some(folder)) = (&mut config.catalogue, file.parent()) {
        *catalogue = folder.join(&*catalogue);
    }
    let registry = Registry::global(PROVIDERS)?.with_config(config)?;
    ConfiguredLayers::new(registry.config())?;
    match registry.check().into_iter().next() {
        // Whatever its kind is when a model is asked, here a name is wrong.
        Some(error) => {
            let fact = format!("{}: {}", file.display(), error.message());
            Err(wrong(fact).help(error.help()))
        }
        None => Ok(()),
    }
}

fn edit_file(file: &Path) -> Result<(), Failure> {
    let Some(editor) = edit::named() else {
        return Err(wrong("no editor is named").help("Set VISUAL or EDITOR, such as EDITOR=vi"));
    };
    if let Some(folder) = file.parent() {
        let made = files::make_folder(folder);
        made.map_err(|error| {
            wrong(format!("cannot make {}: {error}", folder.display())).help(files::UNWRITABLE)
        })?;
    }
    if !file.exists() && !is_json(file) {
        begin(file)?;
    }
    let status = edit::command(&editor).arg(file).status();
    let status = status.map_err(|error| {
        wrong(format!("cannot run the editor {editor}: {error}")).help("Correct VISUAL or EDITOR.")
    })?;
    if !status.success() {
        return Err(wrong(format!("the editor {editor} failed: {status}"))
            .help("What it saved stays as it is: parlor config check"));
    }
    check(file, &read(file)?).map_err(|failure| failure.also("parlor config edit"))
}

/// Makes a configuration that says nothing yet, and its schema beside it.
fn begin(file: &Path) -> Result<(), Failure> {
    let failed = |error| unwritable(file, &error);
    let schema = file.with_file_name(SCHEMA_FILE);
    files::replace(&schema, SCHEMA, false).map_err(failed)?;
    files::replace(file, BEGINNING, false).map_err(failed)
}

fn get(file: &Path, path: &str) -> Result<(), Failure> {
    let document = parse(file, &read(file)?)?;
    let keys = keys(path)?;
    let mut is_secret = false;
    let mut item = document.as_item();
    for key in &keys {
        is_secret |= item.is_table_like() && names_secret(key.get());
        item = item.get(key.get()).ok_or_else(|| {
            let fact = format!("`{path}` isn't set in {}", file.display());
            Failure::from(Error::new(ErrorKind::Validation, fact))
                .help(format!("parlor config set {path} VALUE"))
        })?;
    }
    let mut item = item.clone();
    hide(&mut item, is_secret);
    let text = match &item {
        Item::Value(Value::String(text)) => text.value().clone(),
        Item::Value(value) => value.clone().decorated("", "").to_string(),
        Item::Table(table) => {
            let mut whole = DocumentMut::new();
            *whole.as_table_mut() = table.clone();
            whole.as_table_mut().set_implicit(false);
            whole.to_string()
        }
        other => other.to_string(),
    };
    Ok(terminal::say(&format!(
        "{}\n",
        terminal::printable(text.trim())
    ))?)
}

fn names_secret(name: &str) -> bool {
    SECRETS.contains(&name) || SECRET_TABLES.contains(&name)
}

/// Puts the end of a secret in its place.
fn hide(item: &mut Item, is_secret: bool) {
    if let Some(text) = item.as_str() {
        // An address may carry a password or a key.
        *item = toml_edit::value(match is_secret {
            true => Secret::new(text).hint(),
            false if text.contains("://") => without_secrets(text),
            false => return,
        });
    } else if let Some(tables) = item.as_array_of_tables_mut() {
        tables
            .iter_mut()
            .for_each(|table| hide_in(table, is_secret));
    } else if let Some(table) = item.as_table_like_mut() {
        hide_in(table, is_secret);
    }
}

fn hide_in(table: &mut dyn TableLike, is_secret: bool) {
    for (name, item) in table.iter_mut() {
        let is_secret = is_secret || names_secret(name.get());
        hide(item, is_secret);
    }
}

fn set(file: &Path, path: &str, value: &str) -> Result<(), Failure> {
    if is_json(file) {
        return Err(wrong(format!(
            "{} is the JSON mapping, which isn't written to",
            file.display()
        ))
        .help("parlor config edit"));
    }
    let keys = keys(path)?;
    if keys.last().is_some_and(|key| SECRETS.contains(&key.get())) {
        let fact = "a key isn't an argument: the shell's history and other users would see it";
        return Err(Failure::usage(fact).help("parlor keys set PROVIDER asks for it"));
    }
    let text = read(file)?;
    let before = parse(file, &text)?;
    let is_right = check(file, &text).is_ok();
    let unset = |failure: Failure| match is_right {
        true => cannot(file, path, &failure).help("Nothing was written."),
        false => failure.also("Nothing was written."),
    };
    // What is no value of the right type may be meant as text.
    let as_text = Value::from(value);
    let text = match value.parse::<Value>() {
        Ok(value) => {
            let text = with(&before, &keys, value)?;
            match check(file, &text) {
                Ok(()) => text,
                Err(failure) => {
                    let text = with(&before, &keys, as_text)?;
                    check(file, &text).map_err(|_| unset(failure))?;
                    text
                }
            }
        }
        Err(_) => {
            let text = with(&before, &keys, as_text)?;
            check(file, &text).map_err(unset)?;
            text
        }
    };
    write(file, &text)
}

/// That a value would make a right file wrong: of that file there is no place to name.
fn cannot(file: &Path, path: &str, failure: &Failure) -> Failure {
    let told = failure.error().message();
    let of_file = told.strip_prefix(&*file.display().to_string());
    let why = of_file.map(|rest| rest.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit()));
    let why = why.unwrap_or(told).trim_start();
    let why = why.strip_prefix(&format!("`{path}`: ")).unwrap_or(why);
    wrong(format!("`{path}` can't be set to that: {why}"))
}

/// Has this model asked where none is named, and gives the file that says so.
pub(crate) fn configure_default_model(
    file: Option<&Path>,
    model: &str,
) -> Result<PathBuf, Failure> {
    let file = file_or_usual(file)?;
    set(&file, "default_model", model)?;
    Ok(file)
}

/// What became of values that belong together.
pub(crate) enum Configured {
    /// They are set, or would be.
    New,
    /// They were there.
    Known,
    /// Something else was in a place of theirs, and stays.
    Taken,
}

/// Sets values that belong together, unless one of their places is taken. With `changes` false
/// it only says so, and nothing is written that would be wrong.
pub(crate) fn configure(
    file: Option<&Path>,
    values: &[(Vec<&str>, Value)],
    changes: bool,
) -> Result<Configured, Failure> {
    let file = file_or_usual(file)?;
    if is_json(&file) {
        return Err(wrong(format!("{} isn't written to", file.display())));
    }
    let mut document = parse(&file, &read(&file)?)?;
    let bare = |value: &Value| value.clone().decorated("", "").to_string();
    let mut known = 0;
    for (keys, value) in values {
        let mut at = Some(document.as_item());
        for key in keys {
            at = at.and_then(|it| it.get(*key));
        }
        match at {
            Some(Item::Value(there)) if bare(there) == bare(value) => {
                known += 1;
                continue;
            }
            Some(_) => return Ok(Configured::Taken),
            None => {}
        }
        let keys: Vec<Key> = keys.iter().map(|key| Key::new(*key)).collect();
        document = parse(&file, &with(&document, &keys, value.clone())?)?;
    }
    if known == values.len() {
        return Ok(Configured::Known);
    }
    let text = document.to_string();
    check(&file, &text)?;
    if changes {
        write(&file, &text)?;
    }
    Ok(Configured::New)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = files::make_folder(folder).and_then(|()| files::replace(file, text, false));
    written.map_err(|error| unwritable(file, &error))
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    wrong(format!("cannot write {}: {error}", file.display())).help(files::UNWRITABLE)
}

/// The document with a value at a place, whose tables are made if need be.
fn with(before: &DocumentMut, keys: &[Key], mut value: Value) -> Result<String, Failure> {
    let mut document = before.clone();
    let Some((last, tables)) = keys.split_last() else {
        return Ok(document.to_string());
    };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for key in tables {
        let inner = table.entry(key.get()).or_insert_with(|| {
            let mut made = toml_edit::Table::new();
            made.set_implicit(true);
            Item::Table(made)
        });
        table = inner.as_table_like_mut().ok_or_else(|| {
            Failure::usage(format!("`{}` is no table", key.get())).help("parlor config get PATH")
        })?;
    }
    match table.get_mut(last.get()) {
        Some(Item::Value(old)) => {
            // A comment behind the value stays.
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(old) if !old.is_none() => {
            let fact = format!("`{}` is a table, not a value", last.get());
            return Err(Failure::usage(fact).help("name a setting in it, or: parlor config edit"));
        }
        _ => {
            let is_first = tables.is_empty() && !before.iter().any(|(_, item)| is_inline(item));
            let text = before.to_string();
            if (is_first || before.is_empty()) && !text.is_empty() {
                let first = with(&DocumentMut::new(), keys, value)?;
                return Ok(below_head(&text, &first));
            }
            table.insert(last.get(), Item::Value(value));
        }
    }
    Ok(document.to_string())
}

/// A document with another before it, but below the comments that it begins with.
fn below_head(text: &str, first: &str) -> String {
    let is_comment = |line: &&str| matches!(line.trim_start().get(..1), None | Some("#"));
    let lines = text.split_inclusive('\n').take_while(is_comment);
    let (head, rest) = text.split_at(lines.map(str::len).sum());
    // What stands right above a table is about it, if more stands apart above that.
    let (head, about) = match head.rsplit_once("\n\n").filter(|_| !rest.is_empty()) {
        Some((above, _)) if !above.trim().is_empty() => head.split_at(above.len() + 2),
        _ => (head, ""),
    };
    let end = if head.is_empty() || head.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let apart = if rest.is_empty() { "" } else { "\n" };
    format!("{head}{end}{first}{apart}{about}{rest}")
}

/// Whether an entry of the document stands before its tables.
fn is_inline(item: &Item) -> bool {
    item.is_value() || item.as_table().is_some_and(toml_edit::Table::is_dotted)
}

fn keys(path: &str) -> Result<Vec<Key>, Failure> {
    Key::parse(path).map_err(|_| {
        Failure::usage(format!("`{path}` is no name of a setting"))
            .help("Write it as default_model, providers.mine.base_url or models.\"a.b\"")
    })
}

fn parse(file: &Path, text: &str) -> Result<DocumentMut, Failure> {
    // The whole check tells the place; the parser's own words show the line,
    // which may hold a secret.
    text.parse::<DocumentMut>().map_err(|_| {
        let told = Config::from_toml_beside(text, PROGRAM_TABLES).err();
        match told {
            Some(problems) => problems.in_file(file).into(),
            None => wrong(format!("{} is no TOML", file.display())),
        }
    })
}

fn is_json(file: &Path) -> bool {
    file.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("json"))
}

fn wrong(fact: impl Into<String>) -> Failure {
    Error::new(ErrorKind::Configuration, fact.into()).into()
}
