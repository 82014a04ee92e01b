//! What lies between a client and a service, and keeps the bytes that the client was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A listener in front of a service, which ends with its connections when it is dropped: thousands
/// of them are had in one test.
pub(crate) struct Tee {
    pub(crate) address: SocketAddr,
    came: Arc<Mutex<Vec<u8>>>,
    _listens: JoinSet<()>,
}

/// An answer as it came.
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end, as HTTP has it.
    pub(crate) is_whole: bool,
}

impl Tee {
    pub(crate) async fn before(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = Arc::clone(&came);
        let mut listens = JoinSet::new();
        listens.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                passing.spawn(pass(client, service, Arc::clone(&kept)));
            }
        });
        Self {
            address,
            came,
            _listens: listens,
        }
    }

    /// The last answer; nothing where none came.
    pub(crate) fn last(&self) -> Option<Came> {
        parsed(&std::mem::take(&mut *self.came.lock().unwrap()))
    }
}

async fn pass(client: TcpStream, service: SocketAddr, came: Arc<Mutex<Vec<u8>>>) {
    let Ok(service) = TcpStream::connect(service).await else {
        return;
    };
    let _ = (client.set_nodelay(true), service.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = service.into_split();
    let down = async {
        let mut piece = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_service.read(&mut piece).await {
            came.lock().unwrap().extend_from_slice(&piece[..count]);
            if to_client.write_all(&piece[..count]).await.is_err() {
                return;
            }
        }
    };
    // Whoever ends first ends both.
    tokio::select! {
        _ = copy(&mut from_client, &mut to_service) => {}
        () = down => {}
    }
}

/// The last answer in these bytes.
pub(crate) fn parsed(mut bytes: &[u8]) -> Option<Came> {
    let mut last = None;
    while let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let rest = &bytes[end + 4..];
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|it| it.split("\r\n").next()?.parse::<usize>().ok());
        let (body, used, is_whole) = match length {
            _ if head.contains("transfer-encoding: chunked") => joined(rest),
            Some(length) => {
                let there = length.min(rest.len());
                (rest[..there].to_vec(), there, there == length)
            }
            None => (rest.to_vec(), rest.len(), true),
        };
        last = Some(Came {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body,
            is_whole,
        });
        bytes = &rest[used..];
    }
    last
}

/// Chunks put together, how many bytes they took, and whether the last one came.
fn joined(bytes: &[u8]) -> (Vec<u8>, usize, bool) {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = &bytes[at..];
        let Some(end) = rest.windows(2).position(|it| it == b"\r\n") else {
            return (body, bytes.len(), false);
        };
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(piece) = rest.get(end + 2..end + 2 + size) else {
            return (body, bytes.len(), false);
        };
        body.extend_from_slice(piece);
        at += end + 4 + size;
        if size == 0 {
            return (body, at, true);
        }
    }
}

/// Posts a body, and reads the answer to its end.
pub(crate) async fn post(to: SocketAddr, path: &str, headers: &str, body: &Value) -> Came {
    let body = body.to_string();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    exchange(to, request.as_bytes()).await.unwrap()
}

/// Sends bytes, and gives the last answer to them; nothing where none came.
pub(crate) async fn exchange(to: SocketAddr, request: &[u8]) -> Option<Came> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut answer = Vec::new();
    let (mut from, mut into) = stream.split();
    // A service that refuses may close before it has read all of it.
    let (_, _) = tokio::join!(into.write_all(request), from.read_to_end(&mut answer));
    parsed(&answer)
}
