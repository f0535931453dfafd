use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::uri::Authority;
use ipnet::IpNet;

/// Hosts a function may send requests to: `api.example.com`, `*.example.com`, `10.0.0.0/8`, each with or without `:port`.
///
/// A name allows the public addresses it resolves to. Loopback, private and link-local addresses need a rule that names the
/// address itself, its network or `localhost`: a name's owner decides where it points. A network allows its addresses under
/// whatever name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// In lower case; an address without brackets.
    Name(String),
    /// Every name below this one.
    Below(String),
    Network(IpNet),
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host to allow: expected a name, an address or a network, with or without `:port`, such as `api.example.com`, `*.example.com:8443` or `10.0.0.0/8`"
)]
pub struct AllowError(String);

impl FromStr for AllowRule {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        let rule = if text.contains('/') { network(text) } else { name(text) };
        rule.ok_or_else(|| AllowError(text.into()))
    }
}

/// `10.0.0.0/8:443`, `[fd00::/8]:443` or `fd00::/8`.
fn network(text: &str) -> Option<AllowRule> {
    let (network, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        // The colons before the slash are the address's own.
        None => {
            let slash = text.find('/')?;
            text.split_at(text[slash..].find(':').map_or(text.len(), |colon| slash + colon))
        }
    };
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if port.is_empty() => None,
        None => return None,
    };
    Some(AllowRule { host: Host::Network(network.parse::<IpNet>().ok()?.trunc()), port })
}

fn name(text: &str) -> Option<AllowRule> {
    let below = text.strip_prefix("*.");
    let authority: Authority = below.unwrap_or(text).parse().ok()?;
    let bad_port = authority.port().is_none() && authority.host().len() < authority.as_str().len();
    if bad_port || authority.as_str().contains('@') || authority.host().is_empty() || authority.host().contains('*') {
        return None;
    }
    let name = bare(authority.host()).to_ascii_lowercase();
    let host = if below.is_some() { Host::Below(name) } else { Host::Name(name) };
    Some(AllowRule { host, port: authority.port_u16() })
}

/// `[::1]` without its brackets.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

impl fmt::Display for AllowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = |v6: bool| if v6 && self.port.is_some() { ("[", "]") } else { ("", "") };
        match &self.host {
            Host::Below(name) => write!(f, "*.{name}")?,
            Host::Name(name) => {
                let (open, close) = brackets(name.contains(':'));
                write!(f, "{open}{name}{close}")?;
            }
            Host::Network(network) => {
                let (open, close) = brackets(network.addr().is_ipv6());
                write!(f, "{open}{network}{close}")?;
            }
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl AllowRule {
    /// Whether a request to `host`, in lower case and without brackets, is allowed by what it says there.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host_fits = match &self.host {
            Host::Name(name) => host == name,
            Host::Below(name) => host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            Host::Network(network) => host.parse().is_ok_and(|address| contains(network, address)),
        };
        host_fits && self.port_fits(port)
    }

    /// Whether requests to this port are allowed wherever they lead within a network.
    pub fn is_network(&self, port: u16) -> bool {
        matches!(self.host, Host::Network(_)) && self.port_fits(port)
    }

    /// Whether it names this address, or the network that it is in.
    pub fn names_address(&self, address: IpAddr, port: u16) -> bool {
        let fits = match &self.host {
            Host::Name(name) => {
                name.parse::<IpAddr>().is_ok_and(|named| named.to_canonical() == address.to_canonical())
            }
            Host::Below(_) => false,
            Host::Network(network) => contains(network, address),
        };
        fits && self.port_fits(port)
    }

    /// Whether it names addresses of this machine or its network on purpose.
    pub fn names_private(&self) -> bool {
        match &self.host {
            Host::Name(name) => name == "localhost" || name.parse::<IpAddr>().is_ok(),
            Host::Below(_) => false,
            Host::Network(_) => true,
        }
    }

    fn port_fits(&self, port: u16) -> bool {
        self.port.is_none_or(|allowed| allowed == port)
    }
}

/// An IPv4 address that came as an IPv6 one is still in its network.
fn contains(network: &IpNet, address: IpAddr) -> bool {
    network.contains(&address) || network.contains(&address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> AllowRule {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn rules_read_back_as_written() {
        for text in [
            "api.example.com",
            "api.example.com:8443",
            "*.example.com",
            "*.example.com:8443",
            "127.0.0.1:80",
            "[::1]:80",
            "10.0.0.0/8",
            "10.0.0.0/8:443",
            "fd00::/8",
            "[fd00::/8]:443",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule("[fd00::/8]").to_string(), "fd00::/8");
        assert_eq!(rule("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(rule("API.Example.com").to_string(), "api.example.com");
    }

    #[test]
    fn what_is_no_rule_says_what_was_expected() {
        let texts = [
            "",
            "*",
            "*.",
            "a.*.b",
            "user@example.com",
            "example.com:",
            "example.com:port",
            "https://example.com",
            "example.com/path",
            "10.0.0.0/33",
            "10.0.0.0/8:",
            "10.0.0.0/8:65536",
            "[fd00::/8]443",
            "[fd00::/8",
        ];
        for text in texts {
            let error = text.parse::<AllowRule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no host to allow")), "{error}");
        }
        let error = "example.com/path".parse::<AllowRule>().unwrap_err();
        insta::assert_snapshot!(error, @"`example.com/path` is no host to allow: expected a name, an address or a network, with or without `:port`, such as `api.example.com`, `*.example.com:8443` or `10.0.0.0/8`");
    }

    #[test]
    fn a_name_allows_itself_and_a_wildcard_what_is_below() {
        assert!(rule("example.com").matches("example.com", 443));
        assert!(!rule("example.com").matches("api.example.com", 443));
        assert!(rule("*.example.com").matches("a.b.example.com", 443));
        for host in ["example.com", ".example.com", "evilexample.com"] {
            assert!(!rule("*.example.com").matches(host, 443), "{host}");
        }
        assert!(rule("example.com:8443").matches("example.com", 8443));
        assert!(!rule("example.com:8443").matches("example.com", 443));
    }

    #[test]
    fn a_network_allows_its_addresses_alone() {
        let private = rule("10.0.0.0/8:443");
        assert!(private.matches("10.1.2.3", 443) && private.names_address(address("10.1.2.3"), 443));
        assert!(private.names_address(address("::ffff:10.1.2.3"), 443));
        assert!(!private.matches("11.0.0.1", 443) && !private.names_address(address("11.0.0.1"), 443));
        assert!(!private.matches("10.1.2.3", 80) && !private.names_address(address("10.1.2.3"), 80));
        assert!(!private.matches("db.internal", 443));
        assert!(private.is_network(443) && !private.is_network(80) && !rule("10.0.0.1").is_network(80));
        assert!(rule("fd00::/8").names_address(address("fd12::1"), 1));
        assert!(!rule("fd00::/8").names_address(address("fe80::1"), 1));
    }

    #[test]
    fn private_addresses_are_named_on_purpose() {
        for text in ["localhost", "127.0.0.1", "[::1]:80", "10.0.0.0/8", "fd00::/8"] {
            assert!(rule(text).names_private(), "{text}");
        }
        for text in ["example.com", "*.localhost", "*.example.com"] {
            assert!(!rule(text).names_private(), "{text}");
        }
        assert!(rule("127.0.0.1").names_address(address("127.0.0.1"), 80));
        assert!(!rule("localhost").names_address(address("127.0.0.1"), 80));
    }
}
