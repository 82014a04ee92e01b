//! `parlor doctor`: what is set up, and which model would be asked.

mod text;
mod tools;

use std::path::{Path, PathBuf};

use parlor::layers::ConfiguredLayers;
use parlor::{Config, PROVIDERS, Registry, Rule, config_path};
use serde::Serialize;

use super::providers::{Row, rows};
use crate::args::{DoctorArgs, ListForm};
use crate::choose::{NO_MODEL, undecided};
use crate::converse::tells_apart;
use crate::environment::env;
use crate::failure::{Failure, retired};
use crate::keys::{self, KeyFile};
use crate::terminal::{self, Terminal};
use crate::{files, keeper, local, log, screen, setup};

/// The report; the JSON form has these fields.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    config: ConfigState,
    store: StoreState,
    /// Where a log is kept, if one is.
    log: Option<PathBuf>,
    default_model: Option<DefaultModel>,
    layers: Vec<LayersAround>,
    keys: Vec<KeyPlace>,
    /// Those whose provider has a crate of its own come first.
    without_key: Vec<String>,
    /// How many those are.
    #[serde(skip)]
    first: usize,
    local_servers: Vec<LocalServer>,
    tools: Vec<tools::ToolState>,
    terminal: Facts,
}

#[derive(Debug, Serialize)]
struct ConfigState {
    path: Option<PathBuf>,
    found: bool,
    /// The profile that is laid over the rest.
    profile: Option<String>,
    problems: Vec<String>,
}

