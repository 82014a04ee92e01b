//! Xiaomi MiMo: thinking is switched by type.

use parlor_dialect::openai_chat::{Documents, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("xiaomi", "Xiaomi MiMo")
        .makes(&["mimo-"])
        .feature("compatible")
        .base_url("https://api.xiaomimimo.com/v1")
        .key_env(&["XIAOMI_API_KEY", "MIMO_API_KEY"])
        .docs_url("https://platform.xiaomimimo.com/docs")
        .key_url("https://platform.xiaomimimo.com"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.thinking = Thinking::Type;
    quirks.documents = Documents::None;
    quirks
}
