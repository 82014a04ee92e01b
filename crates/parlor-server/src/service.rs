//! A service: its models, its routes, and its life.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Router, middleware};
use parlor::layers::ConfiguredLayers;
use parlor::{ChatModel, Error, ErrorKind, Registry, Result};
use tokio::net::TcpListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::access::Access;
use crate::account::Account;
use crate::chat::{Shelf, Turns};
use crate::config::ServerConfig;
use crate::responses::{InMemory, ResponseStore};
use crate::speak::CLIENTS;
use crate::{chat, count, gateway, list, local, openapi, ops, page, responses};

/// Chat models over HTTP.
pub struct Service {
    site: Arc<Site>,
}

/// What every request needs.
pub(crate) struct Site {
    pub(crate) registry: Registry,
    pub(crate) config: ServerConfig,
    pub(crate) access: Access,
    pub(crate) account: Arc<Account>,
    pub(crate) responses: Arc<dyn ResponseStore>,
    pub(crate) shelf: Shelf,
    pub(crate) turns: Arc<Turns>,
    room: Arc<Semaphore>,
    layers: ConfiguredLayers,
}

impl Service {
    /// A service over the models of this registry, each within the layers that its configuration
    /// names.
    ///
    /// # Errors
    /// `Configuration` for layers that are wrong, and for what
    /// [`check`](ServerConfig::check) finds.
    pub fn new(registry: Registry, config: ServerConfig) -> Result<Self> {
        config.check()?;
        let layers = ConfiguredLayers::new(registry.config())?;
        let account = Account::new(&config);
        let site = Site {
            access: Access::new(&config, account.keyring.clone()),
            account: Arc::new(account),
            responses: Arc::new(InMemory::default()),
            shelf: Shelf::new(config.store.clone()),
            turns: Turns::new(config.relay.clone()),
            room: Arc::new(Semaphore::new(config.max_in_flight)),
            registry,
            config,
            layers,
        };
        Ok(Self {
            site: Arc::new(site),
        })
    }

    /// Its routes, for a program that has a server of its own.
    pub fn router(&self) -> Router {
        let router = Router::new().route("/livez", get(|| async { "ok\n" }));
        let mut router = responses::routes(local::routes(router));
        let mut lists = Vec::new();
        for clients in CLIENTS {
            for (path, dialect) in clients.asks {
                let ask = move |site, request| gateway::ask(dialect(), site, request);
                router = router.route(path, post(ask));
            }
            for (path, count) in clients.counts {
                let tokens = move |site, request| count::tokens(count, site, request);
                router = router.route(path, post(tokens));
            }
            if !lists.contains(&clients.models) {
                lists.push(clients.models);
                router = router.route(clients.models, get(list::models));
                if let Some(one) = clients.model {
                    router = router.route(one, get(list::model));
                }
            }
        }
        let router = openapi::routes(chat::routes(router));
        ops::routes(page::routes(router))
            .fallback(gateway::nothing)
            .layer(middleware::from_fn(ops::named))
            .with_state(Arc::clone(&self.site))
    }

    /// Listens where the configuration says, and answers until `end` comes; then what is on its
    /// way has the time to finish that the configuration gives it.
    ///
    /// # Errors
    /// Where the address can't be listened at.
    pub async fn run(&self, end: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let listener = TcpListener::bind(self.site.config.bind).await?;
        self.run_on(listener, end).await
    }

    /// The same on a socket that listens already.
    ///
    /// # Errors
    /// Where the socket fails.
    pub async fn run_on(
        &self,
        listener: TcpListener,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        // A delta waits for no acknowledgement of the one before.
        let listener = listener.tap_io(|stream| {
            // A connection that is gone already fails when it is read.
            let _ = stream.set_nodelay(true);
        });
        let ending = Arc::new(Notify::new());
        let told = Arc::clone(&ending);
        let end = async move {
            end.await;
            told.notify_one();
        };
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(end);
        let late = async {
            ending.notified().await;
            tokio::time::sleep(self.site.config.drain).await;
        };
        let mut late = std::pin::pin!(late);
        let served = tokio::select! {
            served = serving => served,
            () = &mut late => {
                self.site.turns.close(std::future::ready(())).await;
                return Ok(());
            }
        };
        // Turns go on without readers.
        self.site.turns.close(late).await;
        served
    }
}

impl Site {
    /// A place among the requests on their way, kept until the answer has ended.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room);
        room.try_acquire_owned().map_err(|_| {
            let message = "as many requests as this service bears are on their way";
            Error::new(ErrorKind::Overloaded, message).with_status(503)
        })
    }

    /// How many requests are on their way.
    pub(crate) fn in_flight(&self) -> usize {
        let free = self.room.available_permits();
        self.config.max_in_flight.saturating_sub(free)
    }

    /// The model of a name, within its layers.
    pub(crate) fn model(&self, id: &str) -> Result<Arc<dyn ChatModel>> {
        self.layers.model(&self.registry, id)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("config", &self.site.config)
            .finish_non_exhaustive()
    }
}
