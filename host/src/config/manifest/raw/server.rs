use schemars::JsonSchema;
use serde::Deserialize;

use super::{Backend, Located};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Server {
    /// An address and a port; port 0 takes a free one.
    #[schemars(extend("default" = "127.0.0.1:3000"))]
    pub listen: Option<Located<String>>,
    /// The certificate and key for HTTPS; without it the server speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Invocations at a time, of all functions together.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 1024))]
    pub concurrency: Option<u32>,
    /// Open connections; more wait in the system's line.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 16384))]
    pub connections: Option<u32>,
    /// Largest body of a request to a handler, which gets it whole, up to 8MiB; a `wasi:http` function gets any body as it
    /// comes.
    #[schemars(extend("default" = "8MiB"))]
    pub max_body: Option<Located<String>>,
    /// Largest head of a request, its first line and headers, from 8KiB to 1MiB.
    #[schemars(extend("default" = "64KiB"))]
    pub max_header: Option<Located<String>>,
    /// Time for a request's head to arrive, from 1ms to 1h.
    #[schemars(extend("default" = "10s"))]
    pub header_timeout: Option<Located<String>>,
    /// Time in which the next piece of a body must come, and the longest wait for the next request of a connection, from 1ms
    /// to 1h.
    #[schemars(extend("default" = "60s"))]
    pub idle_timeout: Option<Located<String>>,
    /// Time for running invocations to end after a stop was asked for, up to 1h.
    #[schemars(extend("default" = "30s"))]
    pub grace: Option<Located<String>>,
    /// A path that answers 200 for as long as the process lives; none when empty.
    #[schemars(extend("default" = "/-/health"))]
    pub health: Option<Located<String>>,
    /// A path that answers 200 while new requests are taken, 503 during a start or a stop; none when empty.
    #[schemars(extend("default" = "/-/ready"))]
    pub ready: Option<Located<String>>,
    /// Whether components of WASI 0.3 are taken.
    #[serde(rename = "wasi-0-3")]
    #[schemars(extend("default" = true))]
    pub wasi_0_3: Option<bool>,
}

/// PEM files; read again when they change.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tls {
    /// A file with the certificate and those that lead to its root.
    #[schemars(required, extend("examples" = ["cert.pem"]))]
    pub certificate: Option<Located<String>>,
    /// A file with the certificate's key.
    #[schemars(required, extend("examples" = ["key.pem"]))]
    pub key: Option<Located<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Store {
    /// What keeps the resources that name no backend of their own.
    #[schemars(extend("default" = "embedded"))]
    pub backend: Option<Backend>,
    /// The folder of the embedded store; it is made when it is not there.
    #[schemars(extend("default" = ".wasm-faas"))]
    pub folder: Option<Located<String>>,
}
