//! The floor of gateways: hyper in, hyper out, and nothing in between: `pass UPSTREAM`.
//!
//! Heads and bodies pass as they come, over kept connections on both sides. It prints its address.

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::io::Write;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let upstream = std::env::args().nth(1).unwrap_or_default();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), upstream.clone());
        let answer = service_fn(move |mut request: Request<Incoming>| {
            let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
            let to: Result<Uri, _> = format!("{upstream}{path}").parse();
            request.headers_mut().remove(header::HOST);
            let client = client.clone();
            async move {
                *request.uri_mut() = to.map_err(std::io::Error::other)?;
                let answer = client.request(request).await;
                answer.map_err(std::io::Error::other)
            }
        });
        let http = hyper::server::conn::http1::Builder::new();
        let answering = http.serve_connection(TokioIo::new(socket), answer);
        tokio::spawn(async move {
            // A connection that breaks is its client's affair.
            let _ = answering.await;
        });
    }
}
