//! A process asked how it is, from its own container, where there is no other program to ask with.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use thiserror::Error;

use crate::config::HttpConfig;

/// The whole question, connecting included, takes at most about twice this.
const LIMIT: Duration = Duration::from_secs(2);
/// More of an answer is not read.
const MOST: u64 = 64 * 1024;

/// Why a process is not healthy.
#[derive(Debug, Error)]
pub enum HealthError {
    /// Nobody answers there.
    #[error("nothing answers on {address}")]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It says that it is not ready, and why.
    #[error("{0}")]
    NotReady(String),
}

/// Asks the process that runs with these settings on this machine whether it is ready.
pub fn ask(http: &HttpConfig) -> Result<(), HealthError> {
    let address = here(http.admin_addr.unwrap_or(http.listen_addr).0);
    let answer = exchange(address).map_err(|source| HealthError::Silent { address, source })?;
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let body = answer.split_once("\r\n\r\n").map_or(answer.as_str(), |(_, body)| body);
    Err(HealthError::NotReady(body.to_owned()))
}

/// A process that listens everywhere is asked on this machine.
fn here(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

fn exchange(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::config::ListenAddr;

    fn asked(answer: &'static str) -> Result<(), HealthError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listener.local_addr().unwrap().port());
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let told = ask(&HttpConfig { admin_addr: Some(ListenAddr(address)), ..HttpConfig::default() });
        answering.join().unwrap();
        told
    }

    #[test]
    fn tells_ready_from_not() {
        assert!(asked("HTTP/1.1 200 OK\r\n\r\n{}").is_ok());
        let error = asked("HTTP/1.1 503 Service Unavailable\r\n\r\nnot ready: store").unwrap_err();
        assert_eq!(error.to_string(), "not ready: store");
    }

    #[test]
    fn nobody_there_is_not_healthy() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let told = ask(&HttpConfig { listen_addr: ListenAddr(gone), ..HttpConfig::default() });
        assert!(matches!(told, Err(HealthError::Silent { .. })));
    }
}
