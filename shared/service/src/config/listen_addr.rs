//! Where to listen. Law: an address without a host means this machine only.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`, or `:8000` (then 127.0.0.1). Port 0 takes a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddr(pub SocketAddr);

impl FromStr for ListenAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const RIGHT: &str = "write it as 127.0.0.1:8000, [::1]:8000 or :8000";
        if let Ok(addr) = text.parse() {
            return Ok(Self(addr));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("there is no port; {RIGHT}"))?;
        let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port from 0 to 65535; {RIGHT}"))?;
        match host {
            "" | "localhost" => Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))),
            "*" => Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))),
            _ => Err(format!("`{host}` is no IP address; {RIGHT}")),
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_forms() {
        for (text, shown) in [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            (":0", "127.0.0.1:0"),
            ("localhost:80", "127.0.0.1:80"),
            ("*:80", "0.0.0.0:80"),
            ("[::]:80", "[::]:80"),
        ] {
            assert_eq!(text.parse::<ListenAddr>().map(|addr| addr.to_string()), Ok(shown.to_owned()));
        }
        for text in ["", "8000", "127.0.0.1", "host.example:80", "127.0.0.1:65536", "::1:80x"] {
            assert!(text.parse::<ListenAddr>().is_err(), "{text}");
        }
    }
}
