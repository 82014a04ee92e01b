//! Fill a prompt that stands in a file of its own:
//! `cargo run -p examples --example template -- [MODEL] [LANGUAGE] [TEXT]`.

#![allow(clippy::print_stdout)]

use parlor::ChatModelExt;
use parlor::agent::Template;
use std::collections::BTreeMap;

/// What a file would hold; `Template::from_file` reads one.
const PROMPT: &str = r#"
[variables]
text = { type = "text", description = "What to translate." }
language = { type = "text", default = "German" }

[[messages]]
role = "system"
text = "Translate what the user says into {{ language }}. Say nothing else."

[[messages]]
examples = [{ user = "Good morning", assistant = "Guten Morgen" }]

[[messages]]
placeholder = "history"

[[messages]]
role = "user"
text = "{{ text | trim }}"
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let template = Template::from_toml(PROMPT)?;
    let mut values = BTreeMap::from([("text", "Where is the station?".to_owned())]);
    values.extend(std::env::args().nth(2).map(|it| ("language", it)));
    values.extend(std::env::args().nth(3).map(|it| ("text", it)));
    let messages = template.format(&values)?;
    for message in &messages {
        println!("{}: {}", message.role.as_str(), message.text());
    }
    println!("-> {}", model.ask(messages).await?.text());

    // What is wrong is told before anything is sent.
    if let Err(error) = template.format(BTreeMap::from([("txt", "Hello")])) {
        println!("{error}");
    }
    Ok(())
}
