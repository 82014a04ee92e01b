//! `parlor models`: which models there are, with window, price and abilities.

mod default;
mod row;

use std::collections::HashSet;

use parlor::config::Route;
use parlor::{Error, ErrorKind, ModelEntry, Registry, Resolved, today};
use tokio::runtime::Runtime;

use super::table::table;
use crate::args::{ListForm, ModelsAction, ModelsArgs};
use crate::converse::Word;
use crate::failure::{Context, Failure};
use crate::lists;
use crate::local;
use crate::setup;
use crate::terminal::{self, Terminal, span};
use row::Row;

/// Lists the models, or says which one is asked where none is named.
pub(crate) fn models(args: &ModelsArgs) -> Result<(), Failure> {
    if let Some(ModelsAction::Default { model }) = &args.action {
        return default::default(&args.common, model.as_deref());
    }
    let is_json = args.listing.form() == ListForm::Json;
    let terminal = Terminal::find(args.common.plain, args.common.quiet || is_json);
    let registry = setup::registry(args.common.config.as_deref())?;
    let list = List {
        known: Known::new(&registry),
        args,
        terminal,
    };
    let mut rows = match &args.provider {
        Some(provider) => list.of_provider(provider)?,
        None if args.is_live() => list.all_live(&setup::runtime()?),
        None => list.known.models(args.all),
    };
    let total = rows.len();
    rows.retain(|row| list.is_wanted(row));
    // A search that finds nothing at hand goes on among all.
    let is_search = !args.words.is_empty() || !args.ability.is_empty();
    let goes_on = rows.is_empty() && is_search && args.provider.is_none() && !args.is_live();
    if goes_on {
        rows = list.known.models(true);
        rows.retain(|row| list.is_wanted(row));
        if rows.iter().any(|row| !row.retired) {
            rows.retain(|row| !row.retired);
        }
    }
    if is_json {
        let text = serde_json::to_string(&rows).map_err(std::io::Error::from)?;
        return Ok(terminal::say(&format!("{text}\n"))?);
    }
    let cells: Vec<[String; 6]> = rows.iter().map(Row::cells).collect();
    terminal::say(&terminal::printable(&table(&cells)))?;
    if goes_on && !rows.is_empty() {
        terminal.notice("These are retired or of providers without a key (parlor providers).");
    }
    list.tell(&rows, total);
    Ok(())
}

/// The models that are in use, with what is known of each, for a menu.
pub(crate) fn known_models(registry: &Registry) -> Vec<Word> {
    words(&Known::new(registry).offered(false))
}

/// The same that begin so; where there is none, those of any provider.
pub(crate) fn models_that_begin(registry: &Registry, start: &str) -> Vec<Word> {
    let known = Known::new(registry);
    let begin = |all| {
        let mut rows = known.offered(all);
        rows.retain(|row| !row.retired && row.id.starts_with(start));
        rows
    };
    match begin(false) {
        rows if rows.is_empty() => words(&begin(true)),
        rows => words(&rows),
    }
}

/// A model in use that holds more than this one and a request of so many tokens: of
/// the same instance if there is one, and no larger than need be. What a server of
/// one's own has installed isn't known, but for what is configured.
pub(crate) fn larger(registry: &Registry, asked: &Resolved, tokens: u64) -> Option<(String, u64)> {
    let own = asked.entry.as_ref().and_then(|entry| entry.context_window);
    let least = tokens.max(own.unwrap_or_default());
    let instance = &asked.config.instance;
    let rows = Known::new(registry).models(false).into_iter();
    let fitting = rows.filter(|row| !row.retired).filter_map(|row| {
        let window = row.context_window.filter(|window| *window > least)?;
        let needs_key = registry
            .descriptor(&row.provider)
            .is_ok_and(|it| it.needs_key);
        let offered = registry.config().providers.get(&row.provider);
        let mut offered = offered.into_iter().flat_map(|settings| &settings.models);
        let (_, model) = row.id.split_once('/')?;
        if !needs_key && !offered.any(|it| it.id() == model) {
            return None;
        }
        Some((row.provider != *instance, window, row.id))
    });
    let (_, window, id) = fitting.min()?;
    Some((id, window))
}

fn words(rows: &[Row]) -> Vec<Word> {
    let words = rows.iter().map(|row| {
        let [_, context, price, _, _, abilities] = row.cells();
        Word {
            about: format!("{context:>4}  {price:<14}  {abilities}"),
            ..Word::bare(&row.id)
        }
    });
    words.collect()
}

