//! The model that a conversation was held with, which goes on with it.

use parlor::agent::Kept;
use parlor::{COMPATIBLE, Registry};

/// What answers before anything is set up, and nobody's choice once something is.
const FIRST: &str = "embedded";

/// The model that was asked last, by its id.
pub(crate) fn held(kept: &Kept) -> Option<&str> {
    let mut turns = kept.history.turns().iter().rev();
    turns.find_map(|turn| turn.model.as_deref())
}

/// Whether a conversation goes on with this model where none is named: it can be asked, and
/// is none of those that would be asked anyway, of which a route has several.
pub(super) fn goes_on(registry: &Registry, id: &str) -> bool {
    let Ok(resolved) = registry.resolve(id) else {
        return false;
    };
    let provider = resolved.provider.descriptor().id;
    // Its address was on the command line.
    let is_lost = provider == COMPATIBLE && resolved.config.base_url.is_none();
    let is_ready = registry.is_ready(&resolved.config.instance);
    provider != FIRST && !is_lost && is_ready && !is_asked_anyway(registry, &resolved.id())
}

/// Whether a conversation was held with a model of this provider, which goes on with it
/// wherever its address is now.
pub(super) fn is_of(registry: &Registry, id: &str, provider: &str) -> bool {
    let resolved = registry.resolve(id);
    resolved.is_ok_and(|it| it.provider.descriptor().id == provider)
}

fn is_asked_anyway(registry: &Registry, id: &str) -> bool {
    let choice = registry.default_model(None);
    let is_it = |name: &str| registry.resolve(name).is_ok_and(|it| it.id() == id);
    match registry.route(&choice.id) {
        Some((_, route)) => route.models.iter().any(|target| is_it(&target.model)),
        None => is_it(&choice.id),
    }
}
