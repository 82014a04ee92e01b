//! Have a task thought through in steps, and see how the model got there:
//! `cargo run -p examples --example think -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::agent::ThinkExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let task = "A farmer has 17 sheep. All but 9 run away. How many are left?";
    let steps = [
        "Say what is asked, in your own words.",
        "Look for a word that is easily misread.",
        "Count.",
    ];
    // A model that reasons by itself is asked to; `echo` and others write their
    // reasoning down before the solution.
    let thought = model.think(task, steps).await?;
    println!("reasoning: {}", thought.reasoning);
    println!("solution: {}", thought.solution);
    Ok(())
}