/// The models that are known without asking anybody.
struct Known<'a> {
    registry: &'a Registry,
    today: String,
}

impl<'a> Known<'a> {
    fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            today: today(),
        }
    }
}

impl Known<'_> {
    /// The models of the configuration and of the catalogue.
    fn models(&self, all: bool) -> Vec<Row> {
        let named = self.registry.config().models.keys();
        let mut rows: Vec<Row> = named
            .filter_map(|name| {
                let resolved = self.registry.resolve(name).ok()?;
                let entry = resolved.entry.as_ref();
                let mut row = Row::of(name.clone(), &resolved.id(), entry, &self.today);
                row.label = resolved.label.clone();
                row.source = "config";
                Some(row)
            })
            .collect();
        let routes = self.registry.config().routes.iter();
        rows.extend(routes.map(|(name, route)| self.route(name, route)));
        for instance in self.registry.instances() {
            if all || self.registry.is_in_use(instance) {
                let catalogued = self.catalogued(instance);
                rows.extend(catalogued.filter(|row| all || !row.retired));
            }
        }
        rows
    }

    /// The same, and what providers said within a day that they have beside: servers
    /// on one's own machine are in use by that.
    fn offered(&self, all: bool) -> Vec<Row> {
        let mut rows = self.models(all);
        let known: HashSet<String> = rows.iter().map(|row| row.id.clone()).collect();
        for instance in self.registry.instances() {
            let Some(list) = lists::kept(self.registry, instance) else {
                continue;
            };
            if all || self.registry.is_ready(instance) {
                let live = self.rows(instance, list.models);
                rows.extend(live.into_iter().filter(|row| !known.contains(&row.id)));
            }
        }
        rows
    }

    /// What an instance lists, completed by the catalogue.
    fn rows(&self, instance: &str, models: Vec<ModelEntry>) -> Vec<Row> {
        let catalogue = self.registry.catalogue();
        let provider = self.registry.descriptor(instance).ok();
        let whole = provider.and_then(|it| it.region_of);
        let owners = [Some(instance), provider.map(|it| it.id), whole];
        let row = |model: ModelEntry| {
            let mut owners = owners.into_iter().flatten();
            let entry = owners.find_map(|owner| catalogue.lookup(owner, &model.id));
            let id = format!("{instance}/{}", model.id);
            let mut row = Row::of(id, instance, entry, &self.today);
            row.label = model.label;
            row.context_window = model.context_window.or(row.context_window);
            row.max_output_tokens = model.max_output_tokens.or(row.max_output_tokens);
            row.capabilities = model.capabilities.or(row.capabilities);
            row.source = "live";
            row
        };
        models.into_iter().map(row).collect()
    }

    /// A route, of which is told what it leads to.
    fn route(&self, name: &str, route: &Route) -> Row {
        let models = route.models.iter().map(|it| it.model.as_str());
        let models: Vec<&str> = models.collect();
        let mut row = Row::of(name.to_owned(), name, None, &self.today);
        row.label = Some(models.join(", "));
        row.source = "route";
        row
    }

    /// What the catalogue lists for an instance, and its default model.
    fn catalogued<'a>(&'a self, instance: &'a str) -> impl Iterator<Item = Row> + 'a {
        let catalogue = self.registry.catalogue();
        let default = self
            .registry
            .descriptor(instance)
            .ok()
            .and_then(|descriptor| descriptor.default_model)
            .filter(|model| catalogue.lookup(instance, model).is_none());
        default
            .into_iter()
            .chain(catalogue.models_of(instance))
            .map(move |model| {
                let entry = catalogue.lookup(instance, model);
                Row::of(format!("{instance}/{model}"), instance, entry, &self.today)
            })
    }
}

/// What is listed, and out of what.
struct List<'a> {
    known: Known<'a>,
    args: &'a ModelsArgs,
    terminal: Terminal,
}

