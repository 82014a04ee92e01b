//! Where to find, for what a model can't do, one that can.

use crate::capability::Capability;
use std::fmt;
use std::sync::Arc;

type Find = dyn Fn(Capability) -> Option<String> + Send + Sync;

/// Finds, for what a model can't do, another of the same provider that can.
///
/// Whoever knows a provider's models puts it into
/// [`ModelInfo::alternatives`](crate::ModelInfo::alternatives); it is asked only
/// when a request wants a capability that the model lacks, and the answer goes
/// into the error's help or the warning. The default knows no other model.
///
/// ```
/// use parlor_core::{Alternatives, Capability};
///
/// let others = Alternatives::new(|capability| {
///     (capability == Capability::ImageInput).then(|| "acme/sees-1".to_owned())
/// });
/// assert_eq!(others.nearest(Capability::ImageInput).as_deref(), Some("acme/sees-1"));
/// assert_eq!(Alternatives::default().nearest(Capability::ImageInput), None);
/// ```
#[derive(Clone, Default)]
pub struct Alternatives(Option<Arc<Find>>);

impl Alternatives {
    /// Asks this function for the id, `provider/model`, of the nearest model
    /// with a capability.
    pub fn new(find: impl Fn(Capability) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(find)))
    }

    /// The id, `provider/model`, of the nearest model that has a capability;
    /// `None` where none is known.
    pub fn nearest(&self, capability: Capability) -> Option<String> {
        self.0.as_ref()?(capability)
    }
}

/// Where to look is no fact about a model: all are equal.
impl PartialEq for Alternatives {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Alternatives(known)",
            None => "Alternatives(unknown)",
        })
    }
}
