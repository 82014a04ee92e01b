//! Model servers on this machine: which answer, and with which model.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use parlor::{Error, ErrorKind, Registry};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::scrub::without_secrets;

/// How long a server on this machine may take to accept a connection.
const KNOCK: Duration = Duration::from_millis(50);

/// How long it may then take to list its models.
const LIST: Duration = Duration::from_secs(1);

/// A server that needs no key, at its usual or configured address here.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) instance: String,
    pub(crate) base_url: String,
    /// Whether something listens there.
    pub(crate) listens: bool,
}

/// The servers that may be on this machine, each knocked at. Those whose
/// provider has a crate of its own come first: the others only borrow a
/// dialect, and their ports are often other programs'.
pub(crate) async fn servers(registry: &Registry) -> Vec<Server> {
    let mut servers = Vec::new();
    let mut instances: Vec<&str> = registry.instances().collect();
    instances.sort_by_key(|instance| {
        let descriptor = registry.descriptor(instance);
        !descriptor.is_ok_and(|it| it.feature == it.id)
    });
    for instance in instances {
        let Some(base_url) = loopback_address(registry, instance) else {
            continue;
        };
        servers.push(Server {
            listens: knock(&base_url).await,
            instance: instance.to_owned(),
            base_url: without_secrets(&base_url),
        });
    }
    servers
}

/// The first server that answers, with the first model that it has for chats.
pub(crate) async fn model(registry: &Registry) -> Option<(Server, String)> {
    for server in servers(registry).await {
        if !server.listens {
            continue;
        }
        let list = timeout(LIST, registry.models_of(&server.instance)).await;
        let models = list.ok().and_then(Result::ok).unwrap_or_default();
        let mut ids = models.into_iter().map(|model| model.id);
        if let Some(id) = ids.find(|id| !id.contains("embed")) {
            return Some((server, id));
        }
    }
    None
}

/// What a server of one's own has, where it hasn't the model that was asked for. It
/// is asked for that, and not for long.
pub(crate) async fn installed(registry: &Registry, instance: &str, error: &Error) -> Vec<String> {
    let needs_key = registry.descriptor(instance).is_ok_and(|it| it.needs_key);
    if error.kind() != ErrorKind::ModelNotFound || error.status().is_none() || needs_key {
        return Vec::new();
    }
    let list = timeout(LIST, registry.models_of(instance)).await;
    let models = list.ok().and_then(Result::ok).unwrap_or_default();
    models.into_iter().map(|model| model.id).collect()
}

/// The address of an instance that needs no key, where it is on this machine.
fn loopback_address(registry: &Registry, instance: &str) -> Option<String> {
    let descriptor = registry.descriptor(instance).ok()?;
    if descriptor.needs_key {
        return None;
    }
    // Any model will do: the address is the instance's.
    let resolved = registry.resolve(&format!("{instance}/any")).ok()?;
    let base_url = resolved.config.base_url?;
    let usual = descriptor.base_url.and_then(host_and_port);
    // A bare host means the usual scheme and port.
    let bare_host = !base_url.contains("://");
    let (host, port) = host_and_port(&base_url)?;
    let port = match bare_host && !base_url.contains(':') {
        true => usual.map_or(port, |(_, port)| port),
        false => port,
    };
    let bare = host.trim_matches(['[', ']']);
    let address = bare.parse::<IpAddr>().ok();
    let is_here = bare == "localhost" || address.is_some_and(|it| it.is_loopback());
    // What listens everywhere is here too.
    let everywhere = address.is_some_and(|it| it.is_unspecified());
    let host = if everywhere { "127.0.0.1" } else { host };
    (is_here || everywhere).then(|| match bare_host || everywhere {
        true => format!("http://{host}:{port}"),
        false => base_url.clone(),
    })
}

/// Host and port of an address, which may lack its scheme.
pub(crate) fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let standard = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host, port.parse().ok()?)),
        _ => Some((authority, standard)),
    }
    .filter(|(host, _)| !host.is_empty())
}

async fn knock(url: &str) -> bool {
    let Some((host, port)) = host_and_port(url) else {
        return false;
    };
    // The names of this machine need no question to another.
    let addresses = (host.trim_matches(['[', ']']), port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = addresses.map(Iterator::collect).unwrap_or_default();
    let connect = TcpStream::connect(addresses.as_slice());
    matches!(timeout(KNOCK, connect).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let of = host_and_port;
        assert_eq!(of("http://127.0.0.1:11434/v1"), Some(("127.0.0.1", 11434)));
        assert_eq!(of("https://api.example"), Some(("api.example", 443)));
        assert_eq!(of("localhost:8080"), Some(("localhost", 8080)));
        assert_eq!(of("http://[::1]:1234/v1"), Some(("[::1]", 1234)));
        assert_eq!(of("http://[::1]"), Some(("[::1]", 80)));
        assert_eq!(of("http://user:pass@host/x"), Some(("host", 80)));
        assert_eq!(of("http:///x"), None);
        assert_eq!(of("http://host:many"), None);
    }
}
