//! Writing media, tools and schemas.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::gemini::{Gemini, Quirks};
use parlor_dialect::{Dialect, Profile, Target};
use serde_json::{Value, json};

#[test]
fn media_goes_inline_or_by_address() {
    let mut close = Media::bytes("image/png", vec![0x89, b'P']);
    close.detail = Some("high".to_owned());
    let mut stored = Media::new(
        MediaKind::Document,
        MediaSource::File("https://generativelanguage.googleapis.com/v1beta/files/a".to_owned()),
    );
    stored.media_type = Some("application/pdf".to_owned());
    let body = write(&ask(vec![
        close.clone().into(),
        Media::url(MediaKind::Image, "data:image/gif;base64,iVA=").into(),
        Media::url(MediaKind::Video, "https://x.example/a.MP4?b=c.png").into(),
        Media::url(MediaKind::Video, "https://youtu.be/abc").into(),
        stored.into(),
    ]));
    assert_eq!(
        body["contents"][0]["parts"],
        json!([
            {"inlineData": {"mimeType": "image/png", "data": "iVA="}, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
            {"inlineData": {"mimeType": "image/gif", "data": "iVA="}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.example/a.MP4?b=c.png"}},
            {"fileData": {"fileUri": "https://youtu.be/abc"}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}},
        ])
    );
    let (_, warnings) = write_to(
        "gemini-2.5-flash",
        Quirks::default(),
        &ask(vec![close.into()]),
    )
    .unwrap();
    assert_eq!(warnings.len(), 1);
    let untyped = Media::new(MediaKind::Image, MediaSource::Bytes(vec![1].into()));
    assert_eq!(fails(&ask(vec![untyped.into()])), ErrorKind::Media);
    let mut blind = info();
    blind.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::ImageInput]);
    let profile = Profile::default();
    let picture = ask(vec![Media::bytes("image/png", vec![1]).into()]);
    let written = Gemini::default().write_request(&picture, &Target::new(&blind, &profile));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn media_of_a_result_stands_where_the_family_takes_it() {
    let mut result = ToolResult::text("c", "a picture");
    result.parts.push(Media::bytes("image/png", vec![1]).into());
    let request = ChatRequest::new([
        Message::new(
            Role::Assistant,
            vec![ToolCall::new("c", "f", Arguments::json("{}")).into()],
        ),
        Message::tool_results([result]),
    ]);
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AQ=="}});
    let plain = json!({"name": "f", "response": {"output": "a picture"}});
    let parts = |model: &str| {
        let (body, warnings) = write_to(model, Quirks::default(), &request).unwrap();
        (body["contents"][1]["parts"].clone(), warnings.len())
    };
    let mut within = plain.clone();
    within["parts"] = json!([picture]);
    assert_eq!(
        parts("gemini-3-flash"),
        (json!([{ "functionResponse": within }]), 0)
    );
    assert_eq!(
        parts("gemini-2.5-flash"),
        (json!([{ "functionResponse": plain }, picture]), 1)
    );
}

#[test]
fn schemas_stand_in_the_field_the_host_knows() {
    let schema = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]});
    let none = json!({"type": "object", "properties": {}});
    let request = ChatRequest::from("Hi")
        .with_tool(ToolDefinition::function("f", "does", schema.clone()))
        .with_tool(ToolDefinition::function("g", "", none.clone()))
        .with_tool(ToolDefinition::Native(native(json!({"googleSearch": {}}))))
        .with_output(OutputFormat::JsonSchema(OutputSchema::new(
            "x",
            schema.clone(),
        )));
    let body = write(&request);
    assert_eq!(
        body["tools"],
        json!([
            {"functionDeclarations": [
                {"name": "f", "description": "does", "parametersJsonSchema": schema},
                {"name": "g", "description": "", "parametersJsonSchema": none},
            ]},
            {"googleSearch": {}},
        ])
    );
    assert_eq!(
        body["generationConfig"],
        json!({"responseMimeType": "application/json", "responseJsonSchema": schema})
    );
    let (body, _) = write_to(MODEL, quirks(json!({"schemas": "open_api"})), &request).unwrap();
    let openapi = json!({"type": "object", "properties": {"a": {"type": "string", "nullable": true}}, "required": ["a"]});
    assert_eq!(
        body["tools"][0]["functionDeclarations"][0]["parameters"],
        openapi
    );
    assert_eq!(
        body["tools"][0]["functionDeclarations"][1].get("parameters"),
        None
    );
    assert_eq!(body["generationConfig"]["responseSchema"], openapi);
}

#[test]
fn the_choice_of_tools_has_its_modes() {
    let function = |strict: Option<bool>| {
        let mut function = FunctionDefinition::new("f");
        function.strict = strict;
        ToolDefinition::Function(function)
    };
    let allowed = |required| ToolChoice::Allowed {
        tools: vec!["f".to_owned()],
        required,
    };
    for (choice, strict, config) in [
        (None, None, Value::Null),
        (Some(ToolChoice::Auto), None, json!({"mode": "AUTO"})),
        (
            Some(ToolChoice::Auto),
            Some(true),
            json!({"mode": "VALIDATED"}),
        ),
        (None, Some(true), json!({"mode": "VALIDATED"})),
        (Some(ToolChoice::None), None, json!({"mode": "NONE"})),
        (Some(ToolChoice::Required), None, json!({"mode": "ANY"})),
        (
            Some(ToolChoice::Tool("f".to_owned())),
            None,
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
        (
            Some(allowed(true)),
            None,
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
        (
            Some(allowed(false)),
            None,
            json!({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        ),
    ] {
        let mut request = ChatRequest::from("Hi").with_tool(function(strict));
        request.tool_choice = choice;
        assert_eq!(
            write(&request)["toolConfig"]["functionCallingConfig"],
            config
        );
    }
}

#[test]
fn a_choice_without_functions_is_left_out() {
    let search = Native::new(origin(), json!({"googleSearch": {}}));
    let mut request = ChatRequest::from("Hi").with_tool(ToolDefinition::Native(search));
    request.tool_choice = Some(ToolChoice::Auto);
    let body = write(&request);
    assert_eq!(body["tools"], json!([{"googleSearch": {}}]));
    assert_eq!(body.get("toolConfig"), None);
}
