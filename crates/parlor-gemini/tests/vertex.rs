//! Where models are in a Google Cloud project, and how tokens are had for them.

#![cfg(feature = "vertex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use parlor_core::*;
use parlor_gemini::vertex;
use parlor_gemini::{GeminiOptions, PROVIDERS, SafetySetting, count_tokens};
use parlor_http::Auth;
use parlor_http::gcp::Credentials;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{ApiAnswer, ApiServer, SeenRequest};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

const MODEL: &str = "gemini-3.8-flash";
const AT: &str = "/v1beta1/projects/p-1/locations/global/publishers/google/models";
/// A key made for these tests, which opens nothing.
const PEM: &str = include_str!("service-account-key.pem");

fn config(url: &str) -> ProviderConfig {
    ProviderConfig::new("vertex")
        .with_base_url(url)
        .with_env(Env::from([("GOOGLE_CLOUD_PROJECT", "p-1")]))
}

fn with_token(url: &str) -> ProviderConfig {
    config(url).with_key(KeySource::Explicit("ya29.token-0123456789".into()))
}

fn hello() -> String {
    let content = json!({"role": "model", "parts": [{"text": "Hello"}]});
    json!({"candidates": [{"content": content, "finishReason": "STOP", "index": 0}]}).to_string()
}

/// A server that gives out `t-1`, `t-2` and so on with this lifetime, and takes all but those that
/// are refused.
async fn cloud(lifetime: u64, refused: &'static [&'static str]) -> ApiServer {
    let count = std::sync::atomic::AtomicUsize::new(1);
    ApiServer::answering(move |seen| {
        if seen.path.ends_with("/token") {
            let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let token = json!({"access_token": format!("t-{count}"), "expires_in": lifetime});
            return ApiAnswer::new(200, token.to_string());
        }
        let sent = seen.header("authorization").unwrap_or_default();
        match refused.iter().any(|it| sent.ends_with(it)) {
            true => ApiAnswer::new(401, r#"{"error": {"status": "UNAUTHENTICATED"}}"#),
            false => ApiAnswer::new(200, hello()),
        }
    })
    .await
    .unwrap()
}

fn asked(server: &ApiServer, what: fn(&SeenRequest) -> bool) -> Vec<SeenRequest> {
    server.requests().into_iter().filter(what).collect()
}

fn token_requests(server: &ApiServer) -> Vec<SeenRequest> {
    asked(server, |it| it.path.ends_with("/token"))
}

/// The tokens with which the model was asked.
fn tokens(server: &ApiServer) -> Vec<String> {
    let asked = asked(server, |it| !it.path.ends_with("/token"));
    let token = |it: &SeenRequest| it.header("authorization").unwrap_or_default().to_owned();
    asked.iter().map(token).collect()
}

fn service_account(server: &ApiServer) -> Value {
    json!({
        "type": "service_account", "project_id": "p-2", "private_key_id": "kid-1",
        "private_key": PEM, "client_email": "bot@p-2.iam.gserviceaccount.com",
        "token_uri": format!("{}/token", server.url()),
    })
}

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[tokio::test]
async fn each_model_is_asked_at_its_makers_place_in_its_own_dialect() {
    let claude = json!({"type": "message", "role": "assistant", "id": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Hello"}], "usage": {"input_tokens": 1, "output_tokens": 1}});
    let open = json!({"choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hello"}}]});
    let (claude, open, own) = (claude.to_string(), open.to_string(), hello());
    let base = "/v1/projects/p-1/locations/global";
    let paths = [
        format!("POST {AT}/{MODEL}:generateContent"),
        format!("POST {base}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"),
        format!("POST {base}/endpoints/openapi/chat/completions"),
        "POST /v1beta1/projects/p-1/locations/global/endpoints/77:generateContent".to_owned(),
        "POST /v1beta1/projects/x/locations/us/endpoints/8:generateContent".to_owned(),
    ];
    let server = ApiServer::start([
        (&*paths[0], 200, own.as_str()),
        (&*paths[1], 200, claude.as_str()),
        (&*paths[2], 200, open.as_str()),
        (&*paths[3], 200, own.as_str()),
        (&*paths[4], 200, own.as_str()),
    ])
    .await
    .unwrap();
    let mut options = GeminiOptions::default();
    options.safety_settings = vec![SafetySetting::new("HARM_CATEGORY_HARASSMENT", "OFF")];
    let request = options.apply(ChatRequest::from("Hi"));
    for name in [
        MODEL,
        "claude-sonnet-4-5@20250929",
        "meta/llama-4-maverick-17b-128e-instruct-maas",
        "endpoints/77",
        "projects/x/locations/us/endpoints/8",
    ] {
        let model = PROVIDERS[1]
            .build(name, &with_token(&server.url()))
            .unwrap();
        assert_eq!(model.info().id(), format!("vertex/{name}"));
        assert_eq!(
            model.chat(&request).await.unwrap().text(),
            "Hello",
            "{name}"
        );
    }
    let seen = server.requests();
    assert_eq!(
        seen[0].header("authorization"),
        Some("Bearer ya29.token-0123456789")
    );
    assert_eq!(
        seen[0].json().unwrap()["safetySettings"][0]["threshold"],
        "OFF"
    );
    let body = seen[1].json().unwrap();
    assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
    assert_eq!(
        (body.get("model"), body.get("safetySettings")),
        (None, None)
    );
    assert_eq!(seen[1].header("anthropic-version"), None);
    let model = &seen[2].json().unwrap()["model"];
    assert_eq!(model, "meta/llama-4-maverick-17b-128e-instruct-maas");
}

