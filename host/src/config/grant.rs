use std::fmt;
use std::str::FromStr;

use super::{NameError, check_name};

/// A service whose resources are granted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Kv,
    Queue,
    Topic,
    Blob,
}

impl Service {
    pub const ALL: [Self; 4] = [Self::Kv, Self::Queue, Self::Topic, Self::Blob];

    /// The word in grants and interface names: `kv`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Blob => "blob",
        }
    }

    /// What a resource of the service is called: `bucket`.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Kv => "bucket",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Blob => "container",
        }
    }

    /// The ways to write its rights, the widest last.
    pub fn rights(self) -> &'static [(&'static str, &'static [Right])] {
        match self {
            Self::Kv | Self::Blob => &[("ro", &[Right::Read]), ("rw", &[Right::Read, Right::Write])],
            Self::Queue => &[
                ("send", &[Right::Send]),
                ("receive", &[Right::Receive]),
                ("send+receive", &[Right::Send, Right::Receive]),
            ],
            Self::Topic => &[("publish", &[Right::Publish])],
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a grant lets a function do with one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Right {
    Read,
    Write,
    Send,
    Receive,
    Publish,
}

impl Right {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A function's right to one resource, written `kv:visits:rw`, `queue:orders:send`, `topic:stored:publish`, `blob:inbox:ro`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub service: Service,
    pub name: String,
    rights: u8,
}

/// Why a text is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("`{0}` is no grant: expected `service:name:right`, for example `kv:visits:rw`")]
    Shape(String),
    #[error("`{0}` is no service that can be granted: expected `kv`, `queue`, `topic` or `blob`")]
    Service(String),
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("`{right}` is no right to a {resource}: expected {expected}")]
    Right { right: String, resource: &'static str, expected: String },
}

impl Grant {
    pub fn new(service: Service, name: impl Into<String>, rights: &[Right]) -> Self {
        let rights = rights.iter().fold(0, |bits, right| bits | right.bit());
        Self { service, name: name.into(), rights }
    }

    pub fn has(&self, right: Right) -> bool {
        self.rights & right.bit() != 0
    }

    /// Whether it gives any right at all.
    pub fn is_empty(&self) -> bool {
        self.rights == 0
    }

    /// The same resource with the rights of both.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.rights |= other.rights;
        self
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self
            .service
            .rights()
            .iter()
            .find(|(_, rights)| Self::new(self.service, "", rights).rights == self.rights)
            .map_or("-", |(word, _)| word);
        write!(f, "{}:{}:{word}", self.service, self.name)
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let mut parts = text.split(':');
        let (Some(service), Some(name), Some(right), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(GrantError::Shape(text.into()));
        };
        let service = Service::ALL
            .into_iter()
            .find(|known| known.word() == service)
            .ok_or_else(|| GrantError::Service(service.into()))?;
        check_name(service, name)?;
        let (_, rights) =
            service.rights().iter().find(|(word, _)| *word == right).ok_or_else(|| GrantError::Right {
                right: right.into(),
                resource: service.resource(),
                expected: service.rights().iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            })?;
        Ok(Self::new(service, name, rights))
    }
}
