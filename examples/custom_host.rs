//! A host that speaks OpenAI's chat dialect, by its address alone:
//! `cargo run -p examples --example custom_host -- mine/MODEL http://127.0.0.1:8080/v1`.
//!
//! The same lines may stand in the configuration file, with `api_key_env` for a
//! host that wants a key.

#![allow(clippy::print_stdout)]

use parlor::{ChatModelExt, Config, PROVIDERS, Registry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    examples::demo(&["mine/scripted", "{openai-chat}"]);
    let address = std::env::args().nth(2);
    let address = address.as_deref().unwrap_or("http://127.0.0.1:8080/v1");
    let config = Config::from_toml(&format!("[providers.mine]\nbase_url = \"{address}\"\n"))?;
    let registry = Registry::global(PROVIDERS)?.with_config(config)?;
    let model = registry.model(&examples::model_id())?;
    println!("{} at {address}", model.info().id());
    println!("{}", model.ask("Say hello.").await?.text());
    Ok(())
}
