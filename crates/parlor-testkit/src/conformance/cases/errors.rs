//! Failures, and what can't be honoured.

use std::sync::Arc;

use parlor_core::{ChatModel, ChatRequest, Error, ErrorKind, OnUnsupported, Retry, WarningKind};

use super::super::WRONG_KEY;
use crate::conformance::case::{Stop, Trial, Verdict, ensure};

/// The failure of a call and of the opening of a stream, which are of this kind.
async fn failures(
    model: &Arc<dyn ChatModel>,
    request: &ChatRequest,
    kind: ErrorKind,
) -> Verdict<[Error; 2]> {
    let (call, stream) = (model.chat(request).await, model.stream(request).await);
    let (Err(call), Err(stream)) = (call, stream) else {
        return Err(Stop::Fail(format!("it didn't fail by {kind}")));
    };
    for error in [&call, &stream] {
        let got = error.kind();
        ensure!(got == kind, "it failed by {got}, not by {kind}: {error}");
        ensure!(!error.message().is_empty(), "the error has no message");
        ensure!(!error.help().is_empty(), "the error has no help");
        ensure!(error.provider().is_some(), "the error names no provider");
        let retry = error.retry();
        ensure!(
            retry == Retry::Never,
            "the error says of trying again: {retry:?}"
        );
    }
    Ok([call, stream])
}

pub(super) async fn wrong_key(trial: &Trial<'_>) -> Verdict {
    if trial.suite.keyless {
        return Err(Stop::Skip("the provider wants no key".to_owned()));
    }
    let model = trial.build(&trial.model.info().model, true)?;
    for error in failures(&model, &"Hello".into(), ErrorKind::Authentication).await? {
        let shown = format!("{error} {error:?} {} {model:?}", error.help());
        ensure!(!shown.contains(WRONG_KEY), "the key is shown: {shown}");
    }
    Ok(())
}

pub(super) async fn unknown_model(trial: &Trial<'_>) -> Verdict {
    let model = trial.build("no-such-model-0", false)?;
    failures(&model, &"Hello".into(), ErrorKind::ModelNotFound).await?;
    Ok(())
}

pub(super) async fn too_long(trial: &Trial<'_>) -> Verdict {
    let Some(words) = trial.suite.too_long else {
        return Err(Stop::Skip("nobody said how long is too long".to_owned()));
    };
    let request = ChatRequest::from("word ".repeat(words));
    failures(&trial.model, &request, ErrorKind::ContextTooLong).await?;
    Ok(())
}

pub(super) async fn settings(trial: &Trial<'_>) -> Verdict {
    let mut request = ChatRequest::from("Reply with exactly one word: pong");
    request.temperature = Some(0.5);
    request.top_k = Some(40);
    request.frequency_penalty = Some(0.1);
    request.presence_penalty = Some(0.1);
    request.seed = Some(7);
    request.user = Some("somebody".to_owned());
    request.on_unsupported = Some(OnUnsupported::Warn);
    let response = trial.chat(&request).await?;
    let left_out: Vec<&str> = (response.warnings.iter())
        .filter(|warning| warning.kind == WarningKind::Unsupported)
        .map(|warning| warning.setting.as_str())
        .collect();
    let (streamed, _) = trial.stream(&request).await?;
    let (call, stream) = (&response.warnings, &streamed.warnings);
    ensure!(
        call == stream,
        "a call warns of {call:?}, a stream of {stream:?}"
    );
    request.on_unsupported = Some(OnUnsupported::Error);
    match trial.model.chat(&request).await {
        Ok(_) => ensure!(
            left_out.is_empty(),
            "it warned of {left_out:?} and did not fail"
        ),
        Err(error) => {
            let kind = error.kind();
            ensure!(
                kind == ErrorKind::Unsupported,
                "it failed by {kind}: {error}"
            );
            ensure!(
                !left_out.is_empty(),
                "it failed and had not warned: {error}"
            );
        }
    }
    Ok(())
}
