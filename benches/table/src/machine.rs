//! When and where figures were measured.

use std::process::Command;

/// Date and time, processor, compiler, and what else the machine has to do.
pub fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            Some(
                line.strip_prefix("model name")?
                    .split_once(':')?
                    .1
                    .trim()
                    .to_owned(),
            )
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let date = told("date", &["-u", "+%-d %B %Y, %H:%M UTC"]);
    let compiler = told("rustc", &["--version"]);
    let compiler = compiler.split(" (").next().unwrap_or_default();
    format!("{date}, {cores} cores of {processor}, {compiler}")
}

/// How many processes wanted to run, on average over the last minute.
pub fn load() -> String {
    let load = read("/proc/loadavg");
    load.split(' ').next().unwrap_or("?").to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let told = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&told).trim().to_owned()
}

/// Lets this process and its children open as many files as the system allows:
/// an open stream is one on either side.
pub fn raise_file_limit() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to an `rlimit` of this function.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
