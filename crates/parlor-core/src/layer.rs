//! Decorators of a model.

use crate::model::ChatModel;
use std::fmt;
use std::sync::Arc;

/// Wraps a model in another that adds something: a retry, a cache, a trace.
///
/// # Behavior
/// - The wrapped model's [`info`](ChatModel::info) is the inner one's, but for
///   what the layer changes on purpose.
/// - A layer keeps the grammar of events and drops the inner stream when its
///   own is dropped.
pub trait Layer {
    /// Wraps `inner`.
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel>;
}

/// A layer from a function.
pub fn layer_fn<F>(wrap: F) -> impl Layer + fmt::Debug
where
    F: Fn(Arc<dyn ChatModel>) -> Arc<dyn ChatModel>,
{
    LayerFn(wrap)
}

struct LayerFn<F>(F);

impl<F> fmt::Debug for LayerFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LayerFn")
    }
}

impl<F: Fn(Arc<dyn ChatModel>) -> Arc<dyn ChatModel>> Layer for LayerFn<F> {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        self.0(inner)
    }
}
