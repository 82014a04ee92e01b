//! Has the static program's relocations written down briefly, which its C library reads since 1.2.4:
//! 0.9 MB less, of the file and of the memory of each run.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let env = std::env::var("CARGO_CFG_TARGET_ENV");
    if env.is_ok_and(|it| it == "musl") {
        // Linkers that don't know it say so, and write them at length.
        println!("cargo::rustc-link-arg-bins=-z");
        println!("cargo::rustc-link-arg-bins=pack-relative-relocs");
    }
}
