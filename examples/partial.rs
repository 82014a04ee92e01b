//! See a value grow while the model still writes it:
//! `cargo run -p examples --example partial -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::agent::schemars::{self, JsonSchema};
use parlor::agent::{ExtractExt, Partial};
use serde::Deserialize;

/// A plan for a day out. `echo` answers by the examples.
#[derive(Debug, Deserialize, JsonSchema)]
struct Plan {
    #[schemars(example = &"the lighthouse")]
    goal: String,
    /// What to do, one after the other.
    #[schemars(example = ["take the boat", "climb the stairs"])]
    steps: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    // A plan is seen as soon as it has all that it must have.
    let mut plans = model.stream_partial::<Plan>("Plan a day at the sea.");
    while let Some(plan) = plans.next().await {
        match plan? {
            Partial::Growing(plan) => println!("so far: {:?}", plan.steps),
            Partial::Whole(plan) => println!("{}: {:?}", plan.value.goal, plan.value.steps),
            _ => {}
        }
    }
    Ok(())
}
