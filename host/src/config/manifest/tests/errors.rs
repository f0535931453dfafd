mod delivery;
mod events;
mod references;
mod structure;
mod values;

use super::*;

/// What is told of a manifest of version 1 with more.
fn told(more: &str) -> String {
    let text = format!("version = 1\n{}", unindented(more));
    parse_here(&text).err().unwrap_or_else(|| panic!("{text} is fine")).to_string()
}

/// The same with a function named `hello` before.
fn told_of_hello(more: &str) -> String {
    told(&format!("functions.hello = {{ component = \"hello.wasm\" }}\n{}", unindented(more)))
}

fn unindented(text: &str) -> String {
    text.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The first lines of each message: the others are the same for all.
fn heads(text: &str) -> String {
    text.lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>().join("\n")
}
