//! Show a model a picture and a film at once:
//! `cargo run -p examples --example multimodal -- [MODEL] [PICTURE] [FILM]`.
//!
//! Either is a file or an address. What it is follows from its bytes, the picture is made to fit what
//! the provider takes, and what the provider doesn't fetch is fetched here.

#![allow(clippy::print_stdout)]

use parlor::agent::{Attachment, Attachments};
use parlor::{ChatModelExt, Fetcher, MediaKind, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    examples::demo(&["gemini/scripted"]);
    let model = parlor::model(&examples::model_id())?;
    let takes = model.info().media;
    if let Some(formats) = takes.video.formats {
        println!("(videos in {formats})");
    }

    let mut named = std::env::args().skip(2);
    let picture = match named.next() {
        Some(what) => Attachment::of(&what),
        None => Attachment::bytes(examples::RED).with_name("red.png"),
    };
    let film = match named.next() {
        Some(what) => Attachment::of(&what).with_kind(MediaKind::Video),
        None => Attachment::url("https://example.org/film.mp4"),
    };
    // The layer `fetch_media` would do it at the call; here it is seen.
    let film = match takes.video.fetched {
        Some(false) => film.fetched(&Fetcher::new()).await?,
        _ => film,
    };

    let message = Attachments::new()
        .with(picture.with_max_side(1_568))
        .with(film)
        .fitted()
        .attach(Message::user("What have they in common?"), &takes)?;
    println!("{}", model.ask(message).await?.text());
    Ok(())
}
