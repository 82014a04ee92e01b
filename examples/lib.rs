//! Short programs that show parlor at work.
//!
//! Each takes a model id as its first argument and uses the built-in `echo`
//! without one: `cargo run -p examples --example hello -- openai/gpt-5.4-mini`.
//! With `--demo` in the place of the id, servers on this machine stand in for
//! the providers, and answer by a script.

#![allow(clippy::print_stderr)]

/// The model id from the command line, else `echo`.
pub fn model_id() -> String {
    model_id_or("openai-chat/scripted")
}

/// The same, where a demo asks this one.
pub fn model_id_or(of_demo: &str) -> String {
    let ids = model_ids(&["echo"], &[of_demo]);
    ids.into_iter().next().unwrap_or_default()
}

/// The model ids from the command line, else these; and those of a demo.
pub fn model_ids(usual: &[&str], of_demo: &[&str]) -> Vec<String> {
    demo(of_demo);
    let ids: Vec<String> = std::env::args().skip(1).collect();
    match ids.is_empty() {
        true => usual.iter().map(|id| (*id).to_owned()).collect(),
        false => ids,
    }
}

/// Where `--demo` stands first, runs the program again with these arguments in
/// its place, with stand-ins for the providers, and ends with it.
pub fn demo(arguments: &[&str]) {
    let mut given = std::env::args().skip(1);
    if given.next().as_deref() != Some("--demo") {
        return;
    }
    eprintln!("The answers are scripted: no model is asked, and nothing leaves this machine.");
    let arguments = arguments.iter().map(|it| (*it).to_owned());
    match parlor_demo::run_again(arguments.chain(given).collect()) {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => {
            eprintln!("the demo can't be run: {error}");
            std::process::exit(1)
        }
    }
}

/// A picture of one red pixel, for when no file is named.
pub const RED: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0xc9, 0xfe, 0x92, 0xef, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];
