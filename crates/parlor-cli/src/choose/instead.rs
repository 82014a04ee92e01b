//! What could be asked where a call failed.

use parlor::{ChatRequest, Error, ErrorKind, Registry, estimate};

use super::Chosen;
use crate::commands::larger;
use crate::local;

/// What could be asked where a call failed.
#[derive(Debug, Default)]
pub(crate) struct Instead {
    /// What a server of one's own has.
    pub(crate) installed: Vec<String>,
    /// A model that holds more, with how many tokens.
    pub(crate) larger: Option<(String, u64)>,
}

impl Chosen {
    /// What could be asked instead, after this failure.
    pub(crate) async fn instead(
        &self,
        registry: &Registry,
        error: &Error,
        request: &ChatRequest,
    ) -> Instead {
        let asked = self.target(error.provider(), error.model());
        let tokens = || estimate::input_tokens(request);
        Instead {
            installed: match self.at_address {
                true => Vec::new(),
                false => local::installed(registry, &asked.config.instance, error).await,
            },
            larger: (error.kind() == ErrorKind::ContextTooLong)
                .then(|| larger(registry, asked, tokens()))
                .flatten(),
        }
    }
}
