//! A service: its models, its routes, and its life.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use lru::LruCache;
use parlor::layers::ConfiguredLayers;
use parlor::{
    ChatModel, ChatResponse, Error, ErrorKind, ModelInfo, Registry, Resolved, Result, Secret,
};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};

use crate::access::Access;
use crate::account::{Account, LONGEST};
use crate::body::Bounds;
use crate::chat::{Shelf, Turns};
use crate::config::ServerConfig;
use crate::front::Front;
use crate::responses::ResponseStore;
use crate::routes::Routes;
use crate::speak::{CLIENTS, Speak};
use crate::threads::Threads;
use crate::tools::Tools;
use crate::{chat, count, gateway, layered, list, listen, local, openapi, ops, page, responses};

/// How long what is not yet written down may take at the end.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// The most models that are kept with their layers, none of a name that is too long: names may come
/// from strangers.
const MODELS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// Chat models over HTTP. Clones are the same service.
#[derive(Clone)]
pub struct Service {
    site: Arc<Site>,
}

/// What every request needs.
pub(crate) struct Site {
    live: ArcSwap<Live>,
    pub(crate) config: ServerConfig,
    pub(crate) access: Access,
    pub(crate) account: Arc<Account>,
    pub(crate) responses: Arc<dyn ResponseStore>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) tools: Arc<Tools>,
    pub(crate) bodies: Bounds,
    room: Arc<Semaphore>,
}

/// What changes when a configuration is read again.
pub(crate) struct Live {
    pub(crate) registry: Registry,
    pub(crate) layers: ConfiguredLayers,
    /// Those asked last, within their layers, by the names that clients call them by.
    models: Mutex<LruCache<String, Arc<dyn ChatModel>>>,
    /// Those to be given a key, by instance or route: each is waited for by one thread.
    keyed: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

impl Live {
    fn new(registry: Registry, config: &ServerConfig) -> Result<Self> {
        let stores = |instance: Option<&str>| layered::stores(config, instance);
        let layers = ConfiguredLayers::within(registry.config(), stores)?;
        let mut layers = layers.with_most_wait(config.max_wait);
        if let Some(fetch) = &config.fetch_media {
            layers = layers.with_fetch(fetch.clone());
        }
        Ok(Self {
            registry,
            layers,
            models: Mutex::new(LruCache::new(MODELS)),
            keyed: Mutex::default(),
        })
    }

    /// The model of a name, within its layers, if it was asked not long ago.
    fn known(&self, id: &str) -> Option<Arc<dyn ChatModel>> {
        let models = self.models.lock();
        let mut models = models.unwrap_or_else(PoisonError::into_inner);
        models.get(id).cloned()
    }

