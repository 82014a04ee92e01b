//! What is fetched from addresses that others name, and above all what isn't.
#![cfg(feature = "fetch")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use async_trait::async_trait;
use parlor_core::{Error, ErrorKind, Media, MediaFetcher, MediaKind, MediaSource};
use parlor_http::{Fetcher, Lookup, is_public};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// Answers names from a table, in place of the system.
#[derive(Debug, Clone)]
struct Names(&'static [(&'static str, &'static [&'static str])]);

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let row = self.0.iter().find(|(name, _)| *name == host);
        let (_, addresses) = row.ok_or(io::ErrorKind::NotFound)?;
        Ok(addresses.iter().map(|it| it.parse().unwrap()).collect())
    }
}

/// A server that gives every connection to a function, and the requests' heads.
fn server(answer: fn(&mut TcpStream, &str) -> io::Result<()>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind((LOCAL, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heads) = channel();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|it| it > 0)
                {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let _ = answer(&mut socket, &head);
                let _ = sender.send(head);
            });
        }
    });
    (address, heads)
}

fn send(socket: &mut TcpStream, head: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(
        socket,
        "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    socket.write_all(body)
}

/// Sends a picture, or redirects to the address in the path behind `/to/`.
fn pictures(socket: &mut TcpStream, head: &str) -> io::Result<()> {
    let path = head.split(' ').nth(1).unwrap_or_default();
    match path.split_once("/to/") {
        Some((_, target)) => send(socket, &format!("302 Found\r\nlocation: {target}"), b""),
        None => send(
            socket,
            "200 OK\r\ncontent-type: text/html; v=1; Charset=\"KOI8-R\"",
            PNG,
        ),
    }
}

/// A fetcher that may connect to this machine alone, at any port.
fn local() -> Fetcher {
    let names = Names(&[("files.example", &["127.0.0.1"])]);
    let fetcher = Fetcher::with_lookup(names);
    fetcher.with_allowed([LOCAL]).with_any_port()
}

/// A fetcher with nothing allowed.
fn strict() -> Fetcher {
    let names = Names(&[
        ("localhost", &["127.0.0.1"]),
        ("metadata.example", &["169.254.169.254"]),
        ("inside.example", &["10.1.2.3"]),
        ("both.example", &["93.184.216.34", "192.168.0.1"]),
        ("six.example", &["fd00::1"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
    ]);
    Fetcher::with_lookup(names)
}

async fn refused(fetcher: &Fetcher, url: &str) -> Error {
    let error = fetcher.fetch(url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Media, "{url}: {error}");
    assert!(!error.help().is_empty(), "{url}");
    error
}

#[test]
fn public_is_what_everybody_reaches() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
        "2002:0808:0808::1",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:c0a8:1::",
        "2606:4700::5efe:10.0.0.1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

#[tokio::test]
async fn addresses_within_are_not_asked() {
    let fetcher = strict();
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.0.0.1./",
        "http://0/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://metadata.example/",
        "http://inside.example/",
        "https://inside.example/",
        "http://both.example/",
        "http://six.example/",
        "http://mapped.example/",
    ] {
        let error = refused(&fetcher, url).await;
        assert!(
            error.message().ends_with("is at no public address"),
            "{url}: {error}"
        );
    }
}

#[tokio::test]
async fn only_plain_web_addresses_are_asked() {
    let fetcher = strict();
    for (url, said) in [
        ("file:///etc/passwd", "`file:` isn't fetched"),
        ("ftp://a.example/b", "`ftp:` isn't fetched"),
        ("gopher://a.example/", "`gopher:` isn't fetched"),
        ("data:text/plain,hi", "`data:` isn't fetched"),
        ("gs://bucket/cat.png", "`gs:` isn't fetched"),
        ("//a.example/b", "is no address"),
        ("cat.png", "is no address"),
        ("http://", "is no address"),
        (
            "http://me:secret@a.example/",
            "comes with a user or a password",
        ),
        (
            "http://127.0.0.1@a.example/",
            "comes with a user or a password",
        ),
        ("http://a.example:22/", "is at port 22"),
        ("https://a.example:6379/", "is at port 6379"),
        ("http://a.example:0/", "is at port 0"),
        (
            "http://nowhere.example/a?key=secret",
            "there is no connection to",
        ),
    ] {
        let error = refused(&fetcher, url).await;
        assert!(error.message().contains(said), "{url}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    let long = format!("https://a.example/{}", "a".repeat(9_000));
    assert!(
        refused(&fetcher, &long)
            .await
            .message()
            .contains("too long")
    );
}

#[tokio::test]
async fn what_came_is_told_by_its_bytes() {
    let (address, heads) = server(pictures);
    let url = format!(
        "http://files.example:{}/cat.html?size=1#top",
        address.port()
    );
    let media = Media::url(MediaKind::Image, &url);
    let fetched = media.fetched(&local()).await.unwrap();
    assert_eq!(fetched.source, MediaSource::Bytes(PNG.into()));
    assert_eq!(fetched.media_type.as_deref(), Some("image/png"));
    let said = local().fetch(&url).await.unwrap();
    assert_eq!(said.media_type.as_deref(), Some("text/html"));
    assert_eq!(said.charset.as_deref(), Some("KOI8-R"));
    let head = heads.recv().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get /cat.html?size=1 http/1.1"), "{head}");
    for never in ["authorization", "cookie", "referer"] {
        assert!(!head.contains(never), "{head}");
    }
    let media = Media::url(MediaKind::Video, &url);
    let error = media.fetched(&local()).await.unwrap_err();
    assert!(
        error
            .message()
            .ends_with("is image/png and not what it is sent as"),
        "{error}"
    );
}

#[tokio::test]
async fn redirects_are_checked_one_by_one() {
    let (address, heads) = server(pictures);
    let base = format!("http://{address}");
    let fetcher = local();
    let found = fetcher
        .fetch(&format!("{base}/to/{base}/cat.png"))
        .await
        .unwrap();
    assert_eq!(found.bytes, PNG);
    assert!(
        heads
            .try_iter()
            .all(|head| !head.to_ascii_lowercase().contains("referer"))
    );
    for (target, said) in [
        ("http://10.0.0.1/", "is at no public address"),
        ("http://169.254.169.254/latest", "is at no public address"),
        ("http://[::1]/", "is at no public address"),
        ("http://2852039166/", "is at no public address"),
        ("//192.168.0.1/x", "is at no public address"),
        ("file:///etc/passwd", "`file:` isn't fetched"),
        ("http://me:secret@files.example/", "comes with a user"),
    ] {
        let error = refused(&fetcher, &format!("{base}/to/{target}")).await;
        assert!(error.message().contains(said), "{target}: {error}");
    }
    let error = refused(
        &fetcher.clone().with_max_redirects(0),
        &format!("{base}/to/x"),
    )
    .await;
    assert!(error.message().contains("more than 0 redirects"), "{error}");
    // To itself, for ever.
    let error = refused(&fetcher, &format!("{base}/to/cat.png")).await;
    assert!(error.message().contains("more than 5 redirects"), "{error}");
}

#[tokio::test]
async fn bytes_are_bounded() {
    let fetcher = local().with_max_bytes(1_000);
    let (told, _) =
        server(|socket, _| write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n"));
    let error = refused(&fetcher, &format!("http://{told}/")).await;
    assert!(error.message().contains("more than 1000 bytes"), "{error}");
    let (endless, _) = server(|socket, _| {
        write!(socket, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        loop {
            socket.write_all(&[b'x'; 512])?;
        }
    });
    let error = refused(&fetcher, &format!("http://{endless}/")).await;
    assert!(error.message().contains("more than 1000 bytes"), "{error}");
    let (bomb, _) =
        server(|socket, _| send(socket, "200 OK\r\ncontent-encoding: gzip", b"\x1f\x8b"));
    let error = refused(&fetcher, &format!("http://{bomb}/")).await;
    assert!(error.message().contains("comes compressed"), "{error}");
    let (empty, _) = server(|socket, _| send(socket, "200 OK", b""));
    assert!(
        refused(&fetcher, &format!("http://{empty}/"))
            .await
            .message()
            .ends_with("is empty")
    );
    let (cut, _) =
        server(|socket, _| write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"));
    assert!(
        refused(&fetcher, &format!("http://{cut}/"))
            .await
            .message()
            .contains("broke off")
    );
    let (gone, _) = server(|socket, _| send(socket, "404 Not Found", b"no"));
    let error = refused(&fetcher, &format!("http://{gone}/a?key=secret")).await;
    assert_eq!(error.status(), Some(404));
    assert!(error.message().ends_with("/a answers 404"), "{error}");
}

#[tokio::test]
async fn time_is_bounded() {
    let fetcher = local().with_max_time(Duration::from_millis(300));
    // A byte now and then keeps the line busy until the other side hangs up.
    let (drip, _) = server(|socket, _| {
        write!(socket, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        loop {
            socket.write_all(b"x")?;
            let _ = socket.read(&mut [0]);
        }
    });
    let error = refused(&fetcher, &format!("http://{drip}/")).await;
    assert!(error.message().contains("took more than 300ms"), "{error}");
    let (silent, _) = server(|socket, _| socket.read(&mut [0]).map(drop));
    let error = refused(&fetcher, &format!("http://{silent}/")).await;
    assert!(error.message().contains("took more than 300ms"), "{error}");
}
