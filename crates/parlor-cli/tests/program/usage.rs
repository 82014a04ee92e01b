//! What models were used for, added up from the store.

use crate::common::Home;
use crate::common::server::{Answer, Server};

#[test]
fn turns_are_added_up_with_what_they_cost() {
    let priced = r#"{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":1000000,"completion_tokens":2,"total_tokens":1000002}}"#;
    let json = "content-type: application/json\r\n";
    let server = Server::start(vec![Answer(200, json, priced.to_owned())]);
    let home = Home::new();
    home.config(&format!(
        "[providers.mine]\nbase_url = \"{}/v1\"\n\
         [[providers.mine.models]]\nid = \"quick\"\n\
         [providers.mine.models.price]\ninput = 3.0\noutput = 4.0\ncurrency = \"EUR\"\nas_of = \"2026-11-01\"\n",
        server.url
    ));
    let asked = home.run(&["-m", "mine/quick", "--no-stream", "hi"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    home.run(&["-m", "echo", "one"]);
    home.run(&["-m", "echo", "two"]);

    let report = home.run(&["usage", "--json", "--since", "1d"]).json();
    assert_eq!(report["total"]["turns"], 3, "{report}");
    assert_eq!(report["total"]["unpriced"], 2, "{report}");
    assert_eq!(report["total"]["costs"][0]["currency"], "EUR", "{report}");
    assert_eq!(report["rows"].as_array().unwrap().len(), 2, "{report}");
    let table = home.run(&["usage"]);
    assert!(table.stdout.contains("\nmine/quick "), "{table:?}");
    assert!(table.stdout.contains("€3.00"), "{table:?}");
    assert!(
        table.stdout.contains("2 without a known price"),
        "{table:?}"
    );
    assert!(table.stdout.contains("\ntotal "), "{table:?}");
    table.says(&["prices as listed on 2026-11-01 or later"]);
    let days = home.run(&["usage", "--by", "day"]);
    let head: Vec<&str> = days
        .stdout
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(
        head,
        ["day", "turns", "input", "output", "cost"],
        "{days:?}"
    );
    let by_day = home.run(&["usage", "--by", "model,day"]);
    let lines: Vec<&str> = by_day.stdout.lines().collect();
    assert!(lines[0].starts_with("day "), "{by_day:?}");
    assert_eq!(lines.len(), 4, "{by_day:?}");
}

#[test]
fn a_time_that_is_none_and_one_without_usage() {
    let home = Home::new();
    home.run(&["usage", "--since", "yesterday"])
        .failed(2, "usage")
        .says(&["2026-11-01"]);
    home.run(&["-m", "echo", "one"]);
    let none = home.run(&["usage", "--since", "9998-01-01"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    none.says(&["Nothing was used"]);
}
