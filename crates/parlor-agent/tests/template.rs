//! Prompts with declared variables: what they make, and what each mistake is told as.

#![allow(clippy::unwrap_used)]

use parlor_agent::{Conversation, Template, TemplateBuilder, Variable, VariableKind};
use parlor_core::*;
use parlor_testkit::Scripted;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;

fn text(name: &str) -> Variable {
    Variable::new(name, VariableKind::Text)
}

/// A greeting that wants a name and may have a count.
fn greeting() -> Template {
    Template::builder()
        .with_variable(text("name"))
        .with_variable(Variable::new("count", VariableKind::Integer).with_default(1))
        .with_variable(text("place").optional())
        .with_system("{% if place %}You are in {{ place }}.{% endif %}")
        .with_placeholder("history", [])
        .with_user("Hello {{ name }}{{ '!' * count }}")
        .build()
        .unwrap()
}

fn mistake(values: Value) -> String {
    let error = greeting().format(values).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    error.message().to_owned()
}

fn refused(builder: TemplateBuilder) -> String {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    error.message().to_owned()
}

#[test]
fn values_become_messages() {
    let template = greeting();
    let messages = template.format(json!({"name": "Ada"})).unwrap();
    assert_eq!(messages, [Message::user("Hello Ada!")]);

    #[derive(Serialize)]
    struct Values {
        name: &'static str,
        count: u8,
        place: Option<&'static str>,
    }
    let values = Values {
        name: "Ada",
        count: 3,
        place: Some("Oslo"),
    };
    let said = [Message::user("Hi"), Message::assistant("Hello")];
    let messages = template.format_with(values, [("history", said.to_vec())]);
    let [first, second] = said;
    let expected = [
        Message::system("You are in Oslo."),
        first,
        second,
        Message::user("Hello Ada!!!"),
    ];
    assert_eq!(messages.unwrap(), expected);
}

#[test]
fn mistakes_are_named_all_at_once() {
    let message = mistake(json!({"nam": "Ada", "count": 1.5, "plaze": 1}));
    for part in [
        "`count` must be a whole number and is a number with a fraction",
        "no value for `name`",
        "no variable `nam`, `plaze`; there is `count`, `name`, `place`",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(mistake(json!({"name": 7})).contains("`name` must be a text and is a whole number"));
    assert!(mistake(json!({"name": null})).contains("no value for `name`"));
    assert!(mistake(json!(["Ada"])).contains("the values are a list"));
    assert!(mistake(json!(null)).contains("no value for `name`"));
    let error = greeting().format_with(json!({"name": "Ada"}), [("histroy", vec![])]);
    let error = error.unwrap_err();
    assert!(
        error
            .message()
            .contains("no placeholder `histroy`; it has `history`")
    );
}

#[test]
fn each_type_admits_its_own() {
    use VariableKind::*;
    let values = [
        (json!("a"), vec![Text]),
        (json!(-1), vec![Integer, Number]),
        (json!(u64::MAX), vec![Integer, Number]),
        (json!(0.5), vec![Number]),
        (json!(true), vec![Boolean]),
        (json!([1]), vec![List]),
        (json!({"a": 1}), vec![Object]),
    ];
    for kind in [Text, Integer, Number, Boolean, List, Object, Any] {
        let template = Template::builder()
            .with_variable(Variable::new("it", kind))
            .with_user("{{ it }}")
            .build()
            .unwrap();
        for (value, kinds) in &values {
            let made = template.format(json!({"it": value}));
            assert_eq!(
                made.is_ok(),
                kind == Any || kinds.contains(&kind),
                "{kind:?} {value}"
            );
        }
    }
}

#[test]
fn templates_are_checked_before_they_are_used() {
    let build = Template::builder;
    let message = refused(build().with_user("{{ naem }} {% for a in b %}{{ a }}{% endfor %}"));
    assert!(message.contains("message 1 uses `b`, `naem`"), "{message}");
    let message = refused(build().with_user("fine").with_user("one\n{{ two"));
    assert!(message.contains("message 2:2"), "{message}");
    let twice = build().with_variable(text("a")).with_variable(text("a"));
    assert!(refused(twice.with_user("x")).contains("`a` is declared twice"));
    let default = build().with_variable(text("a").with_default(5));
    assert!(refused(default.with_user("x")).contains("the default of `a` must be a text"));
    assert!(refused(build()).contains("no message"));
    assert!(refused(build().with_message(Role::Tool, "x")).contains("tool"));
    let twice = build().with_placeholder("h", []).with_placeholder("h", []);
    assert!(refused(twice).contains("`h` is there twice"));
    // Functions of the language need no declaration.
    build()
        .with_user("{% for i in range(3) %}{{ i }}{% endfor %}")
        .build()
        .unwrap();
}

#[test]
fn what_a_template_cannot_do_is_an_error() {
    let try_it = |source: &str, value: Value| {
        let variable = Variable::new("it", VariableKind::Any);
        let template = Template::builder()
            .with_variable(variable)
            .with_user(source);
        template.build().unwrap().format(json!({"it": value}))
    };
    let error = |source: &str, value| {
        let error = try_it(source, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{source}");
        error.message().to_owned()
    };
    assert!(error("{{ it.name }}", json!({"nam": 1})).contains("message 1:1"));
    assert_eq!(
        try_it("{{ it.name | default('you') }}", json!({})).unwrap(),
        [Message::user("you")]
    );
    assert!(error(" {{ it }} ", json!("")).contains("message 1 comes out blank"));
    // Endless work ends.
    let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}x";
    assert!(error(endless, json!(1)).contains("fuel"));
    // No files are read.
    let include = Template::builder().with_user("{% include 'secret' %}");
    assert!(include.build().is_err());
}

#[test]
fn examples_are_made_alike() {
    let pair = |a: &str, b: &str| match json!({"word": a, "opposite": b}) {
        Value::Object(map) => map,
        _ => unreachable!(),
    };
    let examples = |pairs| {
        Template::builder().with_examples(
            "What is not {{ word }}?",
            "{{ opposite | upper }}",
            pairs,
        )
    };
    let template = examples(vec![pair("hot", "cold"), pair("up", "down")])
        .build()
        .unwrap();
    let expected = [
        Message::user("What is not hot?"),
        Message::assistant("COLD"),
        Message::user("What is not up?"),
        Message::assistant("DOWN"),
    ];
    assert_eq!(template.format(()).unwrap(), expected);
    let mut short = pair("hot", "cold");
    short.shift_remove("opposite");
    let message = refused(examples(vec![pair("up", "down"), short.clone()]));
    assert!(
        message.contains("message 1, examples: ") && message.contains("`opposite`"),
        "{message}"
    );
    assert!(refused(examples(vec![short])).contains("`opposite`"));
    let literal = Template::builder()
        .with_example("{{ 1 }}", "{% 2")
        .build()
        .unwrap();
    let expected = [Message::user("{{ 1 }}"), Message::assistant("{% 2")];
    assert_eq!(literal.format(()).unwrap(), expected);
}

#[test]
fn toml_says_the_same() {
    let template = Template::from_toml(
        r#"
        [variables]
        name = "text"
        count = { type = "integer", default = 1 }
        place = { type = "text", optional = true, description = "Where." }

        [[messages]]
        role = "developer"
        text = "{% if place %}You are in {{ place }}.{% endif %}"

        [[messages]]
        placeholder = "history"

        [[messages]]
        role = "user"
        text = "Hello {{ name }}{{ '!' * count }}"
        "#,
    );
    let template = template.unwrap();
    for values in [
        json!({"name": "Ada"}),
        json!({"name": "Bo", "count": 2, "place": "X"}),
    ] {
        let (read, made) = (template.format(&values), greeting().format(&values));
        assert_eq!(read.unwrap(), made.unwrap());
    }
    let place = template.variables().find(|it| it.name == "place").unwrap();
    assert_eq!(place.description.as_deref(), Some("Where."));
    assert_eq!(template.placeholders().collect::<Vec<_>>(), ["history"]);
}

#[test]
fn mistakes_in_toml_are_told() {
    let refused = |toml: &str, part: &str| {
        let error = Template::from_toml(toml).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(part), "{toml}: {error}");
    };
    let user = "\n[[messages]]\nrole = \"user\"\ntext = \"x\"\n";
    refused("", "messages");
    refused("messages = [", "line 1");
    refused(
        &format!("[variables]\na = \"word\"{user}"),
        "the variable `a`",
    );
    refused(
        &format!("[variables]\na = {{ typ = \"text\" }}{user}"),
        "`typ`",
    );
    refused(&format!("variable = 1{user}"), "`variable`");
    refused("[[messages]]\nrole = \"user\"", "message 1 must have");
    refused(&format!("{user}placeholder = \"h\""), "message 1 must have");
    refused("[[messages]]\nrole = \"owner\"\ntext = \"x\"", "owner");

    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("template-mistake.toml");
    let error = Template::from_file(folder.join("template-nowhere.toml")).unwrap_err();
    assert!(error.message().contains("template-nowhere.toml"), "{error}");
    std::fs::write(&path, user.replace("\"x\"", "\"{{ x }}\"")).unwrap();
    let error = Template::from_file(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error
            .message()
            .contains("template-mistake.toml: message 1 uses `x`"),
        "{error}"
    );
}