impl List<'_> {
    fn is_wanted(&self, row: &Row) -> bool {
        row.has(&self.args.words) && row.can(&self.args.ability)
    }

    /// Says what the table doesn't.
    fn tell(&self, rows: &[Row], total: usize) {
        let (args, to) = (self.args, &self.terminal);
        if rows.is_empty() && !args.words.is_empty() {
            let near = self.known.registry.suggestions(&args.words.join(" "), 3);
            let near = match near.as_slice() {
                [] => String::new(),
                near => format!(" Did you mean {}?", near.join(", ")),
            };
            to.notice(format!("No model here has these words.{near}"));
        } else if rows.is_empty() && !args.ability.is_empty() {
            to.notice("No model here is known to be able to do that.");
        } else if rows.is_empty() {
            let whose = args.provider.as_deref().unwrap_or("Nobody asked");
            to.notice(format!("{whose} lists no model."));
        }
        if rows.iter().any(|row| row.price.is_some()) {
            to.notice(
                "Prices are for a million tokens, input / output, as listed on the day beside them.",
            );
        }
        let names_all = args.all || args.is_live() || args.provider.is_some();
        let listed = self.known.registry.catalogue().entries().len();
        let more = listed.saturating_sub(total);
        if !names_all && more > 0 && args.words.is_empty() && args.ability.is_empty() {
            to.notice(format!(
                "{more} more are retired or of providers without a key: parlor models --all"
            ));
        }
    }

    /// The models of one provider: its own list where that is asked for, or
    /// where nobody else can know what is installed.
    fn of_provider(&self, provider: &str) -> Result<Vec<Row>, Failure> {
        let descriptor = self
            .known
            .registry
            .descriptor(provider)
            .map_err(unknown_provider)?;
        let is_own_name = self.known.registry.instances().any(|name| name == provider);
        let instance = if is_own_name { provider } else { descriptor.id };
        if !self.args.is_live() && descriptor.needs_key {
            return Ok(self.known.catalogued(instance).collect());
        }
        match setup::runtime()?.block_on(self.live(instance)) {
            Ok(rows) => Ok(rows),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.terminal.notice(format!(
                    "{instance} has no list to ask for; this is what the catalogue knows."
                ));
                Ok(self.known.catalogued(instance).collect())
            }
            Err(error) => Err(Failure::of(error, &self.context(instance))),
        }
    }

    /// The own lists of all providers that are in use, and of the servers on
    /// this machine. One that fails leaves the others alone.
    fn all_live(&self, runtime: &Runtime) -> Vec<Row> {
        let servers = runtime.block_on(local::servers(self.known.registry));
        let listens = |instance: &str| {
            let mut named = servers.iter().filter(|it| it.instance == instance);
            named.any(|server| server.listens)
        };
        let asked = self.known.registry.instances();
        let asked =
            asked.filter(|instance| self.known.registry.is_in_use(instance) || listens(instance));
        let mut rows = Vec::new();
        for instance in asked {
            match runtime.block_on(self.live(instance)) {
                Ok(live) => rows.extend(live),
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    rows.extend(self.known.catalogued(instance).filter(|row| !row.retired));
                }
                // What isn't configured has no address to ask at.
                Err(error)
                    if error.kind() == ErrorKind::Configuration
                        && !self
                            .known
                            .registry
                            .config()
                            .providers
                            .contains_key(instance) => {}
                Err(error) => {
                    let failure = Failure::of(error, &self.context(instance));
                    self.terminal.notice(failure.text().trim_end());
                }
            }
        }
        rows
    }

    /// What a provider lists: what it said within a day, unless it is to be asked anew.
    /// One that needs no key is on one's own machine, and is always asked.
    async fn live(&self, instance: &str) -> Result<Vec<Row>, Error> {
        let registry = self.known.registry;
        let needs_key = registry.descriptor(instance)?.needs_key;
        let kept = (needs_key && !self.args.refresh).then(|| lists::kept(registry, instance));
        let list = match kept.flatten() {
            Some(list) => {
                let age = span(list.age);
                self.terminal.notice(format!(
                    "{instance} said so {age} ago; --refresh asks it anew."
                ));
                list
            }
            None => lists::ask(registry, instance).await?,
        };
        Ok(self.known.rows(instance, list.models))
    }

    fn context(&self, instance: &str) -> Context {
        let any = self.known.registry.resolve(&format!("{instance}/any"));
        any.map(|any| Context::new(&any)).unwrap_or_default()
    }
}

pub(super) fn unknown_provider(error: Error) -> Failure {
    let near = error.help().starts_with("Did you mean");
    let near = near.then(|| error.help().to_owned());
    let failure = Failure::of(error, &Context::default());
    near.into_iter()
        .fold(failure, Failure::help)
        .help("parlor providers lists all")
}
