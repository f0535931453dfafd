use std::net::SocketAddr;

use bytesize::ByteSize;

use super::{Checker, Duration, HOUR, MILLISECOND, PathBuf};
use crate::config::{Server, Tls};

impl Checker<'_> {
    pub(super) fn server(&mut self) -> Server {
        let (raw, default) = (&self.raw.server, Server::default());
        Server {
            listen: self.parsed(raw.listen.as_ref(), default.listen, address),
            tls: raw.tls.as_ref().map(|tls| Tls {
                certificate: tls.certificate.as_ref().map_or_else(PathBuf::new, |path| self.path(path)),
                key: tls.key.as_ref().map_or_else(PathBuf::new, |path| self.path(path)),
            }),
            concurrency: raw.concurrency.unwrap_or(default.concurrency),
            connections: raw.connections.unwrap_or(default.connections),
            max_body: self.size(raw.max_body.as_ref(), ByteSize::b(0)..=ByteSize::mib(8), default.max_body),
            max_header: self.size(raw.max_header.as_ref(), ByteSize::kib(8)..=ByteSize::mib(1), default.max_header),
            header_timeout: self.duration(raw.header_timeout.as_ref(), MILLISECOND..=HOUR, default.header_timeout),
            idle_timeout: self.duration(raw.idle_timeout.as_ref(), MILLISECOND..=HOUR, default.idle_timeout),
            grace: self.duration(raw.grace.as_ref(), Duration::ZERO..=HOUR, default.grace),
            health: self.parsed(raw.health.as_ref(), default.health, probe),
            ready: self.parsed(raw.ready.as_ref(), default.ready, probe),
            wasi_0_3: raw.wasi_0_3.unwrap_or(default.wasi_0_3),
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected an address and a port, such as `127.0.0.1:3000` or `[::]:3000`";
    text.parse().map_err(|_| format!("`{text}` is no place to listen: {expected}"))
}

/// A path, or nothing.
fn probe(text: &str) -> Result<Option<String>, String> {
    match text {
        "" => Ok(None),
        path => super::http::plain_path(path).map(|()| Some(path.to_owned())),
    }
}
