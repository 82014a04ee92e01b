//! Settings by model: what is written, changed, left out or refused.

use super::*;

const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

fn asked(change: impl FnOnce(&mut ChatRequest)) -> ChatRequest {
    let mut request = ChatRequest::from("Hi");
    change(&mut request);
    request
}

#[test]
fn reasoning_is_asked_for_by_family() {
    let wishes = |effort: Effort| asked(|it| it.reasoning = Some(effort.into()));
    let fields = |request: &ChatRequest, model: &str| {
        let written = write_for(request, model).unwrap();
        (
            written.body["additionalModelRequestFields"].clone(),
            written.body["outputConfig"].clone(),
            written.warnings.len(),
        )
    };
    let high = wishes(Effort::High);
    let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 16384}});
    assert_eq!(fields(&high, MODEL), (budget, Value::Null, 1));
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let effort = json!({"effort": "high"});
    let newer = "global.anthropic.claude-opus-4-8";
    assert_eq!(fields(&high, newer), (adaptive, effort, 0));
    let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}});
    assert_eq!(fields(&high, NOVA), (nova, Value::Null, 0));
    let gpt = json!({"reasoning_effort": "high"});
    assert_eq!(
        fields(&high, "openai.gpt-oss-120b-1:0"),
        (gpt, Value::Null, 0)
    );
    let nearest = json!({"reasoning_effort": "high"});
    let most = fields(&wishes(Effort::Max), "openai.gpt-oss-20b-1:0");
    assert_eq!(most, (nearest, Value::Null, 1));
    let none = (Value::Null, Value::Null, 1);
    assert_eq!(fields(&high, "deepseek.r1-v1:0"), none);
    let off = wishes(Effort::Off);
    assert_eq!(fields(&off, "deepseek.r1-v1:0").2, 0);
    let disabled = json!({"reasoningConfig": {"type": "disabled"}});
    assert_eq!(fields(&off, NOVA).0, disabled);
    let quirks = json!({"family": "nova"});
    let arn = ModelInfo::new(
        "bedrock",
        "arn:aws:bedrock:us-east-1:1:inference-profile/abc",
    );
    let written = write_with(&off, quirks, &arn).unwrap();
    assert_eq!(written.body["additionalModelRequestFields"], disabled);
}

#[test]
fn reasoning_of_every_family_is_read() {
    let read = |fields: Value, config: Value| {
        let request = super::read(&json!({"messages": [],
            "additionalModelRequestFields": fields, "outputConfig": config}));
        assert!(request.extra.is_empty(), "{:?}", request.extra);
        request.reasoning.unwrap()
    };
    let none = Value::Null;
    let budget = json!({"type": "enabled", "budget_tokens": 1024});
    for name in ["thinking", "reasoning_config"] {
        let fields = json!({ name: budget });
        assert_eq!(read(fields, none.clone()), ReasoningConfig::budget(1024));
    }
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let effort = json!({"effort": "low"});
    assert_eq!(read(adaptive.clone(), effort), Effort::Low.into());
    assert_eq!(read(adaptive, none.clone()), Effort::Auto.into());
    let off = json!({"thinking": {"type": "disabled"}});
    assert_eq!(read(off, none.clone()), Effort::Off.into());
    let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}});
    assert_eq!(read(nova, none.clone()), Effort::Low.into());
    let gpt = json!({"reasoning_effort": "medium"});
    assert_eq!(read(gpt, none), Effort::Medium.into());
}

