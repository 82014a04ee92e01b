//! The page in the person's browser: `parlor serve --open`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use super::log::Log;

/// Has the browser show what is served at this address.
pub(super) fn open(mut address: SocketAddr, log: Log) {
    // What is served at every address is at this machine's own, too.
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let url = format!("http://{address}/");
    let own = std::env::var("BROWSER").ok().filter(|it| !it.is_empty());
    let mut words: Vec<&str> = match &own {
        Some(own) => own.split_whitespace().collect(),
        None if cfg!(target_os = "macos") => vec!["open"],
        // What stands in the first quotes is a title.
        None if cfg!(windows) => vec!["cmd", "/c", "start", ""],
        None => vec!["xdg-open"],
    };
    words.push(&url);
    let Some((program, arguments)) = words.split_first() else {
        return;
    };
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        // It ends by itself; who waits for it is a thread that has nothing else to do.
        Ok(mut browser) => drop(std::thread::spawn(move || browser.wait())),
        Err(error) => log.complain(&format!(
            "{program} can't be run to open {url}: {error}; set BROWSER, or go there"
        )),
    }
}
