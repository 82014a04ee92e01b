//! What a server may ask of its client: next to nothing.

use rmcp::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{NotificationContext, RoleClient};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Notes that a list has changed. It claims no abilities; rmcp refuses requests
/// for sampling and declines questions to the person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handler {
    changed: Arc<AtomicBool>,
}

impl Handler {
    /// Says that the tools that are known may no longer be those that there are.
    pub(crate) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Whether the tools have changed since this was asked last.
    pub(crate) fn take_change(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let client = Implementation::new("parlor", env!("CARGO_PKG_VERSION"));
        // The newest version that begins with a handshake.
        ClientConfig::new(ClientCapabilities::default(), client)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.note_change();
    }
}