#[test]
fn the_host_depends_on_the_location() {
    let address = |config: ProviderConfig| {
        let config = config.with_key(KeySource::Explicit("t-0".into()));
        let model = vertex::model(MODEL, &config)?;
        Ok::<_, Error>(format!("{:?}", model.endpoint()))
    };
    let of = |env: Env| address(ProviderConfig::new("vertex").with_env(env)).unwrap();
    let project = ("GOOGLE_VERTEX_PROJECT", "p-9");
    for (location, host) in [
        ("global", "https://aiplatform.googleapis.com"),
        ("us", "https://aiplatform.us.rep.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        (
            "europe-west4",
            "https://europe-west4-aiplatform.googleapis.com",
        ),
    ] {
        for variable in [
            "GOOGLE_VERTEX_LOCATION",
            "GOOGLE_CLOUD_LOCATION",
            "CLOUD_ML_REGION",
        ] {
            let shown = of(Env::from([project, (variable, location)]));
            assert!(shown.contains(&format!("\"{host}\"")), "{shown}");
            assert!(
                shown.contains(&format!("/v1beta1/projects/p-9/locations/{location}\"")),
                "{shown}"
            );
        }
    }
    let shown = of(Env::from([("ANTHROPIC_VERTEX_PROJECT_ID", "p-3")]));
    assert!(shown.contains("/projects/p-3/locations/global"), "{shown}");
    let named = json!({"project": "p-4", "location": "asia-east1", "labels": false});
    let config = ProviderConfig::new("vertex").with_quirks(named);
    let env = Env::from([project, ("GOOGLE_CLOUD_LOCATION", "us")]);
    let shown = address(config.with_env(env)).unwrap();
    assert!(shown.contains("https://asia-east1-aiplatform"), "{shown}");
    assert!(shown.contains("/projects/p-4/"), "{shown}");
    let whole = "https://gateway.example/v1/projects/q/locations/us-east5/";
    let shown = address(
        ProviderConfig::new("vertex")
            .with_base_url(whole)
            .with_env(Env::empty()),
    );
    assert!(
        shown
            .unwrap()
            .contains("/v1/projects/q/locations/us-east5\"")
    );
}

