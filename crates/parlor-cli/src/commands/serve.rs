//! `parlor serve`: the models over HTTP, in five dialects, and a page.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use parlor::{Error, ErrorKind, Registry, Secret};
use parlor_server::{ServerConfig, Service, StoreAt};

use crate::args::ServeArgs;
use crate::failure::Failure;
use crate::{files, interrupt, keeper, setup, terminal};

/// Serves until it is told to end.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    if args.openapi {
        let document = format!("{:#}\n", parlor_server::openapi());
        return Ok(terminal::say(&document)?);
    }
    let registry = setup::registry(args.common.config.as_deref())?;
    let registry = setup::with_models(registry, args.models.as_deref())?;
    let mut config = ServerConfig::default();
    config.bind = args.bind;
    config.insecure = args.insecure;
    // What was said in the terminal can be gone on with on the page, and the other way.
    if let Some(file) = keeper::place()? {
        config.store = StoreAt::File(file);
    }
    config.keys = match &args.keys {
        Some(file) => keys(file)?,
        None => Vec::new(),
    };
    if let Some(problem) = registry.check().into_iter().next() {
        return Err(problem.into());
    }
    let posture = posture(&registry, &config);
    let service = Service::new(registry, config)?;
    if args.check {
        return Ok(terminal::say("The configuration is right.\n")?);
    }
    let interrupted = interrupt::listen().map_err(setup::cannot_wait)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(setup::cannot_wait)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.bind).await;
        let listener = listener.map_err(|error| cannot_listen(args, &error))?;
        if !args.common.quiet {
            let address = listener.local_addr().unwrap_or(args.bind);
            terminal::complain(&format!("Serving at http://{address}\n{posture}"));
        }
        let ended = async {
            // The sender is gone when nothing can interrupt any more.
            let _ = interrupted.await;
            terminal::complain(
                "\nEnding when the answers on their way are done; Ctrl-C ends at once.\n",
            );
        };
        let served = service.run_on(listener, ended).await;
        served.map_err(|error| cannot_listen(args, &error))
    })
}

/// Who may ask, and who answers, in a few lines.
fn posture(registry: &Registry, config: &ServerConfig) -> String {
    let (ready, without): (Vec<&str>, Vec<&str>) =
        registry.instances().partition(|it| registry.is_ready(it));
    let asked_by = match (config.keys.len(), config.bind.ip().is_loopback()) {
        (0, true) => "everybody on this machine".to_owned(),
        (0, false) => "EVERYBODY who reaches it, without a key".to_owned(),
        (1, _) => "whoever shows the key".to_owned(),
        (count, _) => format!("whoever shows one of {count} keys"),
    };
    format!(
        "  asked by   {asked_by}\n  ready      {}\n  no key     {}\n",
        ready.join(", "),
        without.join(", "),
    )
}

fn keys(file: &Path) -> Result<Vec<Secret>, Failure> {
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

fn cannot_listen(args: &ServeArgs, error: &std::io::Error) -> Failure {
    let message = format!("cannot listen at {}: {error}", args.bind);
    Error::new(ErrorKind::Configuration, message)
        .with_help("Give another --bind, or end what listens there.")
        .into()
}