#[test]
fn sampling_settings_fit_the_model() {
    let request = asked(|it| {
        it.temperature = Some(1.5);
        it.top_k = Some(7);
        it.stop = vec!["END".into(), " ".into()];
        it.seed = Some(1);
        it.user = Some("u".into());
        it.n = Some(2);
    });
    let written = write(&request);
    let wanted = json!({"temperature": 1.0, "stopSequences": ["END"]});
    assert_eq!(written.body["inferenceConfig"], wanted);
    let fields = json!({"top_k": 7});
    assert_eq!(written.body["additionalModelRequestFields"], fields);
    assert_eq!(
        written.warned(),
        ["temperature", "n", "seed", "stop", "user"]
    );
    let nova = write_for(&request, NOVA).unwrap();
    let fields = json!({"inferenceConfig": {"topK": 7}});
    assert_eq!(nova.body["additionalModelRequestFields"], fields);
    assert_eq!(super::read(&nova.body).top_k, Some(7));
    let llama = write_for(&request, "meta.llama3-3-70b-instruct-v1:0").unwrap();
    assert!(llama.warned().contains(&"top_k"));
    // While it thinks most of them must be left alone.
    let thinking = asked(|it| {
        it.temperature = Some(0.5);
        it.top_p = Some(0.5);
        it.top_k = Some(7);
        it.reasoning = Some(ReasoningConfig::budget(1024));
    });
    let written = write(&thinking);
    assert_eq!(written.warned(), ["temperature", "top_p", "top_k"]);
    assert_eq!(written.body.get("inferenceConfig"), None);
}

