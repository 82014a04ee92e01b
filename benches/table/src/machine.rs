//! When and where figures were measured.

use std::process::Command;

/// Date and time, processor, compiler, and what else the machine has to do.
pub fn described() -> String {
    let cores = cores();
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

/// Cores of the machine, whichever of them this process may use.
pub fn cores() -> usize {
    // SAFETY: it takes and gives numbers.
    let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(online).unwrap_or(1).max(1)
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

/// Keeps this thread, and what it starts, on one core, where there are two.
pub fn stay_on(core: usize) {
    if cores() < 2 {
        return;
    }
    // SAFETY: a set of cores is plain bits, for which all zeros are valid, and the pointer is to
    // one of this function.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut cores);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &cores);
    }
}
