//! Accepts connections, and ends them in time.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::patience::{Connection, Stage};
use crate::service::Service;

/// How long to wait when there is no room for another connection.
const REST: Duration = Duration::from_millis(100);

/// Answers at a socket until `end` comes, and then has what is on its way end within
/// the time for that. Gives what is left of it: none where somebody is late, who is cut off with the
/// program.
pub(crate) async fn listen(
    listener: TcpListener,
    service: &Service,
    end: impl Future<Output = ()>,
) -> Duration {
    let front = Arc::new(service.front());
    let config = service.config();
    let mut http = http1::Builder::new();
    // Its clock runs from the answer before, so it is the one of a connection that idles; that of a
    // head is the connection's own.
    let idle = config.idle_timeout;
    http.timer(TokioTimer::new())
        .header_read_timeout(idle.map(|it| it.max(config.header_timeout.unwrap_or(it))))
        .half_close(false);
    let going = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // One that went away before it was accepted is no reason to wait.
                if error.kind() != io::ErrorKind::ConnectionAborted
                    && error.kind() != io::ErrorKind::ConnectionReset
                {
                    tokio::time::sleep(REST).await;
                }
                continue;
            }
        };
        // A delta waits for no acknowledgement of the one before. A connection that is gone already
        // fails when it is read.
        let _ = stream.set_nodelay(true);
        let stage = Stage::default();
        let stream = Connection::new(stream, config, stage.clone());
        let front = Arc::clone(&front);
        let service = service_fn(move |request| {
            let (stage, answer) = (stage.clone(), Arc::clone(&front).answer(request));
            stage.asked();
            answer.map_ok(|response| response.map(|body| stage.until_end(body)))
        });
        let answering = going.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // What broke a connection is in the account of its request.
            let _ = answering.await;
        });
    }
    drop(listener);
    let since = Instant::now();
    let ended = async {
        going.shutdown().await;
        // Some answers go on without their clients.
        if !config.on_disconnect.is_empty() {
            service.idle().await;
        }
    };
    match tokio::time::timeout(config.drain, ended).await {
        Ok(()) => config.drain.saturating_sub(since.elapsed()),
        Err(_) => Duration::ZERO,
    }
}
