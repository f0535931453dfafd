//! Holds the direction of the modules, as docs/architecture.md draws it.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the siblings it may name. The leaves name none.
const MAY_NAME: [(&str, &[&str]); 9] = [
    ("child", &[]),
    ("event", &[]),
    ("config", &[]),
    ("services", &["config", "event"]),
    ("engine", &["child", "config", "event", "services"]),
    ("invoke", &["config", "event", "services", "engine"]),
    ("triggers", &["config", "event", "services", "engine", "invoke"]),
    ("build", &["child"]),
    ("cli", &["child", "config", "event", "services", "engine", "invoke", "triggers", "build"]),
];

/// The files beside `engine/` that know wasmtime: the WIT glue.
fn is_glue(path: &Path) -> bool {
    path.starts_with("services")
        && matches!(path.file_name().and_then(|name| name.to_str()), Some("host.rs" | "bindings.rs"))
}

#[test]
fn modules_name_only_those_below_them() {
    for (path, text) in sources() {
        let module = module(&path);
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module) else { continue };
        for named in text.split("crate::").skip(1).map(|rest| rest.split(|c: char| !is_word(c)).next().unwrap_or("")) {
            let is_sibling = MAY_NAME.iter().any(|(name, _)| *name == named);
            let fine = named == module || !is_sibling || allowed.contains(&named);
            assert!(fine, "{}: `{module}` must not name `{named}`", path.display());
        }
    }
}

#[test]
fn only_the_engine_and_the_glue_know_wasmtime() {
    for (path, text) in sources() {
        let known = path.starts_with("engine") || is_glue(&path) || path == Path::new("architecture.rs");
        let names = code(&text).any(|line| line.contains("wasmtime::") || line.contains("wasmtime_"));
        assert!(known || !names, "{} names wasmtime", path.display());
    }
}

#[test]
fn every_module_is_in_the_picture() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        let known = MAY_NAME.iter().any(|(module, _)| *module == name);
        assert!(known || ["main", "lib", "architecture"].contains(&name.as_str()), "`{name}` is not in MAY_NAME");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file, its path below `src/`, and its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(root()).unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
