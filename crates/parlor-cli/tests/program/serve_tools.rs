//! The tools of the service: named in its configuration, looked at before anybody is served.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::common::{Home, Ran};
use serde_json::{Value, json};

const PROGRAM: &str = "[tools.weather]\ncommand = [\"/bin/cat\"]\ndescription = \"The weather.\"\n\
                       effect = \"read\"\n[tools.post]\ncommand = \"/bin/cat\"\n\
                       description = \"Posts.\"\n[tools.fetch_url]\npolicy = \"deny\"\n";

fn check(settings: &str) -> Ran {
    let home = Home::new();
    home.config(&format!("[serve]\n{settings}\n{PROGRAM}"));
    home.run(&["serve", "--check"])
}

#[test]
fn what_is_wrong_with_named_tools_is_said() {
    let right = check("tools = [\"time\", \"weather\", \"post\"]");
    assert_eq!(right.code, Some(0), "{right:?}");
    for (settings, words) in [
        (
            "tools = [\"tmie\", \"wether\"]",
            &["there is no tool `tmie`", "did you mean `weather`?"][..],
        ),
        ("tools = [\"all\"]", &["a service has no `all`"]),
        ("tools = [\"read_file\"]", &["`read_file` needs the folder"]),
        ("tools = [\"time\"]\nfiles = \".\"", &["isn't named"]),
        (
            "tools = [\"read_file\"]\nfiles = \"nowhere\"",
            &["nowhere is no folder"],
        ),
        ("tools = \"time\"", &["expected a sequence"]),
        ("approval_timeout = 5", &["expected a duration"]),
    ] {
        check(settings).failed(3, "config").says(words);
    }
    let home = Home::new();
    home.config(
        "[serve]\ntools = [\"gone\"]\n[tools.gone]\ncommand = \"./gone\"\ndescription = \"Gone.\"\n",
    );
    let told = home.run(&["serve", "--check"]);
    told.failed(3, "config").says(&["the tool gone: "]);
}

#[test]
fn the_service_has_the_tools_that_are_named_and_not_denied() {
    let home = Home::new();
    home.config(&format!(
        "[serve]\ntools = [\"time\", \"weather\", \"post\", \"fetch_url\", \"read_file\"]\n\
         files = \".\"\n{PROGRAM}"
    ));
    let mut child = home
        .parlor(&["serve", "--bind", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = said.next().unwrap().unwrap();
    let address = address.strip_prefix("Serving at http://").unwrap();
    let tools = said.by_ref().map(Result::unwrap);
    let tools = tools.take(8).find(|line| line.starts_with("  tools "));
    let mut stream = TcpStream::connect(address).unwrap();
    let asked = format!("GET /api/tools HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    crate::common::signal(&child, "TERM");
    child.wait().unwrap();
    assert_eq!(
        tools.as_deref(),
        Some("  tools      post (asks), read_file (asks), time, weather")
    );
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let listed: Value = serde_json::from_str(body).unwrap();
    let of = |name: &str| {
        let mut tools = listed["tools"].as_array().unwrap().iter();
        tools.find(|it| it["name"] == name).cloned()
    };
    assert_eq!(of("time").unwrap()["source"], "built-in");
    assert_eq!(of("post").unwrap()["source"], "program /bin/cat");
    assert_eq!(of("post").unwrap()["asks"], json!(true));
    assert_eq!(of("fetch_url"), None);
}