#[test]
fn tools_are_chosen_as_the_service_can() {
    let tool = |name: &str| ToolDefinition::function(name, " ", json!({}));
    let choice = |choice: ToolChoice| {
        let request = asked(|it| {
            it.tools = vec![tool("a"), tool("b")];
            it.tool_choice = Some(choice);
        });
        let written = write(&request);
        let config = written.body["toolConfig"].clone();
        let names = config["tools"].as_array().map(Vec::len).unwrap_or_default();
        (config["toolChoice"].clone(), names, written.warnings.len())
    };
    assert_eq!(choice(ToolChoice::Auto), (json!({"auto": {}}), 2, 0));
    assert_eq!(choice(ToolChoice::Required), (json!({"any": {}}), 2, 0));
    let one = json!({"tool": {"name": "a"}});
    assert_eq!(choice(ToolChoice::Tool("a".into())), (one, 2, 0));
    assert_eq!(choice(ToolChoice::None), (Value::Null, 0, 0));
    let allowed = ToolChoice::Allowed {
        tools: vec!["b".into()],
        required: true,
    };
    assert_eq!(choice(allowed), (json!({"any": {}}), 1, 1));
    let forced = asked(|it| {
        it.tools = vec![tool("a")];
        it.tool_choice = Some(ToolChoice::Required);
        it.reasoning = Some(ReasoningConfig::budget(1024));
    });
    let error = write_for(&forced, MODEL).map(|it| it.body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let written = write(&asked(|it| it.tools = vec![tool("a")]));
    let spec = json!({"name": "a", "inputSchema": {"json": {"type": "object", "properties": {}}}});
    assert_eq!(written.body["toolConfig"]["tools"][0]["toolSpec"], spec);
}

#[test]
fn media_must_be_here_or_in_s3_and_of_a_known_format() {
    let content = |media: Media| {
        let request = ChatRequest::new([Message::user("a").with(media)]);
        let written = write_for(&request, MODEL)?;
        let block = written.body["messages"][0]["content"][1].clone();
        Ok::<_, Error>((block, written.warnings.len()))
    };
    let image = json!({"image": {"format": "jpeg", "source": {"bytes": "AQ=="}}});
    let jpg = Media::bytes("image/jpg", vec![1]);
    assert_eq!(content(jpg).unwrap(), (image, 0));
    let mut nameless = Media::new(
        MediaKind::Image,
        MediaSource::Bytes(b"\x89PNG\r\n\x1a\n".to_vec().into()),
    );
    assert_eq!(
        content(nameless.clone()).unwrap().0["image"]["format"],
        "png"
    );
    nameless.source = MediaSource::Url("data:image/gif;base64,AQ==".into());
    assert_eq!(content(nameless).unwrap().0["image"]["format"], "gif");
    let s3 = Media::url(MediaKind::Video, "s3://b/f.3gp");
    let wanted =
        json!({"video": {"format": "three_gp", "source": {"s3Location": {"uri": "s3://b/f.3gp"}}}});
    assert_eq!(content(s3).unwrap(), (wanted, 0));
    let code = content(Media::bytes("application/x-rust", "fn".as_bytes())).unwrap();
    assert_eq!(
        (code.0["document"]["format"].as_str(), code.1),
        (Some("txt"), 1)
    );
    for wrong in [
        Media::url(MediaKind::Image, "https://example.org/a.png"),
        Media::bytes("image/tiff", vec![1]),
        Media::bytes("application/zip", vec![0xff]),
        Media::url(MediaKind::Image, "s3://b/f"),
        Media::new(MediaKind::Image, MediaSource::File("file-1".into())),
    ] {
        let error = content(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn documents_have_names_of_their_own_and_a_text_beside() {
    let named = |name: Option<&str>| {
        let mut media = Media::bytes("application/pdf", vec![1]);
        media.name = name.map(str::to_owned);
        Part::Media(media)
    };
    let parts = vec![
        named(None),
        named(Some("a.b  c")),
        named(Some("a-b c")),
        named(Some("Document 1")),
    ];
    let written = write(&ChatRequest::new([Message::new(Role::User, parts)]));
    let content = written.body["messages"][0]["content"].as_array().unwrap();
    let names: Vec<_> = content
        .iter()
        .filter_map(|it| it["document"]["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["Document 1", "a-b c", "a-b c (2)", "Document 1 (2)"]
    );
    assert_eq!(content[0], json!({"text": "Document 1"}));
    assert_eq!(written.warned(), ["media.name", "messages.media"]);
}

#[test]
fn the_whole_prompt_may_be_cached() {
    let request = asked(|it| it.cache = Some(CacheHint::ttl(60)));
    let written = write(&request);
    let point = json!({"cachePoint": {"type": "default", "ttl": "5m"}});
    assert_eq!(written.body["messages"][0]["content"][1], point);
    assert_eq!(written.warned(), ["cache"], "the time was changed");
    let quirks = json!({"cache": false});
    let written = write_with(&request, quirks, &info()).unwrap();
    assert_eq!(
        written.body["messages"][0]["content"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(written.warned(), ["cache"]);
}

#[test]
fn what_a_model_is_known_to_lack_is_refused_or_left_out() {
    let lacking = |capability, request: &ChatRequest| {
        let mut info = info();
        info.capabilities = Capabilities::UNKNOWN.lacking(&[capability]);
        write_with(request, json!({}), &info)
    };
    let schema = OutputSchema::new("a", json!({"type": "object"}));
    for (capability, request) in [
        (
            Capability::Tools,
            asked(|it| it.tools = vec![ToolDefinition::function("a", "", json!({}))]),
        ),
        (
            Capability::JsonSchema,
            asked(|it| it.output = Some(OutputFormat::JsonSchema(schema))),
        ),
        (
            Capability::ImageInput,
            ChatRequest::new([Message::user("a").with(Media::bytes("image/png", vec![1]))]),
        ),
        (
            Capability::Prefill,
            ChatRequest::new([Message::user("a"), Message::assistant("b")]),
        ),
    ] {
        let error = lacking(capability, &request).map(|it| it.body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{capability:?}");
    }
    let warm = asked(|it| it.temperature = Some(0.5));
    let written = lacking(Capability::Sampling, &warm).unwrap();
    assert_eq!(written.warned(), ["temperature"]);
    let json = asked(|it| it.output = Some(OutputFormat::Json));
    let error = write_for(&json, MODEL).map(|it| it.body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn temperature_goes_without_top_p_where_one_is_taken() {
    let request = asked(|it| (it.temperature, it.top_p) = (Some(0.3), Some(0.5)));
    let written = write(&request);
    assert_eq!(written.warned(), ["top_p"]);
    assert_eq!(written.body["inferenceConfig"], json!({"temperature": 0.3}));
    let written = write_for(&request, "amazon.nova-lite-v1:0").unwrap();
    let both = json!({"temperature": 0.3, "topP": 0.5});
    assert_eq!(
        (written.warned().len(), &written.body["inferenceConfig"]),
        (0, &both)
    );
}

/// How many cache points stand in the messages, and what was complained of.
fn points(request: &ChatRequest, model: &str) -> (usize, Vec<String>) {
    let written = write_for(request, model).unwrap();
    let count = written.body.to_string().matches("cachePoint").count();
    let warned = written.warned().into_iter().map(str::to_owned);
    (count, warned.collect())
}

#[test]
fn cache_points_go_to_models_that_take_them() {
    let request = asked(|it| it.cache = Some(CacheHint::default()));
    let own = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc";
    for model in [MODEL, "amazon.nova-2-lite-v1:0", own] {
        assert_eq!(points(&request, model), (1, vec![]), "{model}");
    }
    let others = ["meta.llama4-maverick-17b-instruct-v1:0", "deepseek.r1-v1:0"];
    for model in others {
        assert_eq!(points(&request, model), (0, vec!["cache".into()]));
    }
}

#[test]
fn the_last_four_cache_points_are_kept() {
    let marked = |text: String| {
        let mut text = Text::new(text);
        text.cache = Some(CacheHint::default());
        Part::Text(text)
    };
    let turns = (0..6).map(|at| {
        let role = [Role::User, Role::Assistant][at % 2];
        Message::new(role, vec![marked(format!("turn {at}"))])
    });
    let system = Message::new(Role::System, vec![marked("Be brief.".into())]);
    let messages: Vec<Message> = [system].into_iter().chain(turns).collect();
    let request = ChatRequest::new(messages);
    assert_eq!(points(&request, MODEL), (4, vec!["cache".into()]));
    let written = write(&request);
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(written.body["system"][1], point);
    let kept = |at: usize| written.body["messages"][at]["content"][1] == point;
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(kept),
        [false, false, false, true, true, true]
    );
}

#[test]
fn more_media_than_the_host_takes_is_refused_before_it_is_sent() {
    let asked = |media: Vec<Media>| {
        let parts = [Part::text("look")].into_iter();
        let parts = parts.chain(media.into_iter().map(Part::Media));
        ChatRequest::new([Message::new(Role::User, parts.collect())])
    };
    let image = |bytes: usize| Media::bytes("image/png", vec![0; bytes]);
    let pdf = |bytes: usize| Media::bytes("application/pdf", vec![0; bytes]);
    let old = "anthropic.claude-3-haiku-20240307-v1:0";
    for (model, media, setting) in [
        (MODEL, vec![image(3_932_161)], "`image` of 3932161 bytes"),
        (MODEL, vec![image(1); 21], "`image` stands 21 times"),
        (MODEL, vec![pdf(1); 6], "`document` stands 6 times"),
        (old, vec![pdf(4_718_593)], "`document` of 4718593 bytes"),
    ] {
        let mut request = asked(media);
        let error = write_for(&request, model).map(|it| it.body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Media);
        assert!(error.message().starts_with(setting), "{error}");
        request.on_unsupported = Some(OnUnsupported::Warn);
        let written = write_for(&request, model).unwrap();
        assert!(written.warnings[0].message.starts_with(setting));
        let content = written.body["messages"][0]["content"].as_array().unwrap();
        assert!(content.len() <= 21);
    }
    for (model, media) in [
        (MODEL, vec![image(3_932_160)]),
        (MODEL, vec![image(1); 20]),
        (MODEL, vec![pdf(4_718_593)]),
        (old, vec![pdf(1); 5]),
        ("amazon.nova-pro-v1:0", vec![pdf(4_718_593)]),
    ] {
        let written = write_for(&asked(media), model).unwrap();
        assert!(written.warned().iter().all(|it| *it == "media.name"));
    }
    let quirks = json!({"limits": {"images": 100}});
    assert!(write_with(&asked(vec![image(1); 21]), quirks, &info()).is_ok());
}
