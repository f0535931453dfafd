use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::FunctionSpec;
use crate::services::context::{Level, SharedLog};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(600);

/// Hosts a function may send requests to: `api.example.com`, `*.example.com`, each with or without `:port`.
///
/// A name allows the public addresses it resolves to. Loopback, private and link-local addresses need a rule that names the
/// address itself or `localhost`: a name's owner decides where it points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    host: String,
    port: Option<u16>,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host to allow: expected a name or an address, with or without `:port`, such as `api.example.com` or `*.example.com:8443`"
)]
pub struct AllowError(String);

impl FromStr for AllowRule {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        let fail = || AllowError(text.into());
        let name = text.strip_prefix("*.").unwrap_or(text);
        let authority: Authority = name.parse().map_err(|_| fail())?;
        let bad_port = authority.port().is_none() && authority.host().len() < authority.as_str().len();
        if bad_port || authority.as_str().contains('@') || authority.host().is_empty() || authority.host().contains('*')
        {
            return Err(fail());
        }
        let wildcard = if name.len() < text.len() { "*." } else { "" };
        let host = format!("{wildcard}{}", bare(authority.host()).to_ascii_lowercase());
        Ok(Self { host, port: authority.port_u16() })
    }
}

impl fmt::Display for AllowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl AllowRule {
    fn matches(&self, host: &str, port: u16) -> bool {
        let host_fits = match self.host.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            None => host == self.host,
        };
        host_fits && self.port.is_none_or(|allowed| allowed == port)
    }

    /// Whether it names addresses of this machine or its network on purpose.
    fn names_private(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok()
    }
}

/// `[::1]` without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Sends the requests of `wasi:http` guests: to allowed hosts only, the address checked that is connected to.
pub(super) struct Outgoing {
    spec: Arc<FunctionSpec>,
    log: SharedLog,
}

impl Outgoing {
    pub(super) fn new(spec: Arc<FunctionSpec>, log: SharedLog) -> Self {
        Self { spec, log }
    }
}

impl FunctionSpec {
    /// Whether a rule names this address itself.
    fn allows(&self, address: &SocketAddr) -> bool {
        let ip = address.ip().to_string();
        self.allow.iter().any(|rule| rule.matches(&ip, address.port()))
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (spec, log) = (Arc::clone(&self.spec), self.log.clone());
        Box::new(async move {
            let target = Target::of(request.uri())?;
            let Some(rule) = spec.allow.iter().find(|rule| rule.matches(&target.host, target.port)) else {
                denied(&log, &format!("`{}:{}` is not allowed", target.host, target.port), &target);
                return Err(Error::HttpRequestDenied);
            };
            let options = options.unwrap_or_default();
            let connecting = connect(&spec, &log, &target, rule.names_private());
            let limit = options.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
            let stream = timeout(limit, connecting).await.map_err(|_| Error::ConnectionTimeout)??;
            if target.tls {
                let stream =
                    timeout(limit, tls(&target.host, stream)).await.map_err(|_| Error::ConnectionTimeout)??;
                exchange(stream, request, options).await
            } else {
                exchange(stream, request, options).await
            }
        })
    }
}

struct Target {
    /// Lower case, without brackets.
    host: String,
    port: u16,
    tls: bool,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, Error> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { host: bare(authority.host()).to_ascii_lowercase(), port, tls })
    }
}

/// Tells the function's log which flag is missing; the guest gets only the error code.
fn denied(log: &SharedLog, what: &str, target: &Target) {
    let Target { host, port, .. } = target;
    log.write(Level::Warn, &format!("outgoing request refused: {what}, add `--allow-host {host}:{port}`"));
}

async fn connect(spec: &FunctionSpec, log: &SharedLog, target: &Target, private: bool) -> Result<TcpStream, Error> {
    let addresses = tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(Error::Connect)?;
    let (fine, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.partition(|address| private || is_public(address.ip()) || spec.allows(address));
    if let (true, Some(address)) = (fine.is_empty(), refused.first()) {
        let address = Target { host: address.ip().to_string(), port: target.port, tls: target.tls };
        denied(log, &format!("`{}` points to the private address `{}`", target.host, address.host), &address);
        return Err(Error::HttpRequestDenied);
    }
    TcpStream::connect(fine.as_slice()).await.map_err(Error::Connect)
}

/// Whether an address belongs to the public internet: not this machine, its network, or anything reserved.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let reserved =
                a == 0 || a >= 224 || (a == 192 && b == 0 && matches!(c, 0 | 2)) || (a == 198 && (18..20).contains(&b));
            !(v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared || reserved)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let teredo = first == 0x2001 && v6.segments()[1] == 0;
            // 2000::/3 is all that is handed out; 2002::/16 and Teredo tunnel to an IPv4 address of any kind.
            (first & 0xe000) == 0x2000 && first != 0x2002 && !teredo
        }
    }
}

async fn tls(host: &str, stream: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
    static CONNECTOR: std::sync::LazyLock<TlsConnector> = std::sync::LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    });
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::HttpRequestUriInvalid)?;
    CONNECTOR.connect(name, stream).await.map_err(|error| Error::Connect(std::io::Error::other(error)))
}

/// One request on a connection of its own, which goes on until the response's body is read.
async fn exchange<S>(stream: S, mut request: Request<WasiBody>, options: RequestOptions) -> Sent
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Over a direct connection the request line has the path alone.
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let connection = tokio::spawn(connection);
    let limit = options.first_byte_timeout.unwrap_or(FIRST_BYTE_TIMEOUT);
    let response = timeout(limit, sender.send_request(request)).await.map_err(|_| Error::ConnectionReadTimeout)??;
    let io: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(async move {
        match connection.await {
            Ok(Err(error)) => Err(error.into()),
            _ => Ok(()),
        }
    });
    Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), Box::new(io)))
}
