//! What is wrong on the command line, in files and in the configuration: one
//! screen, the right exit code, no trace.

use crate::common::Home;

#[test]
fn a_command_line_that_cannot_be_followed() {
    let home = Home::new();
    home.run(&["--nonsense"])
        .failed(2, "usage")
        .says(&["--nonsense", "parlor chat --help"]);
    home.run(&["models", "--outpt", "json"])
        .failed(2, "usage")
        .says(&["--output", "parlor models --help"]);
    for nothing in [&[][..], &[""], &["  "]] {
        home.run(nothing)
            .failed(2, "usage")
            .says(&["there is no prompt"]);
    }
    home.run(&["-m", "echo", "--output", "yaml", "Hi"])
        .failed(2, "usage")
        .says(&["yaml", "events"]);
    home.run(&["-m", "echo", "--temperature", "hot", "Hi"])
        .failed(2, "usage");
    home.run(&["-m", "echo", "--temperature", "NaN", "Hi"])
        .failed(2, "usage");
    // A word behind these is no value of theirs, and a question of little use.
    for words in [
        &["--reasoning", "high", "Why?"][..],
        &["--reasoning", "2000", "Why?"],
        &["-c", "pick"],
        &["--continue", "pick"],
    ] {
        let joined = format!("{}={}", words[0], words[1]);
        home.run(&[&["-m", "echo"], words].concat())
            .failed(2, "usage")
            .says(&[&joined, &format!("{} \"{} …\"", words[0], words[1])]);
    }
    for (word, told) in [("modles", true), ("model", true), ("modern", false)] {
        let ran = home.run(&["-m", "echo", word]);
        let note = format!("note: `{word}` is asked; the command is parlor models\n");
        assert_eq!(ran.stderr == note, told, "{ran:?}");
    }
    for words in [
        &["--reasoning", "--", "high", "time"][..],
        &["--reasoning", "high time"],
    ] {
        let ran = home.run(&[&["-m", "echo"], words].concat());
        assert_eq!(ran.stdout, "high time\n");
    }
    home.run(&["-m", "echo", "-c", "--replay", "a", "Hi"])
        .failed(2, "usage")
        .says(&["a number of turns"]);
    home.run(&["history", "--limit", "0"]).failed(2, "usage");
    for option in ["--config", "--env-file"] {
        home.run(&["-m", "echo", option, "nofile", "Hi"])
            .failed(3, "config")
            .says(&["nofile: cannot read", "Check the path"]);
    }
    for tokens in ["0", "-1", "many"] {
        home.run(&["-m", "echo", &format!("--max-tokens={tokens}"), "Hi"])
            .failed(2, "usage")
            .says(&["a whole number from 1", "parlor chat --help"]);
    }
    home.run(&["models", "--ability", "flies"])
        .failed(2, "usage")
        .says(&["sees", "parlor models --help"]);
    home.run(&["-m", "echo", "--reasoning=much", "Hi"])
        .failed(2, "usage")
        .says(&["medium"]);
    home.run(&["-m", "echo", "-a", "-", "-"])
        .failed(2, "usage")
        .says(&["only once"]);
    home.run(&["-m", "echo", "--no-stdin", "-"])
        .failed(2, "usage");
    home.run(&["-m", "x", "--base-url", "ftp://host", "Hi"])
        .failed(2, "usage")
        .says(&["http://"]);
    home.run(&["-m", "x", "--base-url", "localhost:8080/v1", "Hi"])
        .failed(2, "usage")
        .says(&["write http://localhost:8080/v1"]);
}

#[test]
fn a_failure_is_json_where_json_is_asked_for() {
    let home = Home::new();
    for form in ["--output=json", "--output=events"] {
        let ran = home.run(&[form, "--nonsense"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        assert_eq!(ran.stderr.lines().count(), 1);
        let error = ran.error();
        assert_eq!(error["kind"], "usage");
        assert!(error["message"].as_str().unwrap().contains("--nonsense"));
    }
    let error = home
        .run(&["--output", "json", "-m", "nobody/x", "Hi"])
        .error();
    let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "kind",
            "message",
            "help",
            "provider",
            "model",
            "status",
            "code",
            "retry",
            "request_id",
            "partial"
        ]
    );
    assert_eq!(error["kind"], "model_not_found");
}

#[test]
fn a_model_or_provider_that_is_not_there() {
    let home = Home::new();
    home.run(&["-m", "echoo/echo", "Hi"])
        .failed(5, "model-not-found")
        .says(&["echoo"]);
    home.run(&["-m", "echo/other", "Hi"])
        .failed(5, "model-not-found")
        .says(&["other"]);
    home.run(&["-m", "", "Hi"]).failed(5, "model-not-found");
    let ran = home.run(&["-m", "openai/", "Hi"]);
    ran.failed(5, "model-not-found")
        .says(&["names a provider and no model"]);
    assert!(!ran.stderr.contains("--provider \n"), "{ran:?}");
    // Of many providers none are listed that are not near.
    let ran = home.run(&["-m", "zzzz/zzzz", "Hi"]);
    ran.failed(5, "model-not-found")
        .says(&["parlor providers lists all"]);
    assert!(ran.stderr.len() < 250, "{ran:?}");
    home.run(&["models", "--provider", "nobody"])
        .failed(3, "config")
        .says(&["nobody", "parlor providers lists all"]);
}

