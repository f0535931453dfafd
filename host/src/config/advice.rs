use std::fmt;
use std::sync::Arc;

use super::Grant;

/// Where the operator sets what a function may do, so that a refusal can say what to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Advice {
    /// The flags of `wasm-faas run`.
    #[default]
    Flags,
    /// The manifest.
    Manifest { function: Arc<str> },
}

impl Advice {
    /// How to grant what was refused.
    pub fn grant(&self, wanted: &Grant) -> String {
        match self {
            Self::Flags => format!("add `--grant {wanted}`"),
            Self::Manifest { function } => format!("add \"{wanted}\" to `grants` of {}", header("functions", function)),
        }
    }

    /// How to give a secret.
    pub fn secret(&self, name: &str) -> String {
        match self {
            Self::Flags => format!("add `--secret {name}=env:VARIABLE` or `=file:PATH`"),
            Self::Manifest { function } => {
                let (key, table) = (key(name), header("functions", function));
                format!("add `{key} = \"env:VARIABLE\"` or `= \"file:PATH\"` to `secrets` of {table}")
            }
        }
    }

    /// How to let requests go to `host`, a name or an address and a port.
    pub fn allow_host(&self, host: &str) -> String {
        match self {
            Self::Flags => format!("add `--allow-host {host}`"),
            Self::Manifest { function } => {
                format!("add \"{host}\" to `allow-hosts` of {}", header("functions", function))
            }
        }
    }

    /// How to let a function take events that are left for it.
    pub fn asynchronous(&self) -> String {
        match self {
            Self::Flags => "serve it with a manifest that has `async = {}` in its table".into(),
            Self::Manifest { function } => format!("add `async = {{}}` to {}", header("functions", function)),
        }
    }

    /// Where a limit is set: `memory`, `fuel` or `timeout`.
    pub fn limit(&self, name: &str) -> String {
        match self {
            Self::Flags => format!("`--{name}`"),
            Self::Manifest { function } => format!("`limits.{name}` of {}", header("functions", function)),
        }
    }
}

/// A key as TOML has it, in quotes when it needs them.
pub(super) fn key(name: &str) -> impl fmt::Display {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}

/// The line that begins a table: `[functions.hello]`.
pub(super) fn header(kind: &str, name: &str) -> String {
    format!("[{kind}.{}]", key(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_words() {
        let advices = [Advice::Flags, Advice::Manifest { function: "counter".into() }];
        let grant: Grant = "kv:visits:rw".parse().unwrap();
        let texts = advices.iter().flat_map(|advice| {
            [
                advice.grant(&grant),
                advice.secret("TOKEN"),
                advice.allow_host("example.com:443"),
                advice.limit("fuel"),
                advice.asynchronous(),
            ]
        });
        insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n"), @r#"
        add `--grant kv:visits:rw`
        add `--secret TOKEN=env:VARIABLE` or `=file:PATH`
        add `--allow-host example.com:443`
        `--fuel`
        serve it with a manifest that has `async = {}` in its table
        add "kv:visits:rw" to `grants` of [functions.counter]
        add `TOKEN = "env:VARIABLE"` or `= "file:PATH"` to `secrets` of [functions.counter]
        add "example.com:443" to `allow-hosts` of [functions.counter]
        `limits.fuel` of [functions.counter]
        add `async = {}` to [functions.counter]
        "#);
    }

    #[test]
    fn a_name_that_is_no_bare_key_is_quoted() {
        let advice = Advice::Manifest { function: "api.v1".into() };
        insta::assert_snapshot!(advice.limit("memory"), @r#"`limits.memory` of [functions."api.v1"]"#);
        insta::assert_snapshot!(advice.secret("a b"), @r#"add `"a b" = "env:VARIABLE"` or `= "file:PATH"` to `secrets` of [functions."api.v1"]"#);
    }
}
