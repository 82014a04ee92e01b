//! Every provider of the product by name, compiled in or not.

mod table;

pub use table::KNOWN;

/// A provider of the product, whether or not this build has it.
///
/// It serves three things: an id that isn't compiled in is met with the name
/// of the feature to turn on; an id of a provider is told from the name of a
/// model that begins alike; and of several hosts of one model its maker is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownProvider {
    /// The canonical id.
    pub id: &'static str,
    /// Other ids in use.
    pub aliases: &'static [&'static str],
    /// The facade's cargo feature that compiles it in.
    pub feature: &'static str,
    /// Beginnings of the names of the models that it makes itself.
    pub makes: &'static [&'static str],
}

/// The provider for hosts that speak the common chat dialect and have no entry
/// of their own.
pub const COMPATIBLE: &str = "openai-compatible";

const fn known(
    id: &'static str,
    aliases: &'static [&'static str],
    feature: &'static str,
    makes: &'static [&'static str],
) -> KnownProvider {
    KnownProvider {
        id,
        aliases,
        feature,
        makes,
    }
}

/// The provider of the product with this id or alias.
pub fn known_provider(id: &str) -> Option<&'static KnownProvider> {
    KNOWN
        .iter()
        .find(|known| known.id == id || known.aliases.contains(&id))
}
