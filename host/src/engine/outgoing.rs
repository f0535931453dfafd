use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
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
use crate::config::{AllowRule, bare};
use crate::services::context::{Level, SharedLog};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(600);

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
    /// Whether a rule names this address itself, or the network that it is in.
    fn allows(&self, address: SocketAddr) -> bool {
        self.allow.iter().any(|rule| rule.names_address(address.ip(), address.port()))
    }
}

/// How far the rules let a request to a target go.
enum Reach {
    /// To the target's public addresses, and to those that a rule names.
    Public,
    /// Wherever it is.
    Anywhere,
    /// Only to addresses that a rule names.
    Named,
}

impl Reach {
    fn of(spec: &FunctionSpec, target: &Target) -> Option<Self> {
        let by_name = spec.allow.iter().find(|rule| rule.matches(&target.host, target.port));
        match by_name.map(AllowRule::names_private) {
            Some(true) => Some(Self::Anywhere),
            Some(false) => Some(Self::Public),
            None => spec.allow.iter().any(|rule| rule.is_network(target.port)).then_some(Self::Named),
        }
    }

    fn includes(&self, spec: &FunctionSpec, address: SocketAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Public => is_public(address.ip()) || spec.allows(address),
            Self::Named => spec.allows(address),
        }
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
            let Some(reach) = Reach::of(&spec, &target) else { return Err(not_allowed(&spec, &log, &target)) };
            let options = options.unwrap_or_default();
            let connecting = connect(&spec, &log, &target, &reach);
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

/// Tells the function's log what to add; the guest gets only the error code.
fn denied(spec: &FunctionSpec, log: &SharedLog, what: &str, host: &str, port: u16) -> Error {
    let remedy = spec.access.advice().allow_host(&authority(host, port));
    log.write(Level::Warn, &format!("outgoing request refused: {what}, {remedy}"));
    Error::HttpRequestDenied
}

fn not_allowed(spec: &FunctionSpec, log: &SharedLog, target: &Target) -> Error {
    let Target { host, port, .. } = target;
    denied(spec, log, &format!("`{}` is not allowed", authority(host, *port)), host, *port)
}

/// An IPv6 address is in brackets before a port.
fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

async fn connect(spec: &FunctionSpec, log: &SharedLog, target: &Target, reach: &Reach) -> Result<TcpStream, Error> {
    let addresses = tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(Error::Connect)?;
    let (fine, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.partition(|address| reach.includes(spec, *address));
    match (fine.as_slice(), refused.first(), reach) {
        ([], Some(_), Reach::Named) => Err(not_allowed(spec, log, target)),
        ([], Some(address), Reach::Public | Reach::Anywhere) => {
            let address = address.ip().to_string();
            let what = format!("`{}` points to the private address `{address}`", target.host);
            Err(denied(spec, log, &what, &address, target.port))
        }
        (fine, ..) => TcpStream::connect(fine).await.map_err(Error::Connect),
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{Advice, Limits, Resources};
    use crate::services::context::Identity;
    use crate::services::{Access, Clock, memory};

    fn spec(rules: &[&str]) -> FunctionSpec {
        let backends = memory::open(&Resources::default(), Clock::System).unwrap();
        let identity = Identity {
            function: "hello".into(),
            version: String::new(),
            limits: Limits::default(),
            clock: Clock::System,
        };
        FunctionSpec {
            identity: Arc::new(identity),
            access: Access::new(backends, &[], BTreeMap::new(), BTreeMap::new())
                .advised(Advice::Manifest { function: "hello".into() }),
            allow: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            sink: Arc::new(|_| {}),
            command_input: None,
            environment: Vec::new(),
            lane: crate::engine::lane(),
        }
    }

    /// Whether a request to `uri` may go to an address that its host resolves to.
    fn reaches(rules: &[&str], uri: &str, address: &str) -> bool {
        let (spec, target) = (spec(rules), Target::of(&uri.parse().unwrap()).unwrap());
        let address = SocketAddr::new(address.parse().unwrap(), target.port);
        Reach::of(&spec, &target).is_some_and(|reach| reach.includes(&spec, address))
    }

    #[test]
    fn a_name_reaches_its_public_addresses() {
        let rules = ["example.com", "*.example.org:8443"];
        assert!(reaches(&rules, "https://example.com/", "93.184.215.14"));
        assert!(reaches(&rules, "https://api.example.org:8443/", "93.184.215.14"));
        assert!(!reaches(&rules, "https://api.example.org/", "93.184.215.14"));
        for private in ["127.0.0.1", "10.0.0.1", "169.254.1.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(!reaches(&rules, "https://example.com/", private), "{private}");
        }
    }

    #[test]
    fn a_private_address_is_reached_where_it_is_named() {
        assert!(reaches(&["localhost"], "http://localhost/", "127.0.0.1"));
        assert!(reaches(&["db.example.com", "10.0.0.1"], "http://db.example.com/", "10.0.0.1"));
        assert!(!reaches(&["db.example.com", "10.0.0.1:443"], "http://db.example.com/", "10.0.0.1"));
        assert!(!reaches(&["10.0.0.1"], "http://db.example.com/", "10.0.0.1"), "only a network allows every name");
    }

    #[test]
    fn a_network_is_reached_under_whatever_name_and_nothing_else_is() {
        let rules = ["10.0.0.0/8:80", "fd00::/8"];
        for (uri, address) in [
            ("http://10.1.2.3/", "10.1.2.3"),
            ("http://db.internal/", "10.1.2.3"),
            ("http://db.internal/", "::ffff:10.1.2.3"),
            ("http://[fd00::1]:81/", "fd00::1"),
        ] {
            assert!(reaches(&rules, uri, address), "{uri} at {address}");
        }
        for (uri, address) in [
            ("http://db.internal/", "192.168.0.1"),
            ("http://db.internal/", "93.184.215.14"),
            ("https://db.internal/", "10.1.2.3"),
            ("http://127.0.0.1/", "127.0.0.1"),
        ] {
            assert!(!reaches(&rules, uri, address), "{uri} at {address}");
        }
    }

    #[tokio::test]
    async fn a_refusal_names_the_line_of_the_manifest() {
        let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log =
            SharedLog::new("hello".into(), Arc::new(move |line| sink.lock().unwrap().push(line.message.to_owned())));
        for (rules, uri) in [
            (&[][..], "https://example.com/"),
            (&["10.0.0.0/8"], "http://[::1]:80/"),
            (&["127.1"], "http://127.1:8080/"),
        ] {
            let (spec, target) = (spec(rules), Target::of(&uri.parse().unwrap()).unwrap());
            let error = match Reach::of(&spec, &target) {
                Some(reach) => connect(&spec, &log, &target, &reach).await.unwrap_err(),
                None => not_allowed(&spec, &log, &target),
            };
            assert!(matches!(error, Error::HttpRequestDenied), "{error:?}");
        }
        insta::assert_snapshot!(lines.lock().unwrap().join("\n"), @r#"
        outgoing request refused: `example.com:443` is not allowed, add "example.com:443" to `allow-hosts` of [functions.hello]
        outgoing request refused: `[::1]:80` is not allowed, add "[::1]:80" to `allow-hosts` of [functions.hello]
        outgoing request refused: `127.1` points to the private address `127.0.0.1`, add "127.0.0.1:8080" to `allow-hosts` of [functions.hello]
        "#);
    }
}
