//! What the provider sends and reads, against servers with its answers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_azure::{AzureOptions, Credential, PROVIDERS, built_in, model, responses_model};
use parlor_core::*;
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::ApiServer;
use serde_json::json;

const V1: &str = "POST /openai/v1/chat/completions";
const HELLO: &str = r#"{"id": "c-1", "model": "gpt-5-mini-2025-08-07", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}"#;

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("azure-openai")
        .with_base_url(base_url)
        .with_key(KeySource::Explicit("key-0123456789".into()))
        .with_env(Env::empty())
}

/// A server that answers each of these with a greeting.
async fn server(asked: &[&str]) -> ApiServer {
    let answers = asked.iter().map(|it| (*it, 200, HELLO));
    ApiServer::start(answers).await.unwrap()
}

async fn ask(config: &ProviderConfig) -> Result<ChatResponse> {
    let request = ChatRequest::from("Hi").with_max_output_tokens(9);
    model("my gpt", config)?.chat(&request).await
}

#[tokio::test]
async fn each_api_is_asked_in_its_way() {
    let dated = "POST /openai/deployments/my%20gpt/chat/completions?api-version=2024-02-01";
    let models = "POST /models/chat/completions?api-version=2024-05-01-preview";
    let server = server(&[V1, dated, models]).await;
    let url = server.url();
    ask(&config(&url)).await.unwrap();
    let by_variable = config(&url).with_env(Env::from([("OPENAI_API_VERSION", "2024-02-01")]));
    ask(&by_variable).await.unwrap();
    ask(&config(&format!("{url}/models"))).await.unwrap();
    let seen = server.requests();
    for (request, limit) in seen.iter().zip(["max_completion_tokens", "max_tokens"]) {
        let body = request.json().unwrap();
        assert_eq!(
            (&body[limit], &body["model"]),
            (&json!(9), &json!("my gpt"))
        );
        assert_eq!(request.header("api-key"), Some("key-0123456789"));
        assert_eq!(request.header("authorization"), None);
    }
    assert_eq!(seen.len(), 3);
}

/// Where a model at an address is asked, with a version in the variable.
async fn asked(path: &str, variable: &str, instance_of: Option<&str>) -> String {
    let server = ApiServer::start([]).await.unwrap();
    let mut config = config(&format!("{}{path}", server.url()))
        .with_env(Env::from([("OPENAI_API_VERSION", variable)]));
    if let Some(id) = instance_of {
        config.instance = "work".to_owned();
        config.instance_of = Some(id.to_owned());
    }
    ask(&config).await.unwrap_err();
    server.requests().remove(0).path
}

#[tokio::test]
async fn the_path_says_which_api_and_else_the_version() {
    let v1 = "/openai/v1/chat/completions";
    for path in [
        "",
        "/",
        "/openai",
        "/openai/",
        "/openai/v1",
        "/openai/v1/",
        v1,
    ] {
        assert_eq!(asked(path, "", None).await, v1, "{path}");
    }
    assert_eq!(asked("/openai/v1", "2024-10-21", None).await, v1);
    assert_eq!(asked("", "2024-10-21", Some("azure-openai")).await, v1);
    assert_eq!(
        asked("", "preview", None).await,
        format!("{v1}?api-version=preview")
    );
    assert_eq!(
        asked("/gate/v1", "", None).await,
        "/gate/v1/chat/completions"
    );

    let dated = "/openai/deployments/my%20gpt/chat/completions?api-version=";
    for path in [
        "",
        "/openai/",
        "/openai/deployments",
        "/openai/deployments/gpt",
    ] {
        let found = asked(path, "2025-01-01-preview", None).await;
        assert_eq!(found, format!("{dated}2025-01-01-preview"), "{path}");
    }
    let usual = asked("/openai/deployments", "", None).await;
    assert_eq!(usual, format!("{dated}2024-10-21"));
    // The address that the portal shows for a deployment.
    let shown = "/openai/deployments/gpt/chat/completions?api-version=2024-02-01";
    let found = asked(shown, "2025-01-01", None).await;
    assert_eq!(found, format!("{dated}2024-02-01"));
}

#[tokio::test]
async fn a_version_in_the_configuration_goes_out_once() {
    let asked = "POST /openai/deployments/my%20gpt/chat/completions?api-version=2025-01-01-preview";
    let server = server(&[asked]).await;
    let mut config = config(&server.url());
    let version = "2025-01-01-preview".into();
    config.query.insert("api-version".to_owned(), version);
    ask(&config).await.unwrap();
}