#[test]
fn what_is_no_place_is_told() {
    let build = |quirks: Value| {
        let config = ProviderConfig::new("vertex")
            .with_quirks(quirks)
            .with_key(KeySource::Explicit("t-0".into()))
            .with_env(Env::empty());
        vertex::model(MODEL, &config).map(|_| ()).unwrap_err()
    };
    for (quirks, says) in [
        (json!({}), "no Google Cloud project"),
        (
            json!({"project": "p", "location": "evil.example/x?"}),
            "can't be a location",
        ),
        (json!({"project": "../p"}), "can't be a project"),
        (json!({"project": 7}), "can't be a project"),
        (
            json!({"project": "p", "place": "x"}),
            "unknown field `place`",
        ),
    ] {
        let error = build(quirks);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(says), "{error}");
    }
    assert!(build(json!({})).help().contains("GOOGLE_CLOUD_PROJECT"));
}

#[tokio::test]
async fn an_api_key_means_express_mode() {
    let path = format!("POST /v1beta1/publishers/google/models/{MODEL}:generateContent");
    let answer = hello();
    let server = ApiServer::start([(&*path, 200, answer.as_str())])
        .await
        .unwrap();
    let config = ProviderConfig::new("vertex")
        .with_base_url(server.url())
        .with_key(KeySource::Env(vec!["GOOGLE_VERTEX_API_KEY".into()]))
        .with_env(Env::from([("GOOGLE_VERTEX_API_KEY", "AIza0123456789")]));
    let model = vertex::model(MODEL, &config).unwrap();
    assert_eq!(model.ask("Hi").await.unwrap().text(), "Hello");
    let seen = &server.requests()[0];
    assert_eq!(seen.header("x-goog-api-key"), Some("AIza0123456789"));
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn a_service_account_signs_for_a_token_which_serves_all() {
    let server = cloud(3600, &[]).await;
    let path = folder("vertex-account").join("key.json");
    std::fs::write(&path, service_account(&server).to_string()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let variable = "GOOGLE_APPLICATION_CREDENTIALS";
    let config = ProviderConfig::new("vertex")
        .with_base_url(server.url())
        .with_key(KeySource::Env(vec![variable.to_owned()]))
        .with_env(Env::from([(variable, path)]));
    let model = vertex::model(MODEL, &config).unwrap();
    assert_eq!(server.requests().len(), 0);
    let all = (0..5).map(|_| model.ask("Hi"));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.unwrap().text(), "Hello");
    }
    assert_eq!(tokens(&server), ["Bearer t-1"; 5]);
    let chat = asked(&server, |it| !it.path.ends_with("/token"));
    assert!(chat[0].path.contains("/projects/p-2/"), "{}", chat[0].path);
    let [exchange] = &token_requests(&server)[..] else {
        panic!("one token");
    };
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(exchange.header("content-type"), Some(kind));
    let form = String::from_utf8(exchange.body.clone()).unwrap();
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let assertion = form.strip_prefix(grant).unwrap();
    let (said, signature) = assertion.rsplit_once('.').unwrap();
    let (head, claims) = said.split_once('.').unwrap();
    let read = |text: &str| {
        let json = URL_SAFE_NO_PAD.decode(text).unwrap();
        serde_json::from_slice::<Value>(&json).unwrap()
    };
    assert_eq!(
        read(head),
        json!({"alg": "RS256", "typ": "JWT", "kid": "kid-1"})
    );
    let claims = read(claims);
    assert_eq!(claims["iss"], "bot@p-2.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], format!("{}/token", server.url()));
    assert_eq!(
        claims["scope"],
        "https://www.googleapis.com/auth/cloud-platform"
    );
    let span = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(span, 3600);
    let der: String = PEM.lines().filter(|it| !it.starts_with('-')).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(said.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn a_token_that_ended_or_was_refused_is_replaced() {
    for (lifetime, refused, expected) in [
        (0, &[][..], vec!["t-1", "t-2"]),
        (3600, &["t-1"][..], vec!["t-1", "t-2", "t-2"]),
    ] {
        let server = cloud(lifetime, refused).await;
        let account = service_account(&server).to_string();
        let config = config(&server.url()).with_key(KeySource::Explicit(account.into()));
        let model = vertex::model(MODEL, &config).unwrap();
        for _ in 0..2 {
            assert_eq!(model.ask("Hi").await.unwrap().text(), "Hello");
        }
        let expected: Vec<_> = expected.iter().map(|it| format!("Bearer {it}")).collect();
        assert_eq!(tokens(&server), expected);
    }
    let server = cloud(3600, &["t-1", "t-2"]).await;
    let account = service_account(&server).to_string();
    let config = config(&server.url()).with_key(KeySource::Explicit(account.into()));
    let error = vertex::model(MODEL, &config)
        .unwrap()
        .ask("Hi")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Authentication, Some(401))
    );
}

fn user(server: &ApiServer) -> Value {
    json!({
        "type": "authorized_user", "client_id": "c.apps.example", "client_secret": "s+1",
        "refresh_token": "1//refresh-0123456789", "quota_project_id": "p-5",
        "token_uri": format!("{}/token", server.url()),
    })
}

#[tokio::test]
async fn a_users_own_file_is_found_and_its_token_refreshed() {
    let server = cloud(3600, &[]).await;
    let folder = folder("vertex-user");
    let path = folder.join("application_default_credentials.json");
    std::fs::write(&path, user(&server).to_string()).unwrap();
    let folder = folder.to_str().unwrap().to_owned();
    let config = ProviderConfig::new("vertex")
        .with_base_url(server.url())
        .with_env(Env::from([("CLOUDSDK_CONFIG", folder)]));
    let model = vertex::model(MODEL, &config).unwrap();
    assert_eq!(model.ask("Hi").await.unwrap().text(), "Hello");
    let form = String::from_utf8(token_requests(&server)[0].body.clone()).unwrap();
    assert_eq!(
        form,
        "grant_type=refresh_token&client_id=c.apps.example&client_secret=s%2B1&refresh_token=1%2F%2Frefresh-0123456789"
    );
    assert_eq!(tokens(&server), ["Bearer t-1"]);
    let chat = asked(&server, |it| !it.path.ends_with("/token"));
    assert_eq!(chat[0].header("x-goog-user-project"), Some("p-5"));
    assert!(chat[0].path.contains("/projects/p-5/"), "{}", chat[0].path);
}

#[tokio::test]
async fn the_metadata_server_is_asked_last() {
    let server = cloud(3600, &[]).await;
    let host = server.url().replace("http://", "");
    let env = |host: String| {
        Env::from([
            ("GCE_METADATA_HOST", host),
            ("GOOGLE_CLOUD_PROJECT", "p-1".to_owned()),
        ])
    };
    let model = vertex::model(MODEL, &config(&server.url()).with_env(env(host))).unwrap();
    assert_eq!(model.ask("Hi").await.unwrap().text(), "Hello");
    let seen = &token_requests(&server)[0];
    assert_eq!(
        seen.path,
        "/computeMetadata/v1/instance/service-accounts/default/token"
    );
    assert_eq!(seen.header("metadata-flavor"), Some("Google"));
    // Nobody listens there.
    let config = config(&server.url()).with_env(env("127.0.0.1:1".to_owned()));
    let error = vertex::model(MODEL, &config)
        .unwrap()
        .ask("Hi")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(
        error.message().contains("no Google Cloud credentials"),
        "{error}"
    );
    assert!(
        error
            .help()
            .contains("gcloud auth application-default login")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_is_run_again_when_its_token_is_refused() {
    let server = cloud(3600, &["token-1"]).await;
    let count = folder("vertex-program").join("count");
    std::fs::write(&count, "").unwrap();
    let count = count.to_str().unwrap();
    let script = format!("echo x >> {count}; echo token-$(wc -l < {count} | tr -d ' ')");
    let command = vec!["sh".to_owned(), "-c".to_owned(), script];
    let config = config(&server.url()).with_key(KeySource::Command(command));
    let model = vertex::model(MODEL, &config).unwrap();
    for _ in 0..2 {
        assert_eq!(model.ask("Hi").await.unwrap().text(), "Hello");
    }
    let expected = ["token-1", "token-2", "token-2"].map(|it| format!("Bearer {it}"));
    assert_eq!(tokens(&server), expected);
}

#[tokio::test]
async fn credentials_that_are_refused_or_none_say_so() {
    let refusal = json!({"error": "invalid_grant", "error_description": "Token has been revoked: 1//refresh-0123456789"});
    let refusal = refusal.to_string();
    let server = ApiServer::start([("POST /token", 400, refusal.as_str())])
        .await
        .unwrap();
    let ask = async |credentials: Value| {
        let key = KeySource::Explicit(credentials.to_string().into());
        let model = vertex::model(MODEL, &config(&server.url()).with_key(key))?;
        model.ask("Hi").await.map(|_| ())
    };
    let error = ask(user(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(
        error.message().contains("Token has been revoked"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("refresh-01"), "{error:?}");
    let mut account = service_account(&server);
    account["private_key"] =
        json!("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----");
    for (credentials, says) in [
        (account, "`private_key` is no RSA key"),
        (
            json!({"type": "external_account"}),
            "the type `external_account`",
        ),
    ] {
        let error = ask(credentials).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(says), "{error}");
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }
    let variable = "GOOGLE_APPLICATION_CREDENTIALS";
    let config = config(&server.url())
        .with_key(KeySource::Env(vec![variable.to_owned()]))
        .with_env(Env::from([
            (variable, "no/such.json"),
            ("GOOGLE_CLOUD_PROJECT", "p"),
        ]));
    let error = vertex::model(MODEL, &config).unwrap_err();
    assert!(error.message().contains("no/such.json"), "{error}");
}

#[tokio::test]
async fn a_program_may_bring_its_own_proof() {
    let server = cloud(3600, &[]).await;
    let auth = Credentials::own(Auth::Bearer("own-0123456789".into()));
    let config = config(&server.url()).with_extension(auth);
    let model = vertex::model(MODEL, &config).unwrap();
    assert_eq!(model.ask("Hi").await.unwrap().text(), "Hello");
    assert_eq!(tokens(&server), ["Bearer own-0123456789"]);
    assert_eq!(token_requests(&server).len(), 0);
}

#[tokio::test]
async fn tokens_are_counted_and_models_listed_here_too() {
    let path = format!("POST {AT}/{MODEL}:countTokens");
    let first = json!({"publisherModels": [{"name": "publishers/google/models/gemini-3.8-flash"}],
        "nextPageToken": "n"});
    let first = first.to_string();
    let last = r#"{"publisherModels": [{"name": "publishers/google/models/gemini-2.5-pro"}]}"#;
    let server = ApiServer::start([
        (&*path, 200, r#"{"totalTokens": 7}"#),
        (
            "GET /v1beta1/publishers/google/models?pageSize=100",
            200,
            first.as_str(),
        ),
        (
            "GET /v1beta1/publishers/google/models?pageSize=100&pageToken=n",
            200,
            last,
        ),
    ])
    .await
    .unwrap();
    let config = with_token(&server.url());
    let model = vertex::model(MODEL, &config).unwrap();
    let request = GeminiOptions::default().apply(ChatRequest::from("Hi"));
    assert_eq!(count_tokens(&model, &request).await.unwrap().total, 7);
    let body = server.requests()[0].json().unwrap();
    assert_eq!(
        body,
        json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    );
    let models = PROVIDERS[1].models(&config).await.unwrap();
    let ids: Vec<_> = models.iter().map(|it| &*it.id).collect();
    assert_eq!(ids, ["gemini-3.8-flash", "gemini-2.5-pro"]);
}

#[tokio::test]
async fn the_tokens_of_a_request_to_claude_are_counted() {
    let at = "/v1/projects/p-1/locations/global/publishers/anthropic/models";
    let path = format!("POST {at}/count-tokens:rawPredict");
    let server = ApiServer::start([(&*path, 200, r#"{"input_tokens": 14}"#)])
        .await
        .unwrap();
    let name = "claude-haiku-4-5@20251001";
    let model = vertex::messages(name, &with_token(&server.url())).unwrap();
    let request = ChatRequest::from("Hi").with_temperature(0.5);
    let count = vertex::count_message_tokens(&model, &request).await;
    assert_eq!(count.unwrap(), 14);
    let seen = server.requests().remove(0);
    assert_eq!(
        seen.json().unwrap(),
        json!({"model": name, "anthropic_version": "vertex-2023-10-16",
            "messages": [{"role": "user", "content": "Hi"}]})
    );
}
