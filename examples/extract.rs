//! Read a recipe out of a text as a value of a type:
//! `cargo run -p examples --example extract -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::agent::ExtractExt;
use parlor::agent::schemars::{self, JsonSchema};
use serde::Deserialize;

// The comments go to the model with the schema; `echo` answers by the examples.

/// A recipe.
#[derive(Debug, Deserialize, JsonSchema)]
struct Recipe {
    #[schemars(example = &"pancakes")]
    dish: String,
    /// How many people it feeds, where that is known.
    serves: Option<u32>,
    effort: Effort,
    /// What is needed, with amounts.
    #[schemars(example = ["200 g flour", "2 eggs"])]
    ingredients: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Effort {
    Easy,
    Hard,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let text = "Read the recipe: for pancakes, whisk 2 eggs into 200 g flour. Anyone can.";

    let recipe: Recipe = model.extract(text).await?;
    println!(
        "{} for {:?}, {:?}",
        recipe.dish, recipe.serves, recipe.effort
    );
    println!("{}", recipe.ingredients.join(", "));
    Ok(())
}
