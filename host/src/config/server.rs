use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;

/// The door: where it is, and what is asked of those who come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Default `127.0.0.1:3000`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Plain HTTP without it.
    pub tls: Option<Tls>,
    /// Invocations at a time, of all functions together. Of the 2,048 instances that the host has room for, the others may
    /// wait warm. Default 1,024.
    pub concurrency: u32,
    /// Open connections; more wait in the system's line. Default 16,384.
    pub connections: u32,
    /// Largest body of a request to a handler, which gets it whole, at most 8 MiB; a `wasi:http` function gets any body as it
    /// comes. Default 8 MiB.
    pub max_body: ByteSize,
    /// Largest head of a request: its first line and headers, 8 KiB or more. Default 64 KiB.
    pub max_header: ByteSize,
    /// Time for a request's head to arrive. Default 10 s.
    pub header_timeout: Duration,
    /// Time in which the next piece of a body must come, and the longest wait for the next request of a connection.
    /// Default 60 s.
    pub idle_timeout: Duration,
    /// Time for running invocations to end after a stop was asked for. Default 30 s.
    pub grace: Duration,
    /// Answers 200 for as long as the process lives. Default `/-/health`; `None` answers nothing.
    pub health: Option<String>,
    /// Answers 200 while new requests are taken, 503 during a start or a stop. Default `/-/ready`.
    pub ready: Option<String>,
    /// Whether components of WASI 0.3 are taken. Default true.
    pub wasi_0_3: bool,
}

/// PEM files; read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and those that lead to its root.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            tls: None,
            concurrency: 1024,
            connections: 16_384,
            max_body: ByteSize::mib(8),
            max_header: ByteSize::kib(64),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            health: Some("/-/health".into()),
            ready: Some("/-/ready".into()),
            wasi_0_3: true,
        }
    }
}
