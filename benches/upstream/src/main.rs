//! A loopback server of pre-rendered answers, cheaper than any client: `upstream [PORT]`.
//!
//! It speaks just enough HTTP/1.1 to be asked by one: a request's path chooses
//! the dialect, and the model named in it what is answered:
//!
//! | model | answer |
//! |---|---|
//! | `stream-N` | N text deltas, sixteen to a write |
//! | `single-N` | N text deltas, one to a write |
//! | `paced-N` | N text deltas, ten milliseconds between them |
//! | `varied-N` | N text deltas, sixteen to a write, each with its fields in another order than the one before |
//! | `slow` | a delta a second, for ever |
//! | `huge-N` | one delta of N bytes, written 1 KiB at a time |
//! | `whole-N` | an answer of N bytes, not streamed |
//!
//! It prints its address, then for each line it reads a line of what it has
//! done so far: requests, and nanoseconds since 1970 of the last one's arrival.

mod render;

use render::{Dialect, Plan};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

static REQUESTS: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);

type Rendered = Arc<Mutex<HashMap<(Dialect, Plan), Arc<[Vec<u8>]>>>>;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(|| {
        for _ in std::io::stdin().lock().lines() {
            let (requests, last) = (&REQUESTS, &LAST);
            let load = |it: &AtomicU64| it.load(Ordering::Relaxed);
            println!("{} {}", load(requests), load(last));
        }
        // Whoever started it is gone.
        std::process::exit(0);
    });
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let rendered = Rendered::default();
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            tokio::spawn(serve(socket, rendered.clone()));
        }
    })
}

/// Answers one connection until it is closed.
async fn serve(mut socket: TcpStream, rendered: Rendered) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(request) = read(&mut socket, &mut buffer).await? else {
            return Ok(());
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.map_or(0, |now| now.as_nanos() as u64);
        LAST.store(nanos, Ordering::Relaxed);
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        let Some((dialect, plan)) = request else {
            let refused = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
            socket.write_all(refused.as_bytes()).await?;
            continue;
        };
        let writes = {
            let mut rendered = rendered.lock().expect("no writer panics");
            let writes = rendered.entry((dialect, plan));
            writes
                .or_insert_with(|| dialect.render(plan).into())
                .clone()
        };
        match plan {
            Plan::Slow => {
                let [head, delta, ..] = &*writes else {
                    return Ok(());
                };
                socket.write_all(head).await?;
                loop {
                    socket.write_all(delta).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Plan::Paced(_) => {
                for write in &*writes {
                    socket.write_all(write).await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            _ => {
                for write in &*writes {
                    socket.write_all(write).await?;
                }
            }
        }
    }
}

/// Reads one request, and what it asks for; `None` at the end of the connection.
#[allow(clippy::type_complexity)]
async fn read(
    socket: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<Option<(Dialect, Plan)>>> {
    let head_ends = loop {
        if let Some(at) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_ends]).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").and_then(|length| length.parse::<usize>().ok());
    let chunked = header("transfer-encoding").is_some();
    if header("expect").is_some() {
        socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let ends = loop {
        let body = &buffer[head_ends..];
        let whole = match (length, chunked) {
            (Some(length), _) => (body.len() >= length).then_some(length),
            (None, true) => body
                .windows(5)
                .position(|bytes| bytes == b"0\r\n\r\n")
                .map(|at| at + 5),
            (None, false) => Some(0),
        };
        if let Some(length) = whole {
            break head_ends + length;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let asked = Dialect::of(path).and_then(|dialect| {
        // A model is named in the path, or near one end of the body.
        let body = &buffer[head_ends..ends];
        let near = 4096.min(body.len());
        let (first, last) = (&body[..near], &body[body.len() - near..]);
        let plan = [path.as_bytes(), first, last];
        Some((dialect, plan.into_iter().find_map(Plan::find)?))
    });
    buffer.drain(..ends);
    // A large request's memory is given back.
    buffer.shrink_to(64 * 1024);
    Ok(Some(asked))
}
