//! TLS: the server's certificate, replaced while it serves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};

use crate::config;

/// How often [`Tls::watch`] should look at the files.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why a certificate and its key cannot be served. The library's own errors are left out where they quote the file, which may
/// be the key, or say less than we do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not whole PEM, it may be cut short: write it again", path.display())]
    Pem { path: PathBuf },
    #[error("`{}` has no certificate: expected PEM with `BEGIN CERTIFICATE`, the server's own certificate first", path.display())]
    NoCertificate { path: PathBuf },
    #[error("`{}` has no private key: expected PEM with `BEGIN PRIVATE KEY`, without a password", path.display())]
    NoKey { path: PathBuf },
    #[error("the first certificate in `{}` is damaged or no X.509: write it again", path.display())]
    Certificate { path: PathBuf },
    #[error("the key in `{}` is damaged or of another kind: expected RSA, ECDSA P-256 or P-384, or Ed25519", path.display())]
    Key { path: PathBuf },
    #[error(
        "the key in `{}` does not belong to the first certificate in `{}`: put the server's own certificate first, or name the key it was made with",
        key.display(), certificate.display()
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },
}

/// Takes TLS connections, HTTP/2 and HTTP/1.1, with the certificate that is current.
pub struct Tls {
    files: config::Tls,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

/// Reads the files; see [`Tls::reload`] for what comes later.
pub fn acceptor(files: &config::Tls) -> Result<Tls, TlsError> {
    let current = Arc::new(Current(ArcSwap::from_pointee(load(files)?)));
    let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&current) as _;
    let mut settings = ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver);
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { files: files.clone(), current, acceptor: TlsAcceptor::from(Arc::new(settings)) })
}

impl Tls {
    /// For one handshake each; the certificate is looked up in the handshake.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again and serves what is in them from the next handshake on: true when it is other than before.
    /// After an error the old certificate stays. Blocks on the file system.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let loaded = load(&self.files)?;
        let is_new = loaded.digests != self.current.0.load().digests;
        if is_new {
            self.current.0.store(Arc::new(loaded));
        }
        Ok(is_new)
    }

    /// Reloads every `pause`, for as long as it is polled, and reports each new certificate and each error, an error once.
    ///
    /// The contents are compared, not the times: a mounted secret is replaced by a link to other files, often with old
    /// times. An error is reported when the next look finds it too: of two files one is replaced first.
    pub async fn watch(self: Arc<Self>, pause: Duration, report: impl Fn(Result<(), TlsError>)) {
        let (mut last, mut times) = (String::new(), 0_u32);
        loop {
            sleep(pause).await;
            let tls = Arc::clone(&self);
            // Fails only when the runtime ends.
            let Ok(reloaded) = spawn_blocking(move || tls.reload()).await else { return };
            let error = reloaded.as_ref().err().map(ToString::to_string).unwrap_or_default();
            times = if error == last { times.saturating_add(1) } else { 1 };
            last = error;
            match reloaded {
                Ok(true) => report(Ok(())),
                Err(error) if times == 2 => report(Err(error)),
                Ok(false) | Err(_) => {}
            }
        }
    }
}

/// The certificate in use.
#[derive(Debug)]
struct Current(ArcSwap<Loaded>);

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    /// SHA-256 of the certificate's file and of the key's.
    digests: [[u8; 32]; 2],
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}

fn load(files: &config::Tls) -> Result<Loaded, TlsError> {
    let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
    let digests = [Sha256::digest(&certificate).into(), Sha256::digest(&key).into()];
    let chain = certificates(&certificate, &files.certificate)?;
    let key = private_key(&key, &files.key)?;
    let key = any_supported_type(&key).map_err(|_| TlsError::Key { path: files.key.clone() })?;
    let key = CertifiedKey::new(chain, key);
    check_pair(&key, files)?;
    Ok(Loaded { key: Arc::new(key), digests })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.into(), source })
}

fn certificates(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::Pem { path: path.into() })?;
    if chain.is_empty() { Err(TlsError::NoCertificate { path: path.into() }) } else { Ok(chain) }
}

fn private_key(text: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path: path.into() },
        _ => TlsError::Pem { path: path.into() },
    })
}

fn check_pair(key: &CertifiedKey, files: &config::Tls) -> Result<(), TlsError> {
    match key.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { certificate: files.certificate.clone(), key: files.key.clone() })
        }
        Err(_) => Err(TlsError::Certificate { path: files.certificate.clone() }),
    }
}

#[cfg(test)]
mod tests;