#[tokio::test]
async fn tokens_go_as_bearers() {
    let server = server(&[V1]).await;
    let sent = async |config: ProviderConfig| {
        ask(&config).await.unwrap();
        let seen = server.requests().pop().unwrap();
        assert_eq!(seen.header("api-key"), None);
        seen.header("authorization").unwrap().to_owned()
    };
    let bare = || ProviderConfig::new("azure-openai").with_base_url(server.url());
    let env = Env::from([("AZURE_OPENAI_AD_TOKEN", "opaque")]);
    let names = vec![
        "AZURE_OPENAI_API_KEY".to_owned(),
        "AZURE_OPENAI_AD_TOKEN".to_owned(),
    ];
    let by_variable = bare().with_env(env).with_key(KeySource::Env(names));
    assert_eq!(sent(by_variable).await, "Bearer opaque");
    let jwt = KeySource::Explicit("eyJhbGciOi.eyJhdWQi.c2ln".into());
    let told = bare().with_env(Env::empty()).with_key(jwt);
    assert_eq!(sent(told).await, "Bearer eyJhbGciOi.eyJhdWQi.c2ln");
}

#[tokio::test]
async fn a_token_from_a_lookup_is_looked_up_anew_when_refused() {
    let server = ApiServer::start([
        (
            V1,
            401,
            r#"{"error": {"code": "401", "message": "expired"}}"#,
        ),
        (V1, 200, HELLO),
    ])
    .await
    .unwrap();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let lookup = KeySource::lookup("keychain", move |_| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Some(format!("eyJhbGciOi.eyJhdWQi.{count}").into()))
    });
    let config = ProviderConfig::new("azure-openai")
        .with_base_url(server.url())
        .with_env(Env::empty())
        .with_key(lookup);
    ask(&config).await.unwrap();
    let seen = server.requests();
    let sent: Vec<_> = seen
        .iter()
        .map(|it| it.header("authorization").unwrap())
        .collect();
    let expected = [
        "Bearer eyJhbGciOi.eyJhdWQi.0",
        "Bearer eyJhbGciOi.eyJhdWQi.1",
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn an_application_gets_its_tokens_by_its_secret() {
    let token = |token: &str| {
        json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}).to_string()
    };
    let authority = ApiServer::start([
        (
            "POST /acme.example/oauth2/v2.0/token",
            200,
            token("t-1").as_str(),
        ),
        (
            "POST /acme.example/oauth2/v2.0/token",
            200,
            token("t-2").as_str(),
        ),
    ])
    .await
    .unwrap();
    let server = ApiServer::start([(V1, 200, HELLO), (V1, 401, "{}"), (V1, 200, HELLO)])
        .await
        .unwrap();
    let env = Env::from([
        ("AZURE_TENANT_ID", "acme.example"),
        ("AZURE_CLIENT_ID", "app-1"),
        ("AZURE_CLIENT_SECRET", "s~cret/1"),
        ("AZURE_AUTHORITY_HOST", authority.url().as_str()),
    ]);
    let config = ProviderConfig::new("azure-openai")
        .with_base_url(server.url())
        .with_env(env);
    let model = model("gpt", &config).unwrap();
    for _ in 0..2 {
        model.chat(&ChatRequest::from("Hi")).await.unwrap();
    }
    let form = String::from_utf8(authority.requests()[0].body.clone()).unwrap();
    assert_eq!(
        form,
        "grant_type=client_credentials&client_id=app-1\
         &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_secret=s~cret%2F1"
    );
    assert_eq!(
        authority.requests()[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let seen = server.requests();
    let sent: Vec<_> = seen
        .iter()
        .map(|it| it.header("authorization").unwrap())
        .collect();
    assert_eq!(sent, ["Bearer t-1", "Bearer t-1", "Bearer t-2"]);
}

#[tokio::test]
async fn a_managed_identity_is_asked_at_its_host() {
    let asked = "GET /msi?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=app-1";
    let answer = r#"{"access_token": "t-1", "expires_on": "99999999999"}"#;
    let host = ApiServer::start([(asked, 200, answer)]).await.unwrap();
    let server = server(&[V1]).await;
    let endpoint = format!("{}/msi", host.url());
    let env = Env::from([
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "h-1"),
        ("AZURE_CLIENT_ID", "app-1"),
    ]);
    let config = ProviderConfig::new("azure-openai")
        .with_base_url(server.url())
        .with_env(env);
    ask(&config).await.unwrap();
    assert_eq!(host.requests()[0].header("x-identity-header"), Some("h-1"));
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some("Bearer t-1")
    );
}

#[tokio::test]
async fn a_refused_credential_tells_why_without_the_secret() {
    let refusal = r#"{"error": "invalid_client", "error_description":
        "AADSTS7000215: Invalid client secret s-9876543210 provided.\r\nTrace ID: x"}"#;
    let authority = ApiServer::start([("POST /t/oauth2/v2.0/token", 401, refusal)])
        .await
        .unwrap();
    let env = Env::from([
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "app-1"),
        ("AZURE_CLIENT_SECRET", "s-9876543210"),
        ("AZURE_AUTHORITY_HOST", authority.url().as_str()),
    ]);
    let config = ProviderConfig::new("azure-openai")
        .with_base_url("http://127.0.0.1:9")
        .with_env(env);
    let error = ask(&config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().contains("AADSTS7000215"), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("s-9876543210"),
        "{error:?}"
    );
    assert!(!error.message().contains("Trace"), "{error}");
    assert_eq!(
        Credential::client_secret("a/b", "c", "d")
            .unwrap_err()
            .kind(),
        ErrorKind::Configuration
    );
}

