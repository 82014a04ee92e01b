//! Answers in JSON within a conversation.

use crate::common::Home;
use crate::common::pty::Pty;
use crate::common::server::{Answer, Server};
use serde_json::{Value, json};

fn answer(content: &str) -> Answer {
    let line = json!({
        "model": "m",
        "message": {"role": "assistant", "content": content},
        "done": true,
        "done_reason": "stop",
        "prompt_eval_count": 3,
        "eval_count": 4,
    });
    let headers = "content-type: application/x-ndjson\r\n";
    Answer(200, headers, format!("{line}\n"))
}

fn talk(home: &Home, server: &Server, words: &[&str]) -> Pty {
    let words = [&["-m", "ollama/m"], words].concat();
    Pty::new(home, &words, &[("OLLAMA_HOST", &server.url)], true)
}

fn sent(server: &Server) -> Value {
    serde_json::from_str(&server.request().body).unwrap()
}

#[test]
fn the_next_answer_is_a_value_and_the_one_after_it_words() {
    let home = Home::new();
    let server = Server::start(vec![
        answer("{\"name\":\"Rex\",\"age\":4}"),
        answer("Woof."),
    ]);
    let mut pty = talk(&home, &server, &[]);
    pty.enters("/schema name text");
    pty.shows("error[schema]: --schema: `name` has the unknown type `text`");
    pty.enters("/schema");
    pty.shows("The next answer is in words.");
    pty.enters("/schema name, age int");
    pty.shows("The next answer is JSON: name, age.");
    pty.enters("Invent a dog.");
    pty.shows("  \"name\": \"Rex\",\n  \"age\": 4\n}");
    pty.shows("ollama/m · 7 tok");
    assert_eq!(sent(&server)["format"]["required"], json!(["name", "age"]));
    pty.enters("What does it say?");
    pty.shows("\nWoof.\n");
    let second = sent(&server);
    assert_eq!(second["format"], Value::Null);
    // What was answered is part of what was said.
    assert!(second["messages"].to_string().contains("Rex"), "{second}");
    pty.enters("/quit");
    assert_eq!(pty.ended(), 0);
    let listed = home.run(&["history", "--json"]).json();
    assert_eq!(listed[0]["turns"], 2);
}

#[test]
fn an_answer_that_does_not_fit_is_told_as_elsewhere_and_the_schema_stays() {
    let home = Home::new();
    let wrong = || answer("There is no such dog.");
    let file = home.file("list.json", "{\"title\": \"dogs\", \"type\": \"array\"}");
    let server = Server::start(vec![wrong(), wrong(), answer("[1]"), answer("Two.")]);
    let mut pty = talk(&home, &server, &[]);
    pty.enters(&format!("/schema {file}"));
    pty.shows("The next answer is JSON: dogs.");
    pty.enters("Invent dogs.");
    pty.shows("error[schema]: ");
    pty.shows("/schema off");
    sent(&server);
    sent(&server);
    pty.enters("/retry");
    pty.shows("\n[\n  1\n]");
    assert_ne!(sent(&server)["format"], Value::Null);
    pty.enters("/schema name");
    pty.shows("JSON: name.");
    pty.enters("/schema off");
    pty.shows("The next answer is in words.");
    pty.enters("How many?");
    pty.shows("\nTwo.\n");
    assert_eq!(sent(&server)["format"], Value::Null);
}

#[test]
fn a_template_with_a_schema_is_asked_by() {
    let home = Home::new();
    let dog = "schema = \"name\"\nprompt = \"A dog.\"\n";
    home.file(".config/parlor/templates/dog.toml", dog);
    let brief = "schema = \"name\"\nsystem = \"Be brief.\"\n";
    let brief = home.file("brief.toml", brief);
    let rex = || answer("{\"name\":\"Rex\"}");
    let server = Server::start(vec![rex(), rex(), rex()]);
    let mut pty = talk(&home, &server, &["-t", &brief]);
    pty.shows("The next answer is JSON: name.");
    pty.enters("A cat.");
    pty.shows("\"name\": \"Rex\"");
    assert_ne!(sent(&server)["format"], Value::Null);
    pty.enters("/template dog");
    pty.until(|shown| shown.matches("\"name\": \"Rex\"").count() == 2);
    assert_ne!(sent(&server)["format"], Value::Null);
    let mut pty = talk(&home, &server, &["-t", "dog", "-i"]);
    pty.shows("\"name\": \"Rex\"");
    assert_ne!(sent(&server)["format"], Value::Null);
    pty.enters("/schema");
    pty.shows("The next answer is in words.");
}

#[test]
fn the_first_answer_of_a_conversation_has_the_shape_that_the_option_says() {
    let home = Home::new();
    let rex = || answer("{\"name\":\"Rex\"}");
    let server = Server::start(vec![rex(), answer("Woof."), answer("A cat?"), rex()]);
    let shaped = ["--schema", "name", "-i"];
    let mut pty = talk(&home, &server, &[&shaped[..], &["Invent a dog."]].concat());
    pty.shows("  \"name\": \"Rex\"\n}");
    assert_eq!(sent(&server)["format"]["required"], json!(["name"]));
    pty.enters("What does it say?");
    pty.shows("\nWoof.\n");
    assert_eq!(sent(&server)["format"], Value::Null);

    // Without a question it is the next answer's, until that is taken back.
    let mut pty = talk(&home, &server, &shaped);
    pty.shows("The next answer is JSON: name.");
    pty.enters("/schema off");
    pty.enters("Hello?");
    pty.shows("\nA cat?\n");
    assert_eq!(sent(&server)["format"], Value::Null);
    pty.types("\x04");

    // Another one wins over a template's.
    let file = home.file("dog.toml", "schema = \"age int\"\nprompt = \"A dog.\"\n");
    let mut pty = talk(&home, &server, &[&shaped[..], &["-t", &file]].concat());
    pty.shows("\"name\": \"Rex\"");
    assert_eq!(sent(&server)["format"]["required"], json!(["name"]));
}
