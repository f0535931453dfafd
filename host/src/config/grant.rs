use std::fmt;
use std::str::FromStr;

use super::{Advice, NameError, check_name};

/// A service whose resources are granted by name; other functions are resources in this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Kv,
    Queue,
    Topic,
    Blob,
    Function,
}

impl Service {
    pub const ALL: [Self; 5] = [Self::Kv, Self::Queue, Self::Topic, Self::Blob, Self::Function];

    /// The word in grants: `kv`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Blob => "blob",
            Self::Function => "function",
        }
    }

    /// The name of its interface in `wit/`: `kv`.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Kv | Self::Queue | Self::Topic | Self::Blob => self.word(),
            Self::Function => "functions",
        }
    }

    /// What a resource of the service is called: `bucket`.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Kv => "bucket",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Blob => "container",
            Self::Function => "function",
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
            Self::Function => &[
                ("invoke", &[Right::Invoke]),
                ("invoke-async", &[Right::InvokeAsync]),
                ("invoke+invoke-async", &[Right::Invoke, Right::InvokeAsync]),
            ],
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
    Invoke,
    InvokeAsync,
}

impl Right {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A function's right to one resource, written `kv:visits:rw`, `queue:orders:send`, `topic:stored:publish`, `blob:inbox:ro`,
/// `function:bill:invoke`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub service: Service,
    pub name: String,
    rights: u8,
    advice: Advice,
}

/// Why a text is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("`{0}` is no grant: expected `service:name:right`, for example `kv:visits:rw`")]
    Shape(String),
    #[error("`{0}` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`")]
    Service(String),
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("`{right}` is no right to a {resource}: expected {expected}")]
    Right { right: String, resource: &'static str, expected: String },
}

impl Grant {
    pub fn new(service: Service, name: impl Into<String>, rights: &[Right]) -> Self {
        let rights = rights.iter().fold(0, |bits, right| bits | right.bit());
        Self { service, name: name.into(), rights, advice: Advice::default() }
    }

    /// The same, given in another place than by flags.
    #[must_use]
    pub fn advised(self, advice: Advice) -> Self {
        Self { advice, ..self }
    }

    /// Where it is given.
    pub fn advice(&self) -> &Advice {
        &self.advice
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

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_GRANT: [&str; 11] = [
        "kv:visits:ro",
        "kv:visits:rw",
        "queue:orders:send",
        "queue:orders:receive",
        "queue:orders:send+receive",
        "topic:stored:publish",
        "blob:inbox:ro",
        "blob:inbox:rw",
        "function:bill:invoke",
        "function:bill:invoke-async",
        "function:bill:invoke+invoke-async",
    ];

    fn grant(text: &str) -> Grant {
        text.parse().unwrap()
    }

    #[test]
    fn every_grant_reads_back_as_written() {
        for text in EVERY_GRANT {
            assert_eq!(grant(text).to_string(), text);
        }
        let words: usize = Service::ALL.iter().map(|service| service.rights().len()).sum();
        assert_eq!(words, EVERY_GRANT.len(), "a right that no text names");
    }

    #[test]
    fn a_grant_has_the_rights_of_its_word_and_no_other() {
        use Right::{Invoke, InvokeAsync, Publish, Read, Receive, Send, Write};
        let all = [Read, Write, Send, Receive, Publish, Invoke, InvokeAsync];
        let rights = |text: &str| all.into_iter().filter(|right| grant(text).has(*right)).collect::<Vec<_>>();
        let expected: [&[Right]; 11] = [
            &[Read],
            &[Read, Write],
            &[Send],
            &[Receive],
            &[Send, Receive],
            &[Publish],
            &[Read],
            &[Read, Write],
            &[Invoke],
            &[InvokeAsync],
            &[Invoke, InvokeAsync],
        ];
        for (text, expected) in EVERY_GRANT.into_iter().zip(expected) {
            assert_eq!(rights(text), expected, "{text}");
            assert!(!grant(text).is_empty());
        }
    }

    #[test]
    fn grants_of_one_resource_add_up() {
        let both = grant("queue:orders:send").union(&grant("queue:orders:receive"));
        assert_eq!(both, grant("queue:orders:send+receive"));
        assert_eq!(grant("kv:a:rw").union(&grant("kv:a:ro")), grant("kv:a:rw"));
        assert_eq!(both.clone().union(&both), both);
    }

    #[test]
    fn a_grant_without_rights_is_empty() {
        let nothing = Grant::new(Service::Kv, "visits", &[]);
        assert!(nothing.is_empty());
        assert_eq!(nothing.to_string(), "kv:visits:-");
        assert!("kv:visits:-".parse::<Grant>().is_err());
    }

    #[test]
    fn a_text_that_is_no_grant_says_why() {
        let texts = [
            "",
            "kv",
            "kv:visits",
            "kv:visits:rw:more",
            "kvs:visits:rw",
            "KV:visits:rw",
            "config:visits:ro",
            ":visits:rw",
            "kv::rw",
            "kv:a b:rw",
            "kv:visits:",
            "kv:visits:RW",
            "kv:visits:send",
            "queue:orders:rw",
            "queue:orders:receive+send",
            "topic:stored:ro",
            "blob:inbox:wr",
            "function::invoke",
            "functions:bill:invoke",
            "function:bill:send",
        ];
        let lines: Vec<String> = texts.iter().map(|text| text.parse::<Grant>().unwrap_err().to_string()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        `` is no grant: expected `service:name:right`, for example `kv:visits:rw`
        `kv` is no grant: expected `service:name:right`, for example `kv:visits:rw`
        `kv:visits` is no grant: expected `service:name:right`, for example `kv:visits:rw`
        `kv:visits:rw:more` is no grant: expected `service:name:right`, for example `kv:visits:rw`
        `kvs` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`
        `KV` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`
        `config` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`
        `` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`
        "" cannot name a bucket: it is empty
        "a b" cannot name a bucket: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
        `` is no right to a bucket: expected `ro`, `rw`
        `RW` is no right to a bucket: expected `ro`, `rw`
        `send` is no right to a bucket: expected `ro`, `rw`
        `rw` is no right to a queue: expected `send`, `receive`, `send+receive`
        `receive+send` is no right to a queue: expected `send`, `receive`, `send+receive`
        `ro` is no right to a topic: expected `publish`
        `wr` is no right to a container: expected `ro`, `rw`
        "" cannot name a function: it is empty
        `functions` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`
        `send` is no right to a function: expected `invoke`, `invoke-async`, `invoke+invoke-async`
        "#);
    }
}
