//! Pictures and documents.

use parlor_core::{ChatRequest, Media, Message};

use crate::conformance::case::{Trial, Verdict, says};
use crate::conformance::media::{PASSWORD_DOCUMENT, RED_SQUARE};

pub(super) async fn image(trial: &Trial<'_>) -> Verdict {
    let prompt = Message::user("Which colour do you see? Answer with one word.");
    let picture = Media::bytes("image/png", RED_SQUARE);
    let request = ChatRequest::from(prompt.with(picture));
    says(&trial.chat(&trial.strictly(request)).await?, "red")
}

pub(super) async fn document(trial: &Trial<'_>) -> Verdict {
    let prompt = Message::user("Read the document. What is the password?");
    let mut document = Media::bytes("application/pdf", PASSWORD_DOCUMENT);
    document.name = Some("password.pdf".to_owned());
    let request = ChatRequest::from(prompt.with(document));
    says(&trial.chat(&trial.strictly(request)).await?, "swordfish")
}
