//! An agent by its settings, from code, environment and file:
//! `cargo run -p examples --example configured -- [MODEL] [FILE.toml]`.

#![allow(clippy::print_stdout)]

use parlor::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    // The same question is asked once, a call that fails five times, and input is
    // trimmed and bounded before it is sent.
    let code = Settings::default()
        .in_mode("precise")
        .with_layer("cache", true)
        .with_max_retries(4)
        .with_layer(
            "validate",
            [("trim", true.into()), ("max_chars", 200.into())],
        );
    // What was said first wins: code, then PARLOR_TEMPERATURE and the like, then a file.
    let mut settings = code.or(Settings::from_env()?);
    if let Some(path) = std::env::args().nth(2) {
        settings = settings.or(Settings::load(path)?);
    }
    settings = settings.or(Settings::new(examples::model_id()));
    settings.init_logging()?;

    let agent = settings.agent()?;
    println!("temperature: {:?}", agent.request().temperature);
    for question in ["Why is the sky blue?", "  Why is the sky blue?\n"] {
        let reply = agent.session().send(question).await?;
        let kept = match reply.response.metadata.reused {
            Some(_) => " (kept)",
            None => "",
        };
        println!("{}{kept}", reply.text());
    }
    if let Err(error) = agent.conversation().send("why? ".repeat(100)).await {
        println!("{error}");
    }
    let total = agent.statistics().stats().total;
    let tokens = total.usage.total_tokens().unwrap_or_default();
    println!("{} requests, {tokens} tokens", total.requests);
    Ok(())
}
