//! The fault server: routes, the other host, the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::cases::errors::ELSEWHERE;
use super::scene::{Scene, Wire};
use super::table::{FAULTS, Fault};
use crate::http::{Host, Pace, Reply, SeenRequest};

/// A server on the loopback interface that misbehaves on demand; dropping it ends it.
///
/// Case and dialect are told by the path: a client gets [`url`](Self::url) as its base URL and
/// appends what its dialect appends ([`Wire::path`]). One server serves any number of clients
/// and cases at once. It runs on the runtime in which it was started.
#[derive(Debug)]
pub struct FaultServer {
    host: Host,
    elsewhere: Host,
}

impl FaultServer {
    /// Starts at the default [`Pace`] on a free port.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(Pace::default()).await
    }

    /// Starts at a pace of the caller's.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn start_at(pace: Pace) -> io::Result<Self> {
        let plain = |seen: &SeenRequest| match route(seen) {
            Ok((_, scene)) => scene.send(&Answer::hello()).script(seen).into(),
            Err(problem) => problem.script(seen).into(),
        };
        let elsewhere = Host::start(pace, Arc::new(plain)).await?;
        // By another name as well as on another port: it is another host by any measure.
        let origin = format!("http://localhost:{}", elsewhere.address().port());
        let faulty = move |seen: &SeenRequest| {
            let mut reply = match route(seen) {
                Ok((fault, scene)) => match (fault.build)(scene) {
                    Ok(case) => case.reply,
                    Err(reason) => problem(501, reason),
                },
                Err(problem) => problem,
            };
            for (_, value) in reply
                .headers
                .iter_mut()
                .filter(|(_, value)| value == ELSEWHERE)
            {
                *value = format!("{origin}{}", seen.path);
            }
            reply.script(seen).into()
        };
        let host = Host::start(pace, Arc::new(faulty)).await?;
        Ok(Self { host, elsewhere })
    }

    /// The base URL for a case, without a slash at its end.
    ///
    /// # Panics
    /// Where no case has that name.
    pub fn url(&self, case: &str) -> String {
        assert!(Fault::named(case).is_some(), "no fault is named {case:?}");
        format!("http://{}/fault/{case}", self.host.address())
    }

    /// The requests to all cases so far, in the order they came in.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.host.requests()
    }

    /// The requests to one case so far.
    pub fn requests_of(&self, case: &str) -> Vec<SeenRequest> {
        self.requests()
            .into_iter()
            .filter(|it| case_of(&it.path) == Some(case))
            .collect()
    }

    /// The requests that followed a redirect to the other host.
    pub fn elsewhere(&self) -> Vec<SeenRequest> {
        self.elsewhere.requests()
    }

    /// Waits until the requests satisfy `check`; `false` when `bound` passes first.
    pub async fn wait_until(
        &self,
        bound: Duration,
        check: impl Fn(&[SeenRequest]) -> bool,
    ) -> bool {
        self.host.wait_until(bound, check).await
    }

    /// Waits until the client hung up on a case; `false` when `bound` passes first.
    pub async fn wait_for_drop(&self, case: &str, bound: Duration) -> bool {
        let gone = |it: &SeenRequest| it.dropped && case_of(&it.path) == Some(case);
        self.wait_until(bound, |seen| seen.iter().any(gone)).await
    }
}

/// The case's name in a path.
fn case_of(path: &str) -> Option<&str> {
    path.strip_prefix("/fault/")?.split(['/', '?']).next()
}

fn route(seen: &SeenRequest) -> Result<(&'static Fault, Scene), Reply> {
    let known = case_of(&seen.path).and_then(Fault::named);
    let Some(fault) = known else {
        let names: Vec<_> = FAULTS.iter().map(|it| it.name).collect();
        return Err(problem(
            404,
            &format!("no such case; there are: {}", names.join(", ")),
        ));
    };
    let Some((wire, mode)) = Wire::of(&seen.path, seen.json().as_ref()) else {
        return Err(problem(404, "no dialect has this path"));
    };
    Ok((fault, Scene { wire, mode }))
}

/// An answer to a mistake of the test's.
fn problem(status: u16, message: &str) -> Reply {
    let body = json!({"error": {"message": message, "type": "test"}});
    Reply::new(
        status,
        "application/json",
        vec![body.to_string().into_bytes()],
    )
}
