//! Ask a model one question: `cargo run -p examples --example hello -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::ChatModelExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let answer = model.ask("Why is the sky blue?").await?;
    println!("{}", answer.text());
    if let Some(usage) = answer.usage {
        println!("({} tokens)", usage.total_tokens().unwrap_or_default());
    }
    Ok(())
}
