//! What a client of one dialect says is held to what the host of another takes; who speaks the
//! host's own, or no dialect at all, is told by the host itself.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::{Arguments, ChatRequest, Message, ModelInfo, Role, ToolCall, ToolResult};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::{OpenAiChat, Quirks};
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Dialect, Profile, Target};
use serde_json::Value;

trait Host {
    fn name(&self) -> &'static str;
    /// The body of a request, and the settings that it has warnings of.
    fn write(&self, request: &ChatRequest) -> (Value, Vec<String>);
}

impl<D: Dialect> Host for D {
    fn name(&self) -> &'static str {
        Dialect::name(self)
    }

    fn write(&self, request: &ChatRequest) -> (Value, Vec<String>) {
        let mut info = ModelInfo::new("host", "m");
        info.max_output_tokens = Some(4096);
        let profile = Profile::default();
        let wire = self.write_request(request, &Target::new(&info, &profile));
        let wire = wire.unwrap();
        let warned = wire.warnings.iter().map(|it| it.setting.clone()).collect();
        (serde_json::from_slice(&wire.body).unwrap(), warned)
    }
}

#[test]
fn a_class_of_service_goes_elsewhere_by_its_meaning_or_not_at_all() {
    let mut mistral = Quirks::default();
    mistral.know_tiers("auto standard_only");
    let chat: &dyn Host = &OpenAiChat::default();
    let mistral: &dyn Host = &OpenAiChat::new(mistral);
    let responses: &dyn Host = &OpenAiResponses::default();
    let claude: &dyn Host = &AnthropicMessages::default();
    let gemini: &dyn Host = &Gemini::default();
    let bedrock: &dyn Host = &BedrockConverse::default();
    let field = |dialect: &dyn Host| match dialect.name() {
        "gemini" => "/serviceTier",
        "bedrock-converse" => "/serviceTier/type",
        _ => "/service_tier",
    };
    // Who asks in what, what it says, and what is said to whom.
    for (client, tier, host, told) in [
        ("anthropic-messages", "auto", chat, Some("auto")),
        ("anthropic-messages", "standard_only", chat, Some("default")),
        (
            "anthropic-messages",
            "standard_only",
            responses,
            Some("default"),
        ),
        (
            "anthropic-messages",
            "standard_only",
            mistral,
            Some("standard_only"),
        ),
        (
            "anthropic-messages",
            "standard_only",
            gemini,
            Some("standard"),
        ),
        (
            "anthropic-messages",
            "standard_only",
            bedrock,
            Some("default"),
        ),
        (
            "anthropic-messages",
            "unheard_of",
            claude,
            Some("unheard_of"),
        ),
        ("openai-chat", "default", claude, Some("standard_only")),
        ("openai-chat", "flex", claude, None),
        ("openai-chat", "scale", responses, Some("scale")),
        ("openai-chat", "flex", gemini, Some("flex")),
        ("openai-chat", "fast", bedrock, None),
        ("openai-chat", "on_demand", chat, Some("on_demand")),
        ("gemini", "standard", chat, Some("default")),
        ("gemini", "priority", claude, None),
        ("", "unheard_of", claude, Some("unheard_of")),
    ] {
        let mut request = ChatRequest::from("Hi");
        request.service_tier = Some(tier.to_owned());
        request.client_dialect = (!client.is_empty()).then_some(client);
        let (body, warned) = host.write(&request);
        let case = format!("{client} {tier} to {}: {body}", host.name());
        let said = body.pointer(field(host)).and_then(Value::as_str);
        assert_eq!(said, told, "{case}");
        let warns = warned.contains(&"service_tier".to_owned());
        assert_eq!(warns, told.is_none(), "{case}");
    }
    // The provider's choice is what it is where nothing is said.
    let mut request = ChatRequest::from("Hi");
    request.service_tier = Some("auto".to_owned());
    request.client_dialect = Some("openai-chat");
    let (body, warned) = gemini.write(&request);
    assert!(body.get("serviceTier").is_none() && warned.is_empty());
}

#[test]
fn the_most_of_an_answer_is_the_model_s_where_a_client_of_another_dialect_asks() {
    let hosts: [(&dyn Host, &str); 7] = [
        (&OpenAiChat::default(), "/max_tokens"),
        (&OpenAiResponses::default(), "/max_output_tokens"),
        (&AnthropicMessages::default(), "/max_tokens"),
        (&Gemini::default(), "/generationConfig/maxOutputTokens"),
        (&BedrockConverse::default(), "/inferenceConfig/maxTokens"),
        (&Cohere::default(), "/max_tokens"),
        (&Ollama::default(), "/options/num_predict"),
    ];
    for (host, field) in hosts {
        let asked = |client: Option<&'static str>, most: u64| {
            let mut request = ChatRequest::from("Hi").with_max_output_tokens(most);
            request.client_dialect = client;
            let (body, warned) = host.write(&request);
            (body.pointer(field).and_then(Value::as_u64), warned)
        };
        let none = Vec::new();
        assert_eq!(asked(Some("another"), 4096), (Some(4096), none.clone()));
        let warned = vec!["max_output_tokens".to_owned()];
        assert_eq!(asked(Some("another"), 32_000), (Some(4096), warned));
        assert_eq!(
            asked(Some(host.name()), 32_000),
            (Some(32_000), none.clone())
        );
        assert_eq!(asked(None, 32_000), (Some(32_000), none));
    }
}

#[test]
fn that_a_tool_failed_is_told_where_a_dialect_has_no_mark_for_it() {
    let hosts: [(&dyn Host, bool); 6] = [
        (&OpenAiChat::default(), true),
        (&OpenAiResponses::default(), true),
        (&Ollama::default(), true),
        (&Cohere::default(), true),
        (&AnthropicMessages::default(), false),
        (&Gemini::default(), false),
    ];
    for (host, is_lost) in hosts {
        for (client, failed) in [("another", true), ("another", false), (host.name(), true)] {
            let mut result = ToolResult::text("call_1", "nothing there");
            result.is_error = failed;
            let call = ToolCall::new("call_1", "look", Arguments::json("{}"));
            let mut request = ChatRequest::new([
                Message::user("Look."),
                Message::new(Role::Assistant, vec![call.into()]),
                Message::tool_results([result]),
            ]);
            request.client_dialect = Some(client);
            let (_, warned) = host.write(&request);
            let is_told = warned.contains(&"messages.is_error".to_owned());
            let name = host.name();
            assert_eq!(is_told, is_lost && failed && client == "another", "{name}");
        }
    }
}

#[test]
fn an_answer_of_a_single_token_is_as_short_as_the_host_allows() {
    let asked = |host: &dyn Host, client: Option<&'static str>, most: u64| {
        let mut request = ChatRequest::from("Hi").with_max_output_tokens(most);
        request.client_dialect = client;
        let (body, warned) = host.write(&request);
        let limit = body.get("max_output_tokens").or(body.get("max_tokens"));
        (limit.and_then(Value::as_u64), !warned.is_empty())
    };
    let responses: &dyn Host = &OpenAiResponses::default();
    assert_eq!(asked(responses, Some("another"), 1), (Some(16), true));
    assert_eq!(asked(responses, Some("another"), 16), (Some(16), false));
    for client in [Some(responses.name()), None] {
        assert_eq!(asked(responses, client, 1), (Some(1), false));
    }
    let chat: &dyn Host = &OpenAiChat::default();
    assert_eq!(asked(chat, Some("another"), 1), (Some(1), false));
}
