//! A certificate of a test's own, for 127.0.0.1. Law: where there is no `openssl` the test is skipped, and says so.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Files in PEM.
pub struct Certificate {
    /// Signed by itself, so it is its own authority.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificate {
    /// Made in a folder; `None` without `openssl`.
    ///
    /// # Panics
    /// Without `openssl`, where `REQUIRE_BACKENDS=1` says that nothing must be skipped.
    #[must_use]
    pub fn make(folder: &Path) -> Option<Self> {
        let files = Self { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&files.key)
            .arg("-out")
            .arg(&files.cert)
            .output();
        if made.is_ok_and(|made| made.status.success()) {
            return Some(files);
        }
        assert!(std::env::var("REQUIRE_BACKENDS").as_deref() != Ok("1"), "no openssl, and REQUIRE_BACKENDS=1");
        eprintln!("SKIPPED: no openssl");
        None
    }
}
