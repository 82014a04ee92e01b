//! Addresses: what is sent to them, what is said of them, and what of them is never shown.

use crate::common::server::{Answer, Server};
use crate::common::{Home, closed_port};

#[test]
fn what_opens_an_address_is_sent_and_never_shown() {
    let home = Home::new();
    let refused = || {
        let body = r#"{"error":{"message":"no: /v1?key=queryquery123&p=passw0rdpassw0rd"}}"#;
        Answer(401, "", body.to_owned())
    };
    let server = Server::start(vec![refused()]);
    let host = server.url.trim_start_matches("http://");
    let url = format!("http://me:passw0rdpassw0rd@{host}/v1?key=queryquery123");
    let ran = home.run(&["-m", "m", "--base-url", &url, "Hi"]);
    ran.failed(4, "auth").says(&["key=…y123&p=…w0rd"]);
    let head = server.request().head;
    assert!(head.contains("key=queryquery123"), "{head}");
    let basic = "authorization: basic bwu6cgfzc3cwcmrwyxnzdzbyza==";
    assert!(head.to_lowercase().contains(basic), "{head}");

    let listed = Answer(200, "", r#"{"data":[]}"#.to_owned());
    let server = Server::start(vec![listed]);
    let host = server.url.trim_start_matches("http://");
    let url = format!("http://me:passw0rd@{host}/v1?key=query");
    let ran = home.run(&["--base-url", &url, "Hi"]);
    ran.failed(5, "model-not-found")
        .says(&[&format!("{}/v1 lists no model", server.url)]);
    assert!(!ran.stderr.contains("passw0rd"), "{ran:?}");
    assert!(!ran.stderr.contains("query"), "{ran:?}");
}

#[test]
fn a_configured_key_that_is_not_there_is_missed() {
    let home = Home::new();
    let url = closed_port();
    home.config(&format!(
        "[providers.mine]\nbase_url = \"{url}\"\napi_key_env = \"MINE_KEY\"\n"
    ));
    let ran = home.run(&["-m", "mine/m", "Hi"]);
    ran.failed(4, "no-key").says(&[
        "mine needs an API key",
        "looked in: MINE_KEY, key_command, ",
        "parlor keys set mine",
    ]);
    let ran = home.run(&["providers"]);
    assert!(ran.stdout.contains("no key (set MINE_KEY)"), "{ran:?}");
}

#[test]
fn a_certificate_that_is_not_verified_is_told() {
    let home = Home::new();
    let url = closed_port();
    let config = format!("[providers.mine]\nbase_url = \"{url}\"\nverify_tls = false\n");
    home.config(&(config + "[layers.retry]\nbase_delay = \"1ms\"\n"));
    let ran = home.run(&["-m", "mine/m", "Hi"]);
    assert_eq!(ran.code, Some(6), "{ran:?}");
    ran.says(&["warning: certificates of mine are not verified"]);
}

#[test]
fn an_address_without_the_path_is_named() {
    let home = Home::new();
    let server = Server::start(vec![Answer(404, "", "<html>Not here</html>".to_owned())]);
    let url = format!("{}/v9", server.url);
    let ran = home.run(&["-m", "m", "--base-url", &url, "Hi"]);
    ran.failed(3, "config")
        .says(&[&format!("nothing is at {url}"), "Check the base URL"]);
    let unknown = r#"{"error":{"message":"Invalid URL (POST /v9/chat/completions)","type":"invalid_request_error","param":null,"code":null}}"#;
    let server = Server::start(vec![Answer(404, "", unknown.to_owned())]);
    let url = format!("{}/v9", server.url);
    let ran = home.run(&["-m", "m", "--base-url", &url, "Hi"]);
    ran.failed(3, "config").says(&[
        &format!("nothing is at {url}"),
        "Invalid URL (POST /v9/chat/completions)",
        "Check the base URL",
    ]);
}

#[test]
fn a_conversation_goes_on_with_its_model_at_an_address() {
    let home = Home::new();
    let answer = || {
        let body = r#"{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;
        Answer(200, "", body.to_owned())
    };
    let server = Server::start(vec![answer(), answer()]);
    let base = ["--no-stream", "--base-url", &server.url];
    let ask = |more: &[&str]| {
        let ran = home.run(&[&base[..], more].concat());
        assert_eq!(ran.stdout, "Hello\n", "{ran:?}");
        server.request()
    };
    ask(&["-m", "house/small", "Hi"]);
    let seen = ask(&["-c", "More"]);
    assert!(seen.head.starts_with("POST /chat/completions"), "{seen:?}");
    assert!(seen.body.contains(r#""model":"house/small""#), "{seen:?}");
    // Another provider's is none that this host has.
    home.run(&["-m", "echo", "Hi"]);
    let listed = Answer(200, "", r#"{"data":[{"id":"first"}]}"#.to_owned());
    let server = Server::start(vec![listed, answer()]);
    let ran = home.run(&["--no-stream", "--base-url", &server.url, "-c", "More"]);
    assert_eq!(ran.stdout, "Hello\n", "{ran:?}");
    server.request();
    assert!(server.request().body.contains(r#""model":"first""#));
}

#[test]
fn a_bare_host_is_an_address_where_its_provider_takes_one() {
    let home = Home::new();
    let said = "{\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    let server = Server::start(vec![Answer(200, "", said.to_owned())]);
    let host = server.url.trim_start_matches("http://");
    let ran = home.run(&["-m", "ollama/m", "--base-url", host, "Hi"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Hello\n"),
        "{ran:?}"
    );
    let ran = home.run(&["-m", "openai/m", "--base-url", host, "Hi"]);
    ran.failed(2, "usage")
        .says(&[&format!("write http://{host}")]);
}