    /// The same of any name. What gives a key may take its time, so that goes on a thread of
    /// its own, whoever leaves in the meantime.
    async fn model(self: Arc<Self>, id: &str) -> Result<Arc<dyn ChatModel>> {
        let turn = match self.registry.awaits_key(id) {
            Some(place) => self.turn_for_key(place).lock_owned().await,
            None => return self.build(id),
        };
        let id = id.to_owned();
        let building = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            self.build(&id)
        });
        building.await.unwrap_or_else(|_| {
            let message = "a model could not be built";
            Err(Error::new(ErrorKind::Unexpected, message))
        })
    }

    /// Looks for the key of a model on a thread of its own where that may take its time. What
    /// comes of it is told when the key is needed.
    pub(crate) async fn look_for_key(&self, resolved: &Resolved) {
        let config = &resolved.config;
        if config.keys.may_take_long(self.registry.env()) {
            let turn = self.turn_for_key(config.instance.clone());
            let (turn, config) = (turn.lock_owned().await, config.clone());
            let looking = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                config.key()
            });
            let _ = looking.await;
        }
    }

    fn turn_for_key(&self, place: String) -> Arc<AsyncMutex<()>> {
        let keyed = self.keyed.lock();
        let mut keyed = keyed.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keyed.entry(place).or_default())
    }

    fn build(&self, id: &str) -> Result<Arc<dyn ChatModel>> {
        // Another may have had it built while this one waited.
        if let Some(model) = self.known(id) {
            return Ok(model);
        }
        let model = self.layers.model(&self.registry, id)?;
        if id.len() <= LONGEST {
            let models = self.models.lock();
            let mut models = models.unwrap_or_else(PoisonError::into_inner);
            models.put(id.to_owned(), Arc::clone(&model));
        }
        Ok(model)
    }
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
        let live = Live::new(registry, &config)?;
        let account = Account::new(&config);
        let shelf = Arc::new(Shelf::new(config.store.clone()));
        let site = Site {
            access: Access::new(&config, account.keyring.clone()),
            account: Arc::new(account),
            responses: responses::store(&config, &shelf),
            shelf,
            turns: Turns::new(config.relay.clone()),
            tools: Arc::new(Tools::new(&config)),
            room: Arc::new(Semaphore::new(config.max_in_flight)),
            bodies: Bounds::new(&config),
            live: ArcSwap::from_pointee(live),
            config,
        };
        Ok(Self {
            site: Arc::new(site),
        })
    }

    /// Takes the models, routes and layers of another registry, and other keys, in place of what it
    /// has. Requests on their way end with what they began with. Everything else stays as it is:
    /// the address, the stores, and the bounds of requests.
    ///
    /// # Errors
    /// What is wrong with the registry's configuration; then nothing changes.
    pub fn reload(&self, registry: Registry, keys: &[Secret]) -> Result<()> {
        registry.checked()?;
        let live = Live::new(registry, &self.site.config)?;
        self.site.live.store(Arc::new(live));
        self.site.access.replace(keys);
        Ok(())
    }

    /// How many requests are on their way.
    pub fn in_flight(&self) -> usize {
        self.site.in_flight()
    }

    /// Its routes, for a program that has a server of its own.
    pub fn router(&self) -> Router {
        let around = |State(site): State<Arc<Site>>, request: Request, next: Next| async move {
            ops::around(&site, request, |it| next.run(it)).await
        };
        let around = middleware::from_fn_with_state(Arc::clone(&self.site), around);
        self.bare_router().layer(around)
    }

    /// The same with nothing around the routes.
    fn bare_router(&self) -> Router {
        let routes = routes().router().fallback(gateway::nothing);
        let routes = routes.method_not_allowed_fallback(gateway::otherwise);
        routes.with_state(Arc::clone(&self.site))
    }

    /// What answers the requests of its own connections.
    pub(crate) fn front(&self) -> Front {
        Front::new(Arc::clone(&self.site), self.bare_router())
    }

    /// The paths at which it answers, with `{name}` for what varies.
    pub fn paths(&self) -> Vec<String> {
        routes().paths()
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
    /// Where the threads that are configured can't be had.
    pub async fn run_on(
        &self,
        listener: TcpListener,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let further = self.site.config.threads.get() - 1;
        let site = Arc::clone(&self.site);
        let end = async move {
            end.await;
            // They have no end of their own.
            site.account.tail.close();
        };
        let (listener, mut threads) = Threads::start(listener, further, self)?;
        let own = listen::listen(listener, self, threads.tell(end)).await;
        let left = own.min(threads.left().await);
        // Turns go on without readers.
        self.site.turns.close(tokio::time::sleep(left)).await;
        // What can't be kept now is lost, and the end doesn't wait for it.
        let kept = self.site.responses.flushed();
        let _ = tokio::time::timeout(LAST_WRITES, kept).await;
        Ok(())
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.site.config
    }

    /// Waits until no request is on its way.
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(self.site.config.max_in_flight).unwrap_or(u32::MAX);
        // It is never closed.
        let _ = self.site.room.acquire_many(all).await;
    }
}

/// Everything that is answered.
fn routes() -> Routes {
    let routes = Routes::new().route("/livez", get(|| async { "ok\n" }));
    let mut routes = responses::routes(local::routes(routes));
    let mut lists = Vec::new();
    for clients in CLIENTS {
        for (path, dialect) in clients.asks {
            let dialect: Arc<dyn Speak> = dialect().into();
            let ask = move |site, request| gateway::ask(Arc::clone(&dialect), site, request);
            routes = routes.route(path, post(ask));
        }
        for ((path, dialect), count) in clients.counts {
            let dialect: Arc<dyn Speak> = dialect().into();
            let tokens = move |State(site), request| {
                count::tokens(count, Arc::clone(&dialect), site, request)
            };
            routes = routes.route(path, post(tokens));
        }
        if !lists.contains(&clients.models) {
            lists.push(clients.models);
            routes = routes.route(clients.models, get(list::models));
            if let Some(one) = clients.model {
                routes = routes.route(one, get(list::model));
            }
        }
    }
    let routes = chat::routes(chat::routes(routes, chat::ROUTES), ops::ROUTES);
    ops::routes(page::routes(openapi::routes(routes)))
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

    /// The models as they are configured now.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// How many requests are on their way.
    pub(crate) fn in_flight(&self) -> usize {
        let free = self.room.available_permits();
        self.config.max_in_flight.saturating_sub(free)
    }

    /// The model of a route that gave this answer; nothing for what is no route, or where its
    /// models don't tell.
    pub(crate) fn answered_by(&self, id: &str, response: &ChatResponse) -> Option<ModelInfo> {
        let live = self.live.load();
        let registry = &live.registry;
        let (_, route) = registry.route(id)?;
        let infos = route.models.iter().filter_map(|target| {
            let resolved = registry.resolve(&target.model).ok()?;
            Some(resolved.config.model_info(&resolved.model))
        });
        let of_provider: Vec<ModelInfo> = infos
            .filter(|it| it.provider == response.provider)
            .collect();
        let said = response.model.as_deref().unwrap_or_default();
        // Providers add a date to the name of a model, or not.
        let named = of_provider.iter().filter(|it| said.starts_with(&*it.model));
        let named = named.max_by_key(|it| it.model.len()).cloned();
        named.or_else(|| match of_provider.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        })
    }

    /// The model of a name, within its layers.
    pub(crate) async fn model(&self, id: &str) -> Result<Arc<dyn ChatModel>> {
        let known = self.live.load().known(id);
        match known {
            Some(model) => Ok(model),
            None => self.live().model(id).await,
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("config", &self.site.config)
            .finish_non_exhaustive()
    }
}
