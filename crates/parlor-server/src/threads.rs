//! Threads that answer at one socket, each with a runtime of its own.

use std::future::Future;
use std::time::Duration;
use std::{io, net, thread};

use parlor_http::own_connections;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use crate::listen::listen;
use crate::service::Service;

/// The threads besides the one that runs the service. They end when it is dropped.
pub(crate) struct Threads {
    ending: watch::Sender<bool>,
    ended: Vec<oneshot::Receiver<Duration>>,
}

impl Threads {
    /// Has `count` further threads accept connections of this socket. Whoever is free takes one, and
    /// answers it to its end.
    pub(crate) fn start(
        listener: TcpListener,
        count: usize,
        service: &Service,
    ) -> io::Result<(TcpListener, Self)> {
        let (ending, told) = watch::channel(false);
        let socket = listener.into_std()?;
        let mut threads = Self {
            ending,
            ended: Vec::with_capacity(count),
        };
        for number in 1..=count {
            let (ended, has_ended) = oneshot::channel();
            let one = Thread {
                runtime: Builder::new_current_thread().enable_all().build()?,
                socket: socket.try_clone()?,
                service: service.clone(),
                told: told.clone(),
                ended,
            };
            let named = thread::Builder::new().name(format!("parlor-serve-{number}"));
            named.spawn(move || one.answer())?;
            threads.ended.push(has_ended);
        }
        Ok((TcpListener::from_std(socket)?, threads))
    }

    /// Tells the threads when `end` comes.
    pub(crate) async fn tell(&self, end: impl Future<Output = ()>) {
        end.await;
        self.ending.send_replace(true);
    }

    /// Waits until all have answered what they began, and gives the least time that one had left
    /// for that; none for one that broke.
    pub(crate) async fn left(&mut self) -> Duration {
        let mut least = Duration::MAX;
        for ended in self.ended.drain(..) {
            least = least.min(ended.await.unwrap_or_default());
        }
        least
    }
}

/// What a thread begins with.
struct Thread {
    runtime: Runtime,
    socket: net::TcpListener,
    service: Service,
    told: watch::Receiver<bool>,
    ended: oneshot::Sender<Duration>,
}

impl Thread {
    fn answer(self) {
        own_connections();
        let Self {
            runtime,
            socket,
            service,
            mut told,
            ended,
        } = self;
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(socket) else {
                return;
            };
            let mut over = told.clone();
            let end = async move {
                let _ = told.wait_for(|it| *it).await;
            };
            let left = listen(listener, &service, end).await;
            let _ = ended.send(left);
            // A turn that began here goes on without its reader, until all of them are closed.
            while over.changed().await.is_ok() {}
        });
    }
}
