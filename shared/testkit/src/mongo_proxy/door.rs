//! What the substitute for MongoDB lacks when somebody comes in: TLS, and a login by SCRAM-SHA-256 (RFC 5802, RFC 7677).
//!
//! Law: before the password was proved, nothing but the greeting and the login passes.

use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bson::{Binary, Document, doc, spec::BinarySubtype};
use ring::{digest, hmac, pbkdf2};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::pass;
use super::wire::{Frame, Message};
use crate::certificate::Certificate;

const SALT: &[u8] = b"salt of the tests";
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
/// Commands that pass before the login.
const GREETINGS: [&str; 4] = ["hello", "isMaster", "ismaster", "endSessions"];

/// A running door. It ends when this is dropped.
pub struct MongoDoor {
    port: u16,
    task: JoinHandle<()>,
}

impl MongoDoor {
    /// In front of a server on this machine; who comes in must know the password.
    pub async fn open(server: u16, certificate: &Certificate, password: &'static str) -> Result<Self> {
        let chain = CertificateDer::pem_file_iter(&certificate.cert)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&certificate.key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key)?));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let tls = tls.clone();
                connections.spawn(async move {
                    // Who does not speak TLS, or is not let in, is gone.
                    let Ok(client) = tls.accept(client).await else { return };
                    let _ = serve(client, server, password).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for MongoDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: impl AsyncRead + AsyncWrite + Unpin, server: u16, password: &str) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    let mut login = Login::default();
    while let Some(frame) = Frame::read(&mut client).await? {
        let message = frame.message()?;
        let answer = match &message {
            Some(message) if !login.open => login.answer(message, password)?,
            _ => None,
        };
        if let (Some(message), Some(answer)) = (message, answer) {
            message.reply(answer).frame()?.write(&mut client).await?;
        } else if !pass(&frame, &mut client, &mut server).await? {
            break;
        }
    }
    Ok(())
}

/// How far a connection's login has come.
#[derive(Default)]
struct Login {
    open: bool,
    /// The client's first message without its head, and the answer to it.
    begun: Option<(String, String)>,
}

impl Login {
    /// The answer to a command that does not reach the server; `None` for one that does.
    fn answer(&mut self, message: &Message, password: &str) -> Result<Option<Document>> {
        let payload = || -> Result<String> {
            let payload = message.body.get_binary_generic("payload").context("no payload")?;
            Ok(String::from_utf8(payload.clone())?)
        };
        match message.name() {
            name if GREETINGS.contains(&name) => Ok(None),
            "saslStart" => Ok(Some(self.start(&payload()?)?)),
            "saslContinue" => Ok(Some(self.go_on(&payload()?, password)?)),
            _ => Ok(Some(refusal(13, "Unauthorized", "command requires authentication"))),
        }
    }

    fn start(&mut self, payload: &str) -> Result<Document> {
        let bare = payload.strip_prefix("n,,").context("no client-first-message")?;
        let nonce = attribute(bare, "r")?;
        let answer = format!("r={nonce}OfTheServer,s={},i={ROUNDS}", BASE64.encode(SALT));
        self.begun = Some((bare.to_owned(), answer.clone()));
        Ok(step(&answer, false))
    }

    fn go_on(&mut self, payload: &str, password: &str) -> Result<Document> {
        let (bare, first) = self.begun.take().context("not begun")?;
        let (without_proof, _) = payload.rsplit_once(",p=").context("no proof")?;
        let proof = BASE64.decode(attribute(payload, "p")?)?;
        let mut salted = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, SALT, password.as_bytes(), &mut salted);
        let told = format!("{bare},{first},{without_proof}");
        let client_key = signed(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, &client_key);
        let signature = signed(stored.as_ref(), told.as_bytes());
        let expected: Vec<u8> = client_key.iter().zip(&signature).map(|(key, mask)| key ^ mask).collect();
        if proof != expected {
            return Ok(refusal(18, "AuthenticationFailed", "Authentication failed."));
        }
        self.open = true;
        let ours = signed(&signed(&salted, b"Server Key"), told.as_bytes());
        Ok(step(&format!("v={}", BASE64.encode(ours)), true))
    }
}

fn signed(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

fn attribute<'m>(message: &'m str, name: &str) -> Result<&'m str> {
    let found = message.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let found = found.with_context(|| format!("no {name}"))?;
    ensure!(!found.is_empty(), "an empty {name}");
    Ok(found)
}

fn step(payload: &str, done: bool) -> Document {
    let payload = Binary { subtype: BinarySubtype::Generic, bytes: payload.as_bytes().to_vec() };
    doc! { "conversationId": 1, "done": done, "payload": payload, "ok": 1.0 }
}

fn refusal(code: i32, name: &str, message: &str) -> Document {
    doc! { "ok": 0.0, "code": code, "codeName": name, "errmsg": message }
}
