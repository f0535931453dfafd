use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use insta::assert_snapshot;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Tls, acceptor};
use crate::config;

/// A folder with `certificate.pem` and `key.pem`.
struct Disk {
    folder: TempDir,
    files: config::Tls,
}

impl Disk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let files =
            config::Tls { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
        Self { folder, files }
    }

    /// Writes a new pair and returns its certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let pair = new_pair();
        self.write(&pair.cert.pem(), &pair.signing_key.serialize_pem());
        pair.cert.der().clone()
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(&self.files.certificate, certificate).unwrap();
        fs::write(&self.files.key, key).unwrap();
    }

    /// Why the files are refused, without the folder's name.
    fn refusal(&self) -> String {
        let Err(error) = acceptor(&self.files) else { panic!("the files were taken") };
        error.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn new_pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// What a client that offers `protocols` and trusts `root` gets: the protocol agreed on, or the error.
async fn connect(tls: &Tls, root: &CertificateDer<'static>, protocols: &[&[u8]]) -> Result<Option<Vec<u8>>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut settings = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    settings.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let (ours, theirs) = duplex(16 << 10);
    let client = TlsConnector::from(Arc::new(settings));
    let connecting = client.connect(ServerName::try_from("localhost").unwrap(), theirs);
    let (server, client) = tokio::join!(tls.acceptor().accept(ours), connecting);
    let mut client = client.map_err(|error| error.to_string())?;
    let mut server = server.map_err(|error| error.to_string())?;
    server.write_all(b"hello").await.unwrap();
    server.flush().await.unwrap();
    let mut text = [0; 5];
    client.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"hello");
    Ok(server.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

#[tokio::test]
async fn http_2_comes_before_http_1() {
    let disk = Disk::new();
    let root = disk.renew();
    let tls = acceptor(&disk.files).unwrap();
    assert_eq!(connect(&tls, &root, &[b"http/1.1", b"h2"]).await.unwrap().unwrap(), b"h2");
    assert_eq!(connect(&tls, &root, &[b"http/1.1"]).await.unwrap().unwrap(), b"http/1.1");
    assert_eq!(connect(&tls, &root, &[]).await.unwrap(), None);
}

#[tokio::test]
async fn a_reload_changes_the_certificate_of_later_handshakes() {
    let disk = Disk::new();
    let old = disk.renew();
    let tls = acceptor(&disk.files).unwrap();
    assert!(!tls.reload().unwrap(), "nothing changed");
    let new = disk.renew();
    connect(&tls, &old, &[]).await.expect("the old one is served until the reload");
    assert!(tls.reload().unwrap());
    connect(&tls, &new, &[]).await.unwrap();
    let error = connect(&tls, &old, &[]).await.unwrap_err();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn a_broken_reload_keeps_the_old_certificate() {
    let disk = Disk::new();
    let old = disk.renew();
    let tls = acceptor(&disk.files).unwrap();
    fs::write(&disk.files.key, new_pair().signing_key.serialize_pem()).unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("does not belong"));
    fs::remove_file(&disk.files.key).unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("cannot read"));
    connect(&tls, &old, &[]).await.unwrap();
}

#[tokio::test]
async fn a_watch_reports_each_certificate_and_each_lasting_error_once() {
    let disk = Disk::new();
    disk.renew();
    let tls = Arc::new(acceptor(&disk.files).unwrap());
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&reports);
    let watch = Arc::clone(&tls).watch(Duration::from_millis(2), move |report| {
        heard.lock().unwrap().push(report.map_err(|error| error.to_string()).err());
    });
    let watch = tokio::spawn(watch);
    let next = async |count: usize| {
        timeout(Duration::from_secs(20), async {
            while reports.lock().unwrap().len() < count {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .unwrap();
    };
    fs::write(&disk.files.key, "no key").unwrap();
    next(1).await;
    sleep(Duration::from_millis(40)).await;
    assert!(reports.lock().unwrap()[0].as_ref().is_some_and(|error| error.contains("no private key")));
    let new = disk.renew();
    next(2).await;
    assert_eq!(reports.lock().unwrap()[1], None);
    connect(&tls, &new, &[]).await.unwrap();
    sleep(Duration::from_millis(40)).await;
    watch.abort();
    assert_eq!(reports.lock().unwrap().len(), 2, "{reports:?}");
}

#[test]
fn refusals_say_which_file_and_why() {
    let disk = Disk::new();
    let pair = new_pair();
    let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    assert_snapshot!(disk.refusal(), @"cannot read `certificate.pem`: No such file or directory (os error 2)");
    disk.write("", &key);
    assert_snapshot!(disk.refusal(), @"`certificate.pem` has no certificate: expected PEM with `BEGIN CERTIFICATE`, the server's own certificate first");
    disk.write(&key, &certificate);
    assert_snapshot!(disk.refusal(), @"`certificate.pem` has no certificate: expected PEM with `BEGIN CERTIFICATE`, the server's own certificate first");
    disk.write(&certificate, &certificate);
    assert_snapshot!(disk.refusal(), @"`key.pem` has no private key: expected PEM with `BEGIN PRIVATE KEY`, without a password");
    disk.write(&certificate, &key[..key.len() / 2]);
    assert_snapshot!(disk.refusal(), @"`key.pem` is not whole PEM, it may be cut short: write it again");
    disk.write(&certificate[..certificate.len() / 2], &key);
    assert_snapshot!(disk.refusal(), @"`certificate.pem` is not whole PEM, it may be cut short: write it again");
    disk.write(&certificate, &new_pair().signing_key.serialize_pem());
    assert_snapshot!(disk.refusal(), @"the key in `key.pem` does not belong to the first certificate in `certificate.pem`: put the server's own certificate first, or name the key it was made with");
    disk.write("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", &key);
    assert_snapshot!(disk.refusal(), @"the first certificate in `certificate.pem` is damaged or no X.509: write it again");
    disk.write(&certificate, "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n");
    assert_snapshot!(disk.refusal(), @"the key in `key.pem` is damaged or of another kind: expected RSA, ECDSA P-256 or P-384, or Ed25519");
}

#[test]
fn a_chain_is_served_whole() {
    let disk = Disk::new();
    let (own, root) = (new_pair(), new_pair());
    disk.write(&format!("{}{}", own.cert.pem(), root.cert.pem()), &own.signing_key.serialize_pem());
    let tls = acceptor(&disk.files).unwrap();
    assert_eq!(tls.current.0.load().key.cert, [own.cert.der().clone(), root.cert.der().clone()]);
    disk.write(&format!("{}{}", root.cert.pem(), own.cert.pem()), &own.signing_key.serialize_pem());
    assert!(disk.refusal().contains("put the server's own certificate first"));
}
