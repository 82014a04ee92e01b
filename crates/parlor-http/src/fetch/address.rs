//! Which addresses of the network are for everybody, and a resolver that gives no others.

use super::Lookup;
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Whether an address is one that anybody on the Internet can reach, by the
/// registries of special-purpose addresses at IANA (RFC 6890 and its
/// successors).
///
/// Not private, loopback, link-local, unspecified, shared, multicast,
/// broadcast, reserved, of documentation or benchmarks; and none of those
/// within an IPv6 address, as mapped, translated (NAT64) or tunnelled (6to4).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let pair = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Mapped, and translated by the well-known prefix.
        [0, 0, 0, 0, 0, 0xffff, high, low] => pair(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => pair(high, low),
        // 6to4.
        [0x2002, high, low, ..] => pair(high, low),
        // Protocol assignments, Teredo among them; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // An IPv4 address of whatever sort as an interface (ISATAP).
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] if !pair(high, low) => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Lets through what is public or allowed. As a resolver it gives the
/// addresses that are connected to, so what it checked is what is used.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    lookup: Arc<dyn Lookup>,
    allowed: Arc<[IpAddr]>,
}

impl Guard {
    pub(super) fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self {
            lookup,
            allowed: Arc::default(),
        }
    }

    pub(super) fn system() -> Self {
        Self::new(Arc::new(System))
    }

    /// The same that lets these addresses through too.
    pub(super) fn allowing(&self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let all = self.allowed.iter().copied().chain(addresses);
        Self {
            lookup: self.lookup.clone(),
            allowed: all.collect(),
        }
    }

    pub(super) fn lets(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.contains(&address)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = guard.lookup.lookup(name.as_str()).await?;
            // One that isn't public makes the name suspect as a whole.
            if !found.iter().all(|it| guard.lets(*it)) {
                return Err(Box::new(Forbidden) as Box<dyn StdError + Send + Sync>);
            }
            let addresses = found.into_iter().map(|it| SocketAddr::new(it, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// A name that leads to where nobody may go.
#[derive(Debug)]
pub(super) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to no public address")
    }
}

impl StdError for Forbidden {}

/// Looks names up as the system does.
#[derive(Debug)]
struct System;

#[async_trait]
impl Lookup for System {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|it| it.ip()).collect())
    }
}