#[tokio::test]
async fn the_variables_serve_the_resource_of_the_environment_alone() {
    let env = Env::from([
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:9"),
        ("IDENTITY_HEADER", "h"),
    ]);
    let mut config = ProviderConfig::new("work")
        .with_base_url("https://r.openai.azure.com")
        .with_env(env);
    config.instance_of = Some("azure-openai".to_owned());
    let error = model("gpt", &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
}

#[tokio::test]
async fn errors_tell_what_to_do() {
    let gone = json!({"error": {"code": "DeploymentNotFound",
        "message": "The API deployment for this resource does not exist."}});
    let filtered = json!({"error": {"code": "content_filter", "message": "The prompt was filtered.",
        "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": true, "severity": "medium"}}}}});
    let role = json!({"error": {"code": "PermissionDenied", "message": "The principal lacks it."}});
    for (status, body, kind, told) in [
        (404, gone, ErrorKind::ModelNotFound, "deployment's name"),
        (400, filtered, ErrorKind::ContentFiltered, "Rephrase"),
        (401, role, ErrorKind::Permission, "role on the resource"),
    ] {
        let server = ApiServer::start([(V1, status, body.to_string().as_str())])
            .await
            .unwrap();
        let error = ask(&config(&server.url())).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.help().contains(told), "{}", error.help());
        if kind == ErrorKind::ContentFiltered {
            assert!(error.message().ends_with("(filtered for violence: medium)"));
        }
    }
}

#[tokio::test]
async fn models_that_may_be_deployed_are_listed() {
    let list = json!({"data": [
        {"id": "gpt-4o-2024-11-20", "created_at": 7, "capabilities": {"chat_completion": true}},
        {"id": "text-embedding-3-large", "capabilities": {"chat_completion": false}},
    ]})
    .to_string();
    let server = ApiServer::start([
        ("GET /openai/v1/models", 200, list.as_str()),
        (
            "GET /openai/models?api-version=2024-10-21",
            200,
            list.as_str(),
        ),
    ])
    .await
    .unwrap();
    for path in ["", "/openai/deployments"] {
        let config = config(&format!("{}{path}", server.url()));
        let models = PROVIDERS[0].models(&config).await.unwrap();
        let found: Vec<_> = models
            .iter()
            .map(|it| (it.id.as_str(), it.created))
            .collect();
        assert_eq!(found, [("gpt-4o-2024-11-20", Some(7))], "{path}");
    }
}

#[tokio::test]
async fn responses_are_asked_for_in_each_api() {
    let answer = json!({"id": "r-1", "object": "response", "status": "completed", "model": "gpt",
        "output": [{"type": "message", "id": "m-1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}]})
    .to_string();
    let server = ApiServer::start([
        ("POST /openai/v1/responses", 200, answer.as_str()),
        (
            "POST /openai/responses?api-version=2025-03-01-preview",
            200,
            answer.as_str(),
        ),
    ])
    .await
    .unwrap();
    for version in ["", "2025-03-01-preview"] {
        let env = Env::from([("OPENAI_API_VERSION", version)]);
        let config = config(&server.url()).with_env(env);
        let model = responses_model("my gpt", &config).unwrap();
        let response = model.chat(&ChatRequest::from("Hi")).await.unwrap();
        assert_eq!(response.text(), "Hello");
        let body = server.requests().pop().unwrap().json().unwrap();
        assert_eq!(body["model"], "my gpt");
    }
    let models = config(&format!("{}/models", server.url()));
    let error = responses_model("grok", &models).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn options_and_tools_of_responses_reach_the_body() {
    let answer = json!({"id": "r-1", "object": "response", "status": "completed", "model": "gpt",
        "output": []})
    .to_string();
    let server = ApiServer::start([("POST /openai/v1/responses", 200, answer.as_str())])
        .await
        .unwrap();
    let url = server.url();
    let env = Env::new(move |name| match name {
        "AZURE_OPENAI_ENDPOINT" => Some(url.clone()),
        "AZURE_OPENAI_API_KEY" => Some("k-0123456789".to_owned()),
        _ => None,
    });
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    let model = registry.model("azure-responses/gpt").unwrap();
    let mut options = AzureOptions::default();
    options.store = Some(false);
    options.verbosity = Some("low".into());
    options.responses.max_tool_calls = Some(3);
    options.responses.include = vec!["code_interpreter_call.outputs".into()];
    let tool = json!({"type": "code_interpreter", "container": {"type": "auto"}});
    let request = ChatRequest::from("Hi").with_tool(built_in(tool.clone()));
    let response = model.chat(&options.apply(request)).await.unwrap();
    assert_eq!(response.warnings, []);
    let body = server.requests().remove(0).json().unwrap();
    assert_eq!(body["store"], false);
    assert_eq!(body["text"]["verbosity"], "low");
    assert_eq!(body["max_tool_calls"], 3);
    assert_eq!(body["include"], json!(["code_interpreter_call.outputs"]));
    assert_eq!(body["tools"], json!([tool]));
}