#[test]
fn a_value_of_the_same_form_is_a_template_too() {
    let form = json!({
        "variables": {"name": "text"},
        "messages": [{"role": "user", "text": "Hello {{ name }}!"}],
    });
    let template = Template::from_value(form).unwrap();
    let messages = template.format(json!({"name": "Ada"})).unwrap();
    assert_eq!(messages, [Message::user("Hello Ada!")]);
    let error = Template::from_value(json!({"mesages": []})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("`mesages`"), "{error}");
}

#[tokio::test]
async fn a_conversation_says_what_a_template_makes() {
    let model = Scripted::answering("Hi");
    let mut chat = Conversation::new(model.clone());
    chat.send(greeting().format(json!({"name": "Ada"})).unwrap())
        .await
        .unwrap();
    let history = chat.history().messages();
    let messages = greeting().format_with(json!({"name": "Bo"}), [("history", history)]);
    let texts: Vec<_> = messages.unwrap().iter().map(Message::text).collect();
    assert_eq!(texts, ["Hello Ada!", "Hi", "Hello Bo!"]);
}

proptest! {
    #[test]
    fn values_are_never_read_as_templates(value in "(\\{\\{|\\}\\}|\\{%|%\\}|[ a-z'\"<&\\n\\\\#])*x") {
        let template = Template::builder().with_variable(text("it")).with_user("{{ it }}");
        let messages = template.build().unwrap().format(json!({"it": &value})).unwrap();
        prop_assert_eq!(messages, [Message::user(value)]);
    }

    #[test]
    fn no_text_panics(source in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}| |if|for|in|a|\\.|\\||upper|\\[|\\]|\\(|'|-|1|\\n)*") {
        let variable = Variable::new("a", VariableKind::Any).with_default(json!({"b": [1]}));
        let builder = Template::builder().with_variable(variable).with_user(&source);
        if let Ok(template) = builder.build() {
            let _ = template.format(());
        }
        let _ = Template::from_toml(&source);
    }
}
