//! Answers as JSON by a schema.

use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran};
use serde_json::{Value, json};

const FIELDS: &str = "name, age int: in years";

fn answer(content: &str) -> Answer {
    let body = json!({
        "model": "m",
        "message": {"role": "assistant", "content": content},
        "done": true,
        "done_reason": "stop",
        "prompt_eval_count": 3,
        "eval_count": 4,
    });
    Answer(200, "content-type: application/json\r\n", body.to_string())
}

fn ask(home: &Home, url: &str, more: &[&str]) -> Ran {
    let mut words = vec!["-m", "ollama/m", "--schema", FIELDS];
    words.extend(more);
    let mut command = home.parlor(&words);
    Ran::of(command.env("OLLAMA_HOST", url).output().unwrap())
}

#[test]
fn the_answer_is_json_and_the_schema_is_sent() {
    let home = Home::new();
    let server = Server::start(vec![answer("{\"name\": \"Rex\",\n \"age\": 4}")]);
    let ran = ask(&home, &server.url, &["Invent a dog."]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "{\"name\":\"Rex\",\"age\":4}\n");
    let sent: Value = serde_json::from_str(&server.request().body).unwrap();
    assert_eq!(sent["format"]["properties"]["age"]["type"], "integer");
    assert_eq!(
        sent["format"]["properties"]["age"]["description"],
        "in years"
    );
    let kept = home.run(&["history", "--show", &id(&home)]).stdout;
    assert!(kept.contains("{\"name\":\"Rex\",\"age\":4}"), "{kept}");
}

fn id(home: &Home) -> String {
    let kept = home.run(&["history", "--json"]).json();
    kept[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_wrong_answer_is_put_right_once_and_its_tokens_count() {
    let home = Home::new();
    let server = Server::start(vec![
        answer("{\"name\": \"Rex\", \"age\": \"four\"}"),
        answer("Sorry!\n```json\n{\"name\": \"Rex\", \"age\": 4}\n```"),
    ]);
    let ran = ask(&home, &server.url, &["--json", "Invent a dog."]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let object = ran.json();
    assert_eq!(object["text"], "{\"name\":\"Rex\",\"age\":4}");
    assert_eq!(object["usage"]["output_tokens"], 8);
    server.request();
    let again = server.request().body;
    assert!(
        again.contains("`age` must be of the type integer"),
        "{again}"
    );
}

#[test]
fn a_schema_that_can_not_be_met_has_its_exit_code() {
    let home = Home::new();
    let wrong = || answer("There is no such dog.");
    let server = Server::start(vec![wrong(), wrong(), wrong(), wrong()]);
    let ran = ask(&home, &server.url, &["Invent a dog."]);
    ran.failed(10, "schema")
        .says(&["there is no JSON in it", "There is no such dog."]);
    assert_eq!(ran.stdout, "");
    let ran = ask(&home, &server.url, &["--json", "Invent a dog."]);
    assert_eq!((ran.code, &*ran.stdout), (Some(10), ""));
    let error = ran.error();
    assert_eq!(error["kind"], "validation");
    assert_eq!(error["partial"]["choices"].as_array().unwrap().len(), 1);
}

#[test]
fn a_schema_comes_from_a_file_or_stands_there_itself() {
    let home = Home::new();
    let schema = json!({
        "type": "array",
        "items": {"type": "string", "enum": ["red", "blue"]},
        "minItems": 2,
    });
    let file = home.file("colours.json", schema.to_string());
    for given in [&*file, &schema.to_string()] {
        let ran = home.pipe(&["-m", "echo", "--schema", given], "Two colours.");
        assert_eq!(ran.stdout, "[\"red\",\"red\"]\n", "{ran:?}");
    }
}

#[test]
fn a_schema_that_can_not_be_read_is_told_before_anything_is_asked() {
    let home = Home::new();
    let list = home.file("list.json", "[]");
    for (given, fact) in [
        ("name text", "unknown type `text`"),
        ("nowhere.json", "cannot read nowhere.json"),
        ("{\"type\":", "is no JSON"),
        (&*list, "must be an object"),
    ] {
        let ran = home.run(&["-m", "echo", "--schema", given, "Hi"]);
        ran.failed(2, "schema").says(&[fact]);
    }
    home.run(&["-m", "echo", "--schema", "name text", "-i"])
        .failed(2, "schema");
}
