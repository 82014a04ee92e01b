//! The titles that conversations have of what is said first.

use parlor_agent::title_of;
use parlor_core::{Message, Part};

#[test]
fn a_title_is_the_first_line_of_the_first_text_that_has_one() {
    let said = |texts: &[&str]| {
        let mut message = Message::user("");
        message.parts = texts.iter().map(|it| Part::text(*it)).collect();
        title_of(&message)
    };
    let file = "<file name=\"a.txt\">\none\n</file>\n\n";
    assert_eq!(said(&["Hi", file]), "Hi");
    assert_eq!(said(&[file, "What is it?"]), "What is it?");
    assert_eq!(said(&[file]), "a.txt");
    assert_eq!(
        said(&["\n \n", "  What is\tthis?\nTell me."]),
        "What is this?"
    );
    assert_eq!(said(&[]), "");
    let long = said(&["word ".repeat(20).as_str()]);
    assert_eq!(long, format!("{}…", "word ".repeat(12).trim_end()));
}
