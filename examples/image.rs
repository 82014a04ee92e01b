//! Show a picture to a model:
//! `cargo run -p examples --example image -- [MODEL] [FILE.png]`.

#![allow(clippy::print_stdout)]

use parlor::{ChatModelExt, Error, ErrorKind, Media, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let picture = match std::env::args().nth(2) {
        Some(path) => std::fs::read(&path).map_err(|error| {
            Error::new(ErrorKind::Media, format!("cannot read {path}: {error}"))
        })?,
        None => examples::RED.to_vec(),
    };
    let message =
        Message::user("What is in this picture?").with(Media::bytes("image/png", picture));
    println!("{}", model.ask(message).await?.text());
    Ok(())
}
