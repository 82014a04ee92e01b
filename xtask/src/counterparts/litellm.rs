//! LiteLLM's proxy: its package, and how it begins. `benches/load`, which is of another workspace,
//! has this file too.

use std::path::Path;
use std::process::Command;

pub(crate) const VERSION: &str = "1.106.2";

/// As pip is asked for it.
pub(crate) fn package() -> String {
    format!("litellm[proxy]=={VERSION}")
}

/// Has it listen at this port of the loopback interface, with this configuration, and ask nothing of
/// the outside.
pub(crate) fn listen(proxy: &mut Command, port: u16, config: &Path) {
    proxy
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .arg("--config")
        .arg(config)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
}
