use std::path::PathBuf;

/// Where a secret's value is read from, at each use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of the host.
    Environment(String),
    /// A file; one newline at its end does not count.
    File(PathBuf),
}

impl std::str::FromStr for SecretSource {
    type Err = String;

    /// `env:VARIABLE` or `file:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", variable)) if !variable.is_empty() => Ok(Self::Environment(variable.into())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(format!("`{text}` is no source of a secret: expected `env:VARIABLE` or `file:PATH`")),
        }
    }
}
