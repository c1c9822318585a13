//! Certificate and key of a server. Law: what is served was read whole and fits together; new files take effect for
//! new connections, and files that cannot be used change nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use shared::domain::Digest;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::TlsConfig;

/// How often the files are looked at. They are small, and certificates are changed days before they end.
const LOOK: Duration = Duration::from_secs(2);

/// Why TLS cannot be spoken with these files.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file is not there, or not for us.
    #[error("{file} cannot be read")]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{file} holds no {wanted} in PEM")]
    Pem {
        /// Which.
        file: PathBuf,
        /// A certificate, or a key.
        wanted: &'static str,
        /// Why.
        #[source]
        source: PemError,
    },
    /// The key is of another certificate, or of a kind that is not known.
    #[error("certificate and key cannot be used together")]
    Unfit(#[source] rustls::Error),
}

/// What is served now, and where it came from.
pub(super) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    /// Of both files as they were last looked at.
    seen: Digest,
    served: watch::Sender<Arc<ServerConfig>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Makes connections speak TLS, with whatever is served at that moment.
#[derive(Clone)]
pub(super) struct Acceptors(watch::Receiver<Arc<ServerConfig>>);

impl Acceptors {
    pub(super) fn now(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.borrow()))
    }
}

/// Both files as they are.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files, if there are to be any.
    pub(super) fn read(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) else { return Ok(None) };
        let files = Files::read(certificate, key)?;
        let served = watch::Sender::new(files.parse(certificate, key)?);
        Ok(Some(Self { certificate: certificate.clone(), key: key.clone(), seen: files.digest(), served }))
    }

    pub(super) fn acceptors(&self) -> Acceptors {
        Acceptors(self.served.subscribe())
    }

    /// Looks at the files now and then until `stopping`.
    pub(super) async fn keep_up(mut self, stopping: CancellationToken) {
        while timeout(LOOK, stopping.cancelled()).await.is_err() {
            let looking = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looking.await {
                Ok(tls) => self = tls,
                // The process is coming down around us.
                Err(_) => return stopping.cancelled().await,
            }
        }
    }

    fn look(&mut self) {
        let files = match Files::read(&self.certificate, &self.key) {
            Ok(files) => files,
            // Files are replaced one after the other: what is gone now is there at the next look, or said then.
            Err(error) => return self.say_once(&error, Digest::of(error.to_string().as_bytes())),
        };
        let digest = files.digest();
        if digest == self.seen {
            return;
        }
        match files.parse(&self.certificate, &self.key) {
            Ok(config) => {
                self.seen = digest;
                self.served.send_replace(config);
                metrics::counter!("recap_tls_reloads_total", "outcome" => "served").increment(1);
                tracing::info!(certificate = %self.certificate.display(), "a new certificate is served from now on");
            }
            Err(error) => self.say_once(&error, digest),
        }
    }

    fn say_once(&mut self, error: &TlsError, seen: Digest) {
        if self.seen == seen {
            return;
        }
        self.seen = seen;
        metrics::counter!("recap_tls_reloads_total", "outcome" => "refused").increment(1);
        let because = std::error::Error::source(error).map(ToString::to_string);
        tracing::warn!(because, "the new certificate is not used, the one before stays: {error}");
    }
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |file: &Path| std::fs::read(file).map_err(|source| TlsError::Read { file: file.to_owned(), source });
        Ok(Self { certificate: read(certificate)?, key: read(key)? })
    }

    fn digest(&self) -> Digest {
        let mut both = Digest::of(&self.certificate).as_bytes().to_vec();
        both.extend_from_slice(Digest::of(&self.key).as_bytes());
        Digest::of(&both)
    }

    fn parse(&self, certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
        let wrong = |file: &Path, wanted, source| TlsError::Pem { file: file.to_owned(), wanted, source };
        let chain = CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.and_then(|chain| if chain.is_empty() { Err(PemError::NoItemsFound) } else { Ok(chain) });
        let chain = chain.map_err(|source| wrong(certificate, "certificate", source))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|source| wrong(key, "private key", source))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unfit)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(TlsError::Unfit)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_served_once_they_fit_together_and_broken_ones_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let here = |kind: &str| folder.path().join(format!("served.{kind}"));
        let put = |name: &str, kind: &str| {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{name}.{kind}"));
            std::fs::copy(from, here(kind)).unwrap();
        };
        put("one", "pem");
        put("one", "key");
        let config = TlsConfig { tls_cert: Some(here("pem")), tls_key: Some(here("key")) };
        let mut tls = Tls::read(&config).unwrap().unwrap();
        let first = Arc::clone(&tls.served.borrow());
        let served = |tls: &Tls| Arc::clone(&tls.served.borrow());
        let mut seen = tls.seen;
        tls.look();
        assert!(tls.seen == seen && Arc::ptr_eq(&served(&tls), &first));
        // Half a change, no certificate at all, and no file.
        put("two", "key");
        for broken in [None, Some("no certificate")] {
            if let Some(text) = broken {
                std::fs::write(here("pem"), text).unwrap();
            }
            tls.look();
            assert!(tls.seen != seen && Arc::ptr_eq(&served(&tls), &first), "{broken:?}");
            seen = tls.seen;
        }
        std::fs::remove_file(here("pem")).unwrap();
        tls.look();
        assert!(tls.seen != seen && Arc::ptr_eq(&served(&tls), &first));
        put("two", "pem");
        tls.look();
        assert!(!Arc::ptr_eq(&served(&tls), &first));
    }

    #[test]
    fn both_files_or_none() {
        assert!(Tls::read(&TlsConfig::default()).unwrap().is_none());
    }
}