#[test]
fn a_provider_whose_address_is_everyones_own() {
    let home = Home::new();
    home.run(&["-m", "azure/gpt-5.5", "Hi"])
        .failed(3, "config")
        .says(&["no address is configured", "Set AZURE_OPENAI_ENDPOINT"]);
}

#[test]
fn an_attachment_that_cannot_be_read() {
    let home = Home::new();
    let ask = |what: &str| home.run(&["-m", "echo", "-a", what, "What?"]);
    ask("missing.png")
        .failed(2, "attachment")
        .says(&["missing.png", "no such file"]);
    ask(".").failed(2, "attachment").says(&["folder"]);
    let blob = home.file("blob", b"\x00\x01\xfe\xff");
    ask(&blob)
        .failed(2, "attachment")
        .says(&["neither text nor"]);
    home.pipe(&["-m", "echo", "What?"], b"\x00\x01\xfe\xff")
        .failed(2, "attachment")
        .says(&["stdin is neither"]);
}

#[test]
fn an_attachment_that_the_model_cannot_take() {
    let home = Home::new();
    let sound = home.file("a.wav", b"RIFF\0\0\0\0WAVEfmt ");
    let mut command = home.parlor(&["-m", "openai/gpt-5.4-mini", "-a", &sound, "Hi"]);
    command.env("OPENAI_API_KEY", "sk-test-0123456789");
    crate::common::Ran::of(command.output().unwrap())
        .failed(1, "unsupported")
        .says(&[
            "`audio`",
            "which supports it, or leave out `audio`",
            "--ability hears",
        ]);
}

#[test]
fn a_request_that_is_not_one() {
    let home = Home::new();
    let ask = |json: &str| home.pipe(&["-m", "echo", "--request", "-"], json);
    ask("{\n  \"messages\": [{\"role\": \"user\",}]\n}")
        .failed(2, "request")
        .says(&["stdin:2:32: "]);
    ask(r#"{"messages": [], "temprature": 1}"#)
        .failed(2, "request")
        .says(&["stdin:1:", "temprature"]);
    ask(r#"{"model": "gpt", "messages": []}"#)
        .failed(2, "request")
        .says(&["stdin:1:8: ", "give the model as -m PROVIDER/MODEL"]);
    ask(r#"{"max_output_tokens": 0, "messages": [{"role": "user", "parts": "Hi"}]}"#)
        .failed(2, "request")
        .says(&["max_output_tokens"]);
    ask("").failed(2, "request").says(&["stdin:1:0: EOF"]);
    ask(r#"{"messages": []}"#)
        .failed(2, "usage")
        .says(&["no message"]);
    home.run(&["-m", "echo", "--request", "none.json"])
        .failed(2, "request")
        .says(&["none.json"]);
}

#[test]
fn a_configuration_that_is_wrong() {
    let home = Home::new();
    let named = home.file("named.toml", "default_model = 3\n");
    home.run(&["--config", &named, "Hi"])
        .failed(3, "config")
        .says(&["named.toml:1:17: "]);
    home.run(&["--config", "none.toml", "Hi"])
        .failed(3, "config")
        .says(&["none.toml"]);

    let secret = "sk-secretsecretsecret9876";
    home.config(&format!("[providers.openai]\napi_kee = \"{secret}\"\n"));
    for arguments in [
        &["-m", "echo", "Hi"][..],
        &["models"],
        &["providers"],
        &["doctor"],
    ] {
        let ran = home.run(arguments);
        ran.failed(3, "config")
            .says(&["config.toml:2:1: ", "api_kee"]);
        assert!(!ran.stderr.contains("secretsecret"), "{ran:?}");
        assert!(!ran.stdout.contains("secretsecret"), "{ran:?}");
    }
    let mut command = home.parlor(&["-m", "echo", "Hi"]);
    command.env("PARLOR_CONFIG", "nowhere.toml");
    crate::common::Ran::of(command.output().unwrap())
        .failed(3, "config")
        .says(&["nowhere.toml", "PARLOR_CONFIG"]);
}

#[test]
fn what_a_model_cannot_do_names_one_that_can() {
    let home = Home::new();
    home.config(
        "[providers.mine]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\n\
         { id = \"quick-1\", lacks = [\"image_input\"] },\n\
         { id = \"quick-2\", features = [\"image_input\"] },\n]\n",
    );
    let image = home.file("cat.png", b"\x89PNG\r\n\x1a\n");
    home.run(&["-m", "mine/quick-1", "-a", &image, "What is it?"])
        .failed(1, "unsupported")
        .says(&[
            "`image` is not supported by this model",
            "Use `mine/quick-2`",
            "parlor models --ability sees",
        ]);
}
