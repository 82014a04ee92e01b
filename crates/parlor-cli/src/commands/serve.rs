//! `parlor serve`: the models over HTTP, in five dialects, and a page.

mod browser;
mod keys;
mod log;
mod page;
mod signals;
mod stores;

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parlor::{Error, ErrorKind, Registry, Secret};
use parlor_server::{ServeSettings, ServerConfig, Service, SpanExporter, StoreAt, UsageWriter};
use parlor_store::Store;

use crate::args::{LogForm, ServeAction, ServeArgs};
use crate::environment::env;
use crate::failure::Failure;
use crate::tools::{Served, ToolSettings, check_served};
use crate::{files, setup, terminal};
use log::Log;
pub(super) use page::page;

/// How long what is not yet written down may take at the end.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// Serves until it is told to end.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    if let Some(ServeAction::Keys(keys)) = &args.action {
        return keys::keys(args, keys);
    }
    if args.openapi {
        let document = format!("{:#}\n", parlor_server::openapi());
        return Ok(terminal::say(&document)?);
    }
    let configured = Configured::read(args)?;
    if args.check {
        configured.config.check()?;
        let Configured {
            registry,
            config,
            settings,
            tools,
        } = configured;
        Service::new(registry, config)?;
        setup::runtime()?.block_on(check_tools(&settings, tools))?;
        return Ok(terminal::say("The configuration is right.\n")?);
    }
    let log = Log {
        form: args.log.unwrap_or(LogForm::Text),
        quiet: args.common.quiet,
    };
    setup::runtime()?.block_on(run(args, configured, log))
}

/// Looks whether the tools that are named can be used; servers are started for a moment.
async fn check_tools(settings: &ServeSettings, tools: ToolSettings) -> Result<(), Failure> {
    let served = Served::of(settings, tools, &env()).await?;
    let wrong = served.wrong.join("\n");
    served.end().await;
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Configuration, wrong).into()),
    }
}

async fn run(args: &ServeArgs, configured: Configured, log: Log) -> Result<(), Failure> {
    let Configured {
        registry,
        mut config,
        settings,
        tools,
    } = configured;
    let tools = Served::of(&settings, tools, &env()).await?;
    tools.lay_over(&mut config);
    for wrong in &tools.wrong {
        log.complain(wrong);
    }
    let store = stores::open(&settings).await?;
    let writer = Arc::new(UsageWriter::start(store.clone()));
    // What was said in the terminal can be gone on with on the page, and the other way.
    config.store = StoreAt::Open(store.clone());
    config.given_keys = Some(store.clone());
    config.usage_writer = Some(Arc::clone(&writer));
    let spans = settings.spans(&env())?;
    let spans = spans.map(|it| Arc::new(SpanExporter::start(it)));
    config.spans.clone_from(&spans);
    if let Some(shared) = stores::shared(&settings)? {
        config.limits = shared.clone();
        config.cache = Some(shared.clone());
        config.relay = Some(shared);
    }
    if args.log.is_some() {
        config.usage.push(Arc::new(log));
    }
    let mut posture = posture(&registry, &config, &settings, &store).await;
    if !config.tools.is_empty() {
        posture += &format!("\n  tools      {}", tools.shown());
    }
    let bind = config.bind;
    let service = Service::new(registry, config)?;
    let told = signals::end().map_err(setup::cannot_wait)?;
    let listener = tokio::net::TcpListener::bind(bind).await;
    let listener = listener.map_err(|error| cannot_listen(bind, &error))?;
    let address = listener.local_addr().unwrap_or(bind);
    log.say(&format!("Serving at http://{address}\n{posture}"));
    if args.open {
        browser::open(address, log);
    }
    let counted = service.clone();
    let ended = async move {
        told.await;
        log.say(&format!(
            "\nEnding when the answers on their way are done, {} of them; Ctrl-C ends at once.",
            counted.in_flight()
        ));
    };
    let reload = || {
        let read = Configured::read(args);
        let taken = read.and_then(|new| {
            let is_elsewhere = new.config.bind != bind;
            service.reload(new.registry, &new.config.keys)?;
            Ok(is_elsewhere)
        });
        match taken {
            Ok(false) => log.say("The configuration is read again."),
            Ok(true) => log.say(&format!(
                "The configuration is read again; the address stays {bind} until a new start."
            )),
            Err(failure) => log.complain(&format!(
                "the configuration stays as it was: {}",
                failure.error()
            )),
        }
    };
    let served = tokio::select! {
        served = service.run_on(listener, ended) => served,
        failed = signals::on_reload(reload) => failed,
    };
    // What can't be written now is lost, and the end doesn't wait for it.
    let written = async {
        tokio::join!(writer.flushed(), async {
            if let Some(spans) = &spans {
                spans.flushed().await;
            }
        });
    };
    let _ = tokio::time::timeout(LAST_WRITES, written).await;
    store.close().await;
    tools.end().await;
    served.map_err(|error| cannot_listen(bind, &error))
}

/// What is configured, the options included.
struct Configured {
    registry: Registry,
    config: ServerConfig,
    settings: ServeSettings,
    tools: ToolSettings,
}