/// What the configuration puts around models beside retries and time limits.
#[derive(Debug, Serialize)]
struct LayersAround {
    /// `None` is every instance that has none of its own.
    provider: Option<String>,
    /// Outermost first.
    layers: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct DefaultModel {
    id: String,
    /// `PARLOR_MODEL`, `config`, `only-key`, `local-server` or `built-in`.
    rule: &'static str,
    because: String,
    /// Why it can't be asked as things are.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct KeyPlace {
    provider: String,
    source: String,
}

#[derive(Debug, Serialize)]
struct LocalServer {
    provider: String,
    base_url: String,
    listens: bool,
}

#[derive(Debug, Serialize)]
struct Facts {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    colour: bool,
    /// Whether it says that it shows all colours.
    true_colour: bool,
    /// Whether it tells Shift-Enter from Enter; `None` where it doesn't say.
    keys_apart: Option<bool>,
    term: Option<String>,
}

/// Where conversations are kept, and whether they can be.
#[derive(Debug, Serialize)]
struct StoreState {
    path: Option<PathBuf>,
    found: bool,
    /// Why nothing can be kept there.
    problem: Option<String>,
}

impl StoreState {
    fn find() -> Self {
        let path = keeper::path(&env());
        let found = path.as_deref().is_some_and(Path::exists);
        // A file that isn't there yet is made in the nearest folder that is.
        let nearest = path
            .as_deref()
            .and_then(|path| path.ancestors().find(|it| it.exists()));
        let problem = match nearest {
            _ if path.is_none() => Some("the environment names no home".to_owned()),
            Some(place) if (found || place.is_dir()) && files::may_write(place) => None,
            _ => Some("it can't be written to".to_owned()),
        };
        Self {
            path,
            found,
            problem,
        }
    }
}

/// Reports on the setup. A configuration that is wrong is reported, and is the
/// command's failure too.
pub(crate) fn doctor(args: &DoctorArgs) -> Result<(), Failure> {
    if args.fix
        && let Some(path) = keys::close(&env())?
    {
        Terminal::find(args.common.plain, args.common.quiet)
            .notice(format!("Only you can read {} now.", path.display()));
    }
    let (registry, failure) = match setup::registry(args.common.config.as_deref()) {
        Ok(registry) => (registry, None),
        Err(failure) => (Registry::global(PROVIDERS)?.with_env(env()), Some(failure)),
    };
    // Whoever needs no key works without that file.
    let keys = KeyFile::find(&env()).err();
    let runtime = setup::runtime()?;
    let config = args.common.config.as_deref();
    let terminal = Terminal::find(args.common.plain, false);
    let report = runtime.block_on(report(&registry, config, &terminal, None, failure.as_ref()));
    let text = match args.listing.form() {
        ListForm::Json => {
            let text = serde_json::to_string(&report).map_err(std::io::Error::from)?;
            format!("{text}\n")
        }
        ListForm::Text => {
            let text = terminal::printable(&report.text());
            match terminal.stdout {
                true => terminal::folded(&text, screen::size().0),
                false => text,
            }
        }
    };
    terminal::say(&text)?;
    let failure = failure.or_else(|| keys.map(Failure::from));
    failure.map_or(Ok(()), Err)
}

/// The same within a conversation, whose editor sees keys or doesn't.
pub(crate) async fn told(
    registry: &Registry,
    config: Option<&Path>,
    terminal: &Terminal,
    takes_keys: bool,
) -> String {
    let report = report(registry, config, terminal, Some(takes_keys), None);
    report.await.text()
}

async fn report(
    registry: &Registry,
    config: Option<&Path>,
    terminal: &Terminal,
    answers: Option<bool>,
    failure: Option<&Failure>,
) -> Report {
    let usual = || config_path(|name| env().get(name));
    let path = config.map(Path::to_owned).or_else(usual);
    let broken = failure.map(|failure| failure.error().message().to_owned());
    let unresolved = registry.check();
    let unresolved = unresolved.iter().map(|error| error.message().to_owned());
    let keys = KeyFile::find(&env()).err();
    let keys = keys.map(|error| error.message().to_owned());
    let (layers, wrong) = match ConfiguredLayers::new(registry.config()) {
        Ok(layers) => (around(&layers), None),
        Err(error) => (Vec::new(), Some(error.message().to_owned())),
    };
    let (with_key, without): (Vec<Row>, Vec<Row>) = rows(registry)
        .into_iter()
        .partition(|row| row.key.source.is_some());
    let needs = without.into_iter().filter(|row| row.key.needed);
    let has_crate = |row: &Row| {
        registry
            .descriptor(&row.id)
            .is_ok_and(|it| it.feature == it.id)
    };
    let (first, others): (Vec<Row>, Vec<Row>) = needs.partition(has_crate);
    let servers = local::servers(registry).await;
    let (tools, of_tools) = match tools::tools(registry, config).await {
        Ok(tools) => (tools, None),
        Err(problems) => (Vec::new(), Some(problems.to_string())),
    };
    Report {
        version: env!("CARGO_PKG_VERSION"),
        config: ConfigState {
            found: path.as_ref().is_some_and(|path| path.exists()),
            path,
            profile: env().get(Config::PROFILE_VARIABLE),
            problems: broken
                .into_iter()
                .chain(wrong)
                .chain(keys)
                .chain(of_tools)
                .chain(unresolved)
                .collect(),
        },
        default_model: match failure {
            Some(_) => None,
            None => Some(default_model(registry).await),
        },
        store: StoreState::find(),
        log: log::path(&env()).filter(|_| log::is_on(&env())),
        layers,
        keys: with_key
            .into_iter()
            .map(|row| KeyPlace {
                provider: row.id,
                source: row.key.source.unwrap_or_default(),
            })
            .collect(),
        first: first.len(),
        without_key: first.into_iter().chain(others).map(|it| it.id).collect(),
        local_servers: servers
            .into_iter()
            .map(|server| LocalServer {
                provider: server.instance,
                base_url: server.base_url,
                listens: server.listens,
            })
            .collect(),
        tools,
        terminal: Facts {
            stdin: terminal.stdin,
            stdout: terminal.stdout,
            stderr: terminal.stderr,
            colour: terminal.colour,
            true_colour: std::env::var("COLORTERM")
                .is_ok_and(|it| it == "truecolor" || it == "24bit"),
            keys_apart: tells_apart(terminal, answers),
            term: std::env::var("TERM").ok(),
        },
    }
}

/// The layers around all models, if any, and around those that differ.
fn around(layers: &ConfiguredLayers) -> Vec<LayersAround> {
    let shared = layers.names(None);
    let shared = (!shared.is_empty()).then_some(LayersAround {
        provider: None,
        layers: shared,
    });
    let own = layers.instances().map(|instance| LayersAround {
        provider: Some(instance.to_owned()),
        layers: layers.names(Some(instance)),
    });
    shared.into_iter().chain(own).collect()
}

async fn default_model(registry: &Registry) -> DefaultModel {
    let choice = registry.default_model(None);
    let told = |rule, because: String| (rule, because);
    let unreadable = KeyFile::find(registry.env()).err();
    if let (Rule::BuiltIn { .. }, Some(error)) = (&choice.rule, &unreadable) {
        return DefaultModel {
            id: choice.id,
            rule: "built-in",
            because: "no key that can be read says otherwise".to_owned(),
            problem: Some(error.message().to_owned()),
        };
    }
    let (rule, because) = match &choice.rule {
        Rule::Variable => told("PARLOR_MODEL", "PARLOR_MODEL names it".to_owned()),
        Rule::Config => told("config", "the configuration names it".to_owned()),
        Rule::OnlyKey { key, .. } => told("only-key", keys::because(key)),
        _ => match local::model(registry).await {
            Some((server, model)) => {
                return DefaultModel {
                    id: format!("{}/{model}", server.instance),
                    rule: "local-server",
                    because: format!("it answers at {}", server.base_url),
                    problem: None,
                };
            }
            None => told("built-in", built_in(&choice.rule)),
        },
    };
    DefaultModel {
        problem: problem(registry, &choice.id),
        id: choice.id,
        rule,
        because,
    }
}

/// Why a model can't be asked, as far as that is known without asking. A route
/// can, as long as one of its models can.
fn problem(registry: &Registry, id: &str) -> Option<String> {
    if let Some((_, route)) = registry.route(id) {
        let mut problems = Vec::new();
        for target in &route.models {
            problems.push(problem(registry, &target.model)?);
        }
        return Some(problems.join("; "));
    }
    let resolved = match registry.resolve(id) {
        Ok(resolved) => resolved,
        Err(error) => return Some(error.message().to_owned()),
    };
    let instance = &resolved.config.instance;
    match registry.is_ready(instance) {
        true => retired(&resolved),
        false => Some(format!("{instance} has no key")),
    }
}

fn built_in(rule: &Rule) -> String {
    match rule {
        Rule::BuiltIn { with_key } if !with_key.is_empty() => format!(
            "{} and nothing says which model to ask; {NO_MODEL}",
            undecided(with_key)
        ),
        _ => format!("nothing is configured; {NO_MODEL}"),
    }
}
