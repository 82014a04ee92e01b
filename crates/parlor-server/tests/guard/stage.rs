//! A service as it is tested here, and what it counted.

#[path = "../common/registry.rs"]
mod registry;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor::Registry;
use parlor_server::{ServerConfig, Service, UsageEvent, UsageSink};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

pub(crate) use registry::{registry, registry_with};

/// How long anything may take.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// Starts a service, and gives its address.
pub(crate) async fn serve(registry: Registry, config: ServerConfig) -> (SocketAddr, Service) {
    let service = Service::new(registry, config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = service.clone();
    tokio::spawn(async move { serving.run_on(listener, std::future::pending()).await });
    (address, service)
}

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Counted(watch::Sender<Vec<UsageEvent>>);

impl UsageSink for Counted {
    fn used(&self, event: &UsageEvent) {
        self.0.send_modify(|it| it.push(event.clone()));
    }
}

impl Counted {
    /// Has a service tell it alone.
    pub(crate) fn of(config: &mut ServerConfig) -> Arc<Self> {
        let counted = Arc::new(Self::default());
        config.usage = vec![Arc::clone(&counted) as Arc<dyn UsageSink>];
        counted
    }

    /// All of it, when there is so much.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<UsageEvent> {
        let mut counted = self.0.subscribe();
        let all = timeout(BOUND, counted.wait_for(|it| it.len() >= count)).await;
        all.unwrap().unwrap().clone()
    }

    /// What became of the request of this id; nothing where it isn't told in time.
    pub(crate) async fn of_request(&self, id: &str) -> Option<UsageEvent> {
        let mut counted = self.0.subscribe();
        let mut at = 0;
        let found = async {
            loop {
                {
                    let all = counted.borrow_and_update();
                    if let Some(event) = all[at..].iter().find(|it| it.request_id == id) {
                        return event.clone();
                    }
                    at = all.len();
                }
                counted.changed().await.unwrap();
            }
        };
        timeout(BOUND / 3, found).await.ok()
    }

    /// How often a request of each id was counted.
    pub(crate) fn times(&self) -> std::collections::HashMap<String, usize> {
        let mut times = std::collections::HashMap::new();
        for event in self.0.borrow().iter() {
            *times.entry(event.request_id.clone()).or_default() += 1;
        }
        times
    }
}
