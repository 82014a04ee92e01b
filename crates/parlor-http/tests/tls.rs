//! A certificate that isn't trusted is told as what it is, and not tried again.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use parlor_core::{ChatModel, ChatModelExt, ErrorKind, ModelInfo, Retry};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_http::{Endpoint, HttpModel};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

/// Signed by itself, for 127.0.0.1, until the year 2126; its key guards nothing.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBnTCCAUOgAwIBAgIUdA6lFFpGXvTeYWCD1/cjCzY79WcwCgYIKoZIzj0EAwIw\n\
    HDEaMBgGA1UEAwwRYSBob3N0IG9mIGl0cyBvd24wIBcNMjYxMTIxMTIxNzEwWhgP\n\
    MjEyNjEwMjgxMjE3MTBaMBwxGjAYBgNVBAMMEWEgaG9zdCBvZiBpdHMgb3duMFkw\n\
    EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAET5kur6fCfnKb8X3WKFXFgSvcV6iTap9p\n\
    mfzMPoeN/MpEDcL12aYhsTlr9Y2GmXynUn+t1Df6aUTJYxkbqQJ2YaNhMF8wHQYD\n\
    VR0OBBYEFKwhfRWo40tcyfGPchuj/juvccWwMB8GA1UdIwQYMBaAFKwhfRWo40tc\n\
    yfGPchuj/juvccWwMA8GA1UdEQQIMAaHBH8AAAEwDAYDVR0TAQH/BAIwADAKBggq\n\
    hkjOPQQDAgNIADBFAiEA6uYVKpr5ALq3eLA6+zgC5n36anrEkEftLzWrhSVFNNgC\n\
    IA/ugpb5lr+ruLeaX47Ty8RXdnLlfNedCdPDzkDjvQYh\n\
    -----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXX2Hw2uwof1QwGse\n\
    FFFcsndqwYMehdbXa/PWwpu2MW2hRANCAARPmS6vp8J+cpvxfdYoVcWBK9xXqJNq\n\
    n2mZ/Mw+h438ykQNwvXZpiGxOWv1jYaZfKdSf63UN/ppRMljGRupAnZh\n\
    -----END PRIVATE KEY-----";

const ANSWER: &str = r#"{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;

fn answer() -> String {
    let length = ANSWER.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{ANSWER}")
}

/// Answers every connection, and tells of each that was tried.
fn server() -> (String, Receiver<()>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = sender.send(());
            let mut tls = ServerConnection::new(config.clone()).unwrap();
            let mut stream = Stream::new(&mut tls, &mut socket);
            if stream.read(&mut [0; 8192]).is_ok() {
                let _ = stream.write_all(answer().as_bytes());
            }
        }
    });
    (url, seen)
}

fn model(endpoint: Endpoint) -> impl ChatModel {
    let info = ModelInfo::new("test", "m-1");
    HttpModel::new(OpenAiChat::default(), endpoint, info)
}

#[tokio::test]
async fn an_unknown_issuer_is_named_and_not_tried_again() {
    let (url, seen) = server();
    let error = model(Endpoint::new(&url).unwrap()).ask("Hi").await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.retry(), Retry::Never);
    assert!(error.message().contains("certificate"), "{error}");
    assert!(error.message().contains("nobody"), "{error}");
    for option in ["verify_tls = false", "with_unverified_tls", "SSL_CERT_FILE"] {
        assert!(error.help().contains(option), "{}", error.help());
    }
    assert_eq!(seen.try_iter().count(), 1);
}

/// Names what asks [`ask_without_trust`].
const PLAIN: &str = "PARLOR_TEST_PLAIN";

#[tokio::test]
#[ignore = "run by the test below, in an environment that trusts nobody"]
async fn ask_without_trust() {
    let Ok(plain) = std::env::var(PLAIN) else {
        return;
    };
    let answer = model(Endpoint::new(&plain).unwrap()).ask("Hi").await;
    assert_eq!(answer.unwrap().text(), "Hello");
    let (url, seen) = server();
    let error = model(Endpoint::new(&url).unwrap()).ask("Hi").await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.help().contains("SSL_CERT_FILE"), "{}", error.help());
    assert_eq!(seen.try_iter().count(), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_host_without_tls_needs_nobody_to_be_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            if socket.read(&mut [0; 8192]).is_ok() {
                let _ = socket.write_all(answer().as_bytes());
            }
        }
    });
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["--exact", "ask_without_trust", "--ignored"])
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/dev/null")
        .env(PLAIN, format!("http://{address}"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn the_option_takes_a_certificate_of_ones_own() {
    let (url, _seen) = server();
    let endpoint = Endpoint::new(&url).unwrap().with_unverified_tls();
    assert_eq!(model(endpoint).ask("Hi").await.unwrap().text(), "Hello");
}
