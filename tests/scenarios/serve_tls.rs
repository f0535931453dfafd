//! `serve` over TLS: both protocols, certificates that change while it serves, clients that speak something else.

use std::fs;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use rcgen::generate_simple_self_signed;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::served::{Client, Http2, Server, dial, wait};
use super::stage::{Stage, Transcript, assert_snapshot, until};
use super::wire::Wire;
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 4] = [
        ("both_protocols", both_protocols),
        ("certificate_changes", certificate_changes),
        ("plain_client", plain_client),
        ("broken_files", broken_files),
    ];
    let trial = |(name, run)| support::trial(format!("serve/tls/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

const MANIFEST: &str = r#"
version = 1
[server]
header-timeout = "1s"
[server.tls]
certificate = "cert.pem"
key = "key.pem"
[functions.hello]
component = "hello.wasm"
"#;

/// Writes a new certificate and its key, and returns it.
fn renew(stage: &Stage) -> Result<CertificateDer<'static>, Failed> {
    let pair = generate_simple_self_signed(["localhost".to_owned()])?;
    // Whoever looks in between finds a pair that does not fit, which is not yet an error.
    stage.write("cert.pem", pair.cert.pem())?;
    stage.write("key.pem", pair.signing_key.serialize_pem())?;
    Ok(pair.cert.der().clone())
}

fn serve(stage: &Stage) -> Result<(Server, CertificateDer<'static>), Failed> {
    stage.guest("rust", "hello")?;
    let certificate = renew(stage)?;
    Ok((Server::of(stage, MANIFEST)?, certificate))
}

/// A connection of a client that trusts `root` alone.
async fn connect(
    server: &Server,
    root: &CertificateDer<'static>,
    protocols: &[&str],
) -> Result<TlsStream<TcpStream>, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let mut settings = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    settings.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = dial(server.address).await?;
    Ok(TlsConnector::from(Arc::new(settings)).connect(ServerName::try_from("localhost")?, stream).await?)
}

fn both_protocols() -> Verdict {
    let stage = Stage::new()?;
    let (server, root) = serve(&stage)?;
    let agreed = |offered: &[&str]| {
        let stream = wait(connect(&server, &root, offered))?;
        let agreed = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        Ok::<_, Failed>((stream, agreed))
    };
    let (stream, protocol) = agreed(&["http/1.1", "h2"])?;
    assert_eq!(protocol.as_deref(), Some("h2"));
    let client = wait(Http2::over(stream))?;
    for _ in 0..3 {
        assert_eq!(client.get("/")?, (200, "Hello, world!".to_owned()));
    }
    for (offered, expected) in [(&["http/1.1"][..], Some("http/1.1")), (&[], None)] {
        let (stream, protocol) = agreed(offered)?;
        assert_eq!(protocol.as_deref(), expected);
        let mut client = wait(Client::over(stream))?;
        for _ in 0..3 {
            assert_eq!(client.get("/")?, (200, "Hello, world!".to_owned()));
        }
    }
    Ok(())
}

/// New connections meet the new certificate, the old ones go on; a broken one changes nothing but the log.
fn certificate_changes() -> Verdict {
    let stage = Stage::new()?;
    let (server, first) = serve(&stage)?;
    let mut before = wait(async { Client::over(connect(&server, &first, &[]).await?).await })?;
    let second = renew(&stage)?;
    until("the new certificate", || wait(connect(&server, &second, &[])).ok())?;
    assert!(wait(connect(&server, &first, &[])).is_err(), "the old certificate is served beside the new one");
    assert_eq!(before.get("/")?.0, 200);
    let whole = fs::read_to_string(stage.path("cert.pem"))?;
    stage.write("cert.pem", &whole[..whole.len() / 2])?;
    until("the error to be told", || server.log().contains("error: ").then_some(()))?;
    wait(connect(&server, &second, &[]))?;
    assert_snapshot("serve_certificate_changes", &stage.redact(&server.log()));
    Ok(())
}

/// Gets no HTTP from a port that speaks TLS, and neither does one that says nothing; the next one is served.
fn plain_client() -> Verdict {
    let stage = Stage::new()?;
    let (server, root) = serve(&stage)?;
    for sent in ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""] {
        let mut wire = Wire::connect(server.address)?;
        wire.send(sent)?;
        let answer = wire.rest()?;
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{sent:?} was answered with {answer:?}");
    }
    let mut client = wait(async { Client::over(connect(&server, &root, &[]).await?).await })?;
    assert_eq!(client.get("/")?, (200, "Hello, world!".to_owned()));
    Ok(())
}

fn broken_files() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    stage.write("wasm-faas.toml", MANIFEST)?;
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let mut transcript = Transcript::new(&stage);
    transcript.run(&serve)?;
    renew(&stage)?;
    fs::remove_file(stage.path("key.pem"))?;
    transcript.run(&serve)?;
    let certificate = stage.path("cert.pem");
    fs::copy(&certificate, stage.path("key.pem"))?;
    transcript.run(&serve)?;
    let old = fs::read_to_string(&certificate)?;
    renew(&stage)?;
    stage.write("cert.pem", old)?;
    transcript.run(&serve)?;
    transcript.matches("serve_broken_tls_files")
}
