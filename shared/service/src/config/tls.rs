//! Settings of TLS. Law: a certificate without its key, or the other way round, is a fault before anything listens.

use std::path::PathBuf;

use clap::Args;

/// The files of a certificate, if the process is to speak TLS itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct TlsConfig {
    /// File with the certificate and those between it and its root (PEM): then HTTPS and WSS are served; read again when it changes
    #[arg(long, env = "TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// File with the key of the certificate (PEM)
    #[arg(long, env = "TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}
