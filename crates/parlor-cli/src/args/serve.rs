//! What can be asked of the service.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::Common;

pub(super) const EXAMPLES: &str = "\
The page is at the address that is printed; clients take it, or it with /v1, as their base URL:
  parlor serve
  parlor serve --check

Paths: /v1/chat/completions, /v1/responses, /v1/messages, /v1beta/models/…, /api/chat. A model is
named as everywhere: provider/model, or a name or route of the configuration. Ctrl-C ends it when
the answers on their way are done.";

/// Where to serve, and whom.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8484")]
    pub(crate) bind: SocketAddr,
    /// File with the keys that clients may show, one on a line; only its owner may read it
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// File with names of models above the configuration's: a JSON mapping, or TOML with [models]
    #[arg(long, value_name = "FILE")]
    pub(crate) models: Option<PathBuf>,
    /// Let everybody ask who reaches an address beyond this machine
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Only check what is configured
    #[arg(long)]
    pub(crate) check: bool,
    /// Only print the document of the chat service's API, in OpenAPI
    #[arg(long)]
    pub(crate) openapi: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}
