//! One conversation with several models in turn, each seeing what the others said:
//! `cargo run -p examples --example several_providers -- [MODEL]...`.

#![allow(clippy::print_stdout)]

use parlor::agent::Conversation;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let of_demo = [
        "openai-chat/scripted",
        "anthropic/scripted",
        "gemini/scripted",
    ];
    let ids = examples::model_ids(&["echo", "embedded/echo"], &of_demo);
    let Some(first) = ids.first() else {
        return Ok(());
    };
    let mut chat = Conversation::shared(parlor::model(first)?)
        .with_system("Several of you talk to one person. Add what the others left out.");
    let mut question = "What makes a good bridge?";
    for id in &ids {
        // What was said goes along: calls of tools get ids that suit, and thoughts
        // that another provider signed stay behind.
        chat.set_model(parlor::model(id)?);
        let reply = chat.send(question).await?;
        println!("{id}: {}", reply.text());
        question = "And what did the others forget?";
    }
    for turn in chat.history().turns() {
        let model = turn.model.as_deref().unwrap_or("nobody");
        println!("{model} answered with {} characters", turn.text().len());
    }
    Ok(())
}