impl Configured {
    /// Reads all of it.
    fn read(args: &ServeArgs) -> Result<Self, Failure> {
        // Both halves of the file are looked at, so that all that is wrong is said.
        let (registry, settings) = match (
            setup::registry(args.common.config.as_deref()),
            settings(args),
        ) {
            (Ok(registry), Ok(settings)) => (registry, settings),
            (Err(failure), Ok(_)) | (Ok(_), Err(failure)) => return Err(failure),
            (Err(one), Err(other)) => {
                let both = format!("{}\n{}", one.error(), other.error());
                return Err(one.fact(both));
            }
        };
        // What they are is said when they are opened.
        settings.store(&env())?;
        settings.redis(&env())?;
        settings.spans(&env())?;
        let models = args.models.as_ref().or(settings.models_file.as_ref());
        let registry = setup::with_models(registry, models.map(|it| &**it))?;
        registry.checked()?;
        let tools = ToolSettings::load(args.common.config.as_deref(), &env())?;
        check_served(&settings, &tools)?;
        let mut config = ServerConfig::default();
        config.threads = thread::available_parallelism().unwrap_or(config.threads);
        settings.lay_over(&mut config);
        config.bind = args.bind.unwrap_or(config.bind);
        config.insecure |= args.insecure;
        if let Some(file) = args.keys.as_ref().or(settings.keys.as_ref()) {
            config.keys = keys_of(file)?;
        }
        Ok(Self {
            registry,
            config,
            settings,
            tools,
        })
    }
}

/// The store of the service, as this configuration or the usual one has it.
pub(crate) async fn service_store(config: Option<&Path>) -> Result<Store, Failure> {
    stores::open(&settings_in(config)?).await
}

/// `[serve]` of the configuration.
fn settings(args: &ServeArgs) -> Result<ServeSettings, Failure> {
    settings_in(args.common.config.as_deref())
}

fn settings_in(config: Option<&Path>) -> Result<ServeSettings, Failure> {
    let found = setup::configuration_text(config, &env());
    Ok(match found {
        Some((file, text)) => ServeSettings::read(&text, &file)?,
        None => ServeSettings::default(),
    })
}

/// Who may ask, who answers, and where what is kept goes, in a few lines.
async fn posture(
    registry: &Registry,
    config: &ServerConfig,
    settings: &ServeSettings,
    store: &Store,
) -> String {
    let all = || registry.instances();
    let ready: Vec<&str> = all().filter(|it| registry.is_in_use(it)).collect();
    let is_configured = |it: &&str| registry.config().providers.contains_key(*it);
    let without = all().filter(|it| is_configured(it) && !registry.is_ready(it));
    let without: Vec<&str> = without.collect();
    let given = store.service_keys().await.unwrap_or_default();
    let given = given.iter().filter(|it| it.revoked_ms.is_none()).count();
    let asked_by = match (config.keys.len() + given, config.bind.ip().is_loopback()) {
        (0, true) => "everybody on this machine".to_owned(),
        (0, false) if config.insecure => "EVERYBODY who reaches it, without a key".to_owned(),
        (0, false) => "nobody yet: parlor serve keys add NAME".to_owned(),
        (1, _) => "whoever shows the key".to_owned(),
        (count, _) => format!("whoever shows one of {count} keys"),
    };
    let limits = match settings.redis(&env()) {
        Ok(Some(place)) => crate::scrub::without_secrets(place.expose()),
        _ => "memory".to_owned(),
    };
    let mut text = format!(
        "  asked by   {asked_by}\n  store      {}\n  limits     {limits}\n",
        stores::shown(settings)
    );
    if !config.origins.is_empty() {
        text += &format!("  pages of   {}\n", config.origins.join(", "));
    }
    if let Ok(Some(spans)) = settings.spans(&env()) {
        text += &format!("  spans to   {}\n", spans.address());
    }
    text += &format!("  ready      {}", ready.join(", "));
    if !without.is_empty() {
        text += &format!("\n  no key     {}", without.join(", "));
    }
    text
}

fn keys_of(file: &Path) -> Result<Vec<Secret>, Failure> {
    let shown = file.display();
    let wrong = |what: String| Error::new(ErrorKind::Configuration, what);
    let mut opened = File::open(file).map_err(|e| wrong(format!("cannot read {shown}: {e}")))?;
    if files::is_open_to_others(&opened)? {
        let error = wrong(format!("others can read the keys in {shown}"));
        return Err(error.with_help(format!("chmod 600 {shown}")).into());
    }
    let mut text = String::new();
    opened
        .read_to_string(&mut text)
        .map_err(|e| wrong(format!("cannot read {shown}: {e}")))?;
    let lines = text.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<Secret> = keys.map(Secret::from).collect();
    match keys.is_empty() {
        true => Err(wrong(format!("there is no key in {shown}")).into()),
        false => Ok(keys),
    }
}

fn cannot_listen(bind: SocketAddr, error: &std::io::Error) -> Failure {
    let message = format!("cannot listen at {bind}: {error}");
    Error::new(ErrorKind::Configuration, message)
        .with_help("Give another --bind, or end what listens there.")
        .into()
}
