//! Settings and secrets.

pub mod host;

use super::{Access, Error, Result};
use crate::config::SecretSource;

impl Access {
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// All of them, in the order of their keys.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Read anew at each call, so that a rotated secret is seen.
    pub fn secret(&self, name: &str) -> Result<String> {
        let Some(source) = self.secrets.get(name) else {
            return Err(Error::AccessDenied(format!("secret `{name}` is not granted, {}", self.advice().secret(name))));
        };
        // The reason stays with the host: a variable's name or a path is none of the guest's business.
        read(source).ok_or_else(|| Error::Unavailable(format!("secret `{name}` cannot be read from its source")))
    }
}

fn read(source: &SecretSource) -> Option<String> {
    match source {
        SecretSource::Environment(variable) => std::env::var(variable).ok(),
        SecretSource::File(path) => {
            let mut text = std::fs::read_to_string(path).ok()?;
            if text.ends_with('\n') {
                text.pop();
            }
            Some(text)
        }
    }
}
