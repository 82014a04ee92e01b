//! The page alone, for models that are given: nothing is configured and nothing is kept.

use std::net::Ipv4Addr;
use std::time::Duration;

use parlor::Registry;
use parlor_server::{ServerConfig, Service};
use tokio::net::TcpListener;

use super::log::Log;
use super::{browser, cannot_listen, signals};
use crate::args::LogForm;
use crate::failure::Failure;
use crate::setup;

/// How long an answer may go on when the page is to end.
const DRAIN: Duration = Duration::from_secs(1);

/// Serves the page at a free port of this machine, opens it in the browser, and ends when it is
/// told to. Conversations are in memory.
pub(in crate::commands) async fn page(
    registry: Registry,
    about: &str,
    quiet: bool,
) -> Result<(), Failure> {
    let log = Log {
        form: LogForm::Text,
        quiet,
    };
    let mut config = ServerConfig::default();
    config.bind = (Ipv4Addr::LOCALHOST, 0).into();
    config.drain = DRAIN;
    let bind = config.bind;
    let service = Service::new(registry, config)?;
    let told = signals::end().map_err(setup::cannot_wait)?;
    let cannot = |error| cannot_listen(bind, &error);
    let listener = TcpListener::bind(bind).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    log.say(&format!(
        "{about}\n\n  http://{address}/\n\nCtrl-C ends it."
    ));
    browser::open(address, log);
    service.run_on(listener, told).await.map_err(cannot)?;
    log.say(&format!("\n{about}"));
    Ok(())
}
