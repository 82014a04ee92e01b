//! Calls that are dropped, and calls at the same time.

use futures_util::future::join_all;
use parlor_core::ChatRequest;

use crate::conformance::case::{Stop, Trial, Verdict, Way, ensure, says};

const STORY: &str = "Tell a story of at least two thousand words, and take your time.";

/// The model can be used as if nothing had been.
async fn usable(trial: &Trial<'_>) -> Verdict {
    let request = ChatRequest::from("Reply with exactly one word: pong");
    for way in [Way::Whole, Way::Stream] {
        says(&trial.ask(way, &request).await?, "pong")?;
    }
    Ok(())
}

pub(super) async fn call(trial: &Trial<'_>) -> Verdict {
    let before = trial.seen();
    let request = ChatRequest::from(STORY);
    let dropped = tokio::select! {
        answer = trial.model.chat(&request) => Err(answer),
        () = trial.until_seen(before + 1) => Ok(()),
    };
    if let Err(answer) = dropped {
        answer?;
        return Err(Stop::Skip("the answer came before the drop".to_owned()));
    }
    trial.hung_up(before).await?;
    usable(trial).await
}

pub(super) async fn stream(trial: &Trial<'_>) -> Verdict {
    let before = trial.seen();
    let mut stream = trial.model.stream(&STORY.into()).await?;
    loop {
        match stream.next().await.transpose()? {
            Some(event) if event.text().is_some() => break,
            Some(_) => {}
            None => return Err(Stop::Fail("the stream has no text".to_owned())),
        }
    }
    let partial = stream.stop();
    ensure!(
        partial.interrupted,
        "what had come isn't marked as interrupted"
    );
    ensure!(!partial.text().is_empty(), "what had come is lost");
    trial.hung_up(before).await?;
    usable(trial).await
}

pub(super) async fn concurrent(trial: &Trial<'_>) -> Verdict {
    const WORDS: [&str; 4] = ["alpha", "bravo", "charlie", "delta"];
    let calls = WORDS.iter().enumerate().map(|(number, word)| {
        let request = ChatRequest::from(format!("Reply with exactly one word: {word}"));
        let way = [Way::Whole, Way::Stream][number % 2];
        async move { trial.ask(way, &request).await }
    });
    for (word, answer) in WORDS.iter().zip(join_all(calls).await) {
        let answer = answer?;
        says(&answer, word)?;
        let text = answer.text().to_lowercase();
        let strange = WORDS.iter().find(|it| *it != word && text.contains(*it));
        ensure!(
            strange.is_none(),
            "{strange:?} is in the answer {text:?} to {word:?}"
        );
    }
    Ok(())
}
