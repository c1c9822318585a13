//! Lists in one variable, with commas. Law: an empty text is an empty list, since deployments pass those.

use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use ipnet::IpNet;

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Addresses and CIDR networks, such as `10.0.0.0/8, 192.168.1.7, fd00::/8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether one of them holds `addr`; an IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contain(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.0.iter().any(|net| net.contains(&addr))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut networks = Vec::new();
        for part in parts(text) {
            let network = part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            networks
                .push(network.map_err(|_| format!("`{part}` is neither an IP address nor a network like 10.0.0.0/8"))?);
        }
        Ok(Self(networks))
    }
}

/// Where a web page came from: scheme, host and port, in lower case, without the default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    authority: String,
}

impl Origin {
    /// Reads `https://app.example.com`; `None` for `null`, a path, user names and other schemes than http and https.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri = text.parse::<Uri>().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let authority = uri.authority()?.as_str().to_ascii_lowercase();
        let bare = text.len() == scheme.len() + 3 + authority.len();
        if !bare || authority.contains('@') || !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let default = if scheme == "http" { ":80" } else { ":443" };
        let authority = authority.strip_suffix(default).unwrap_or(&authority).to_owned();
        Some(Self { scheme, authority })
    }

    /// Whether a request to `host` (the header) comes from a page of that same host.
    #[must_use]
    pub fn is_same_host(&self, host: &str) -> bool {
        let default = if self.scheme == "http" { ":80" } else { ":443" };
        let host = host.strip_suffix(default).unwrap_or(host);
        self.authority.eq_ignore_ascii_case(host)
    }
}

/// Origins whose pages may call, such as `https://app.example.com, http://localhost:3000`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// Whether `origin` is among them.
    #[must_use]
    pub fn contain(&self, origin: &Origin) -> bool {
        self.0.contains(origin)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut origins = Vec::new();
        for part in parts(text) {
            let origin = Origin::parse(part);
            origins.push(origin.ok_or_else(|| format!("`{part}` is no origin; write it as https://app.example.com"))?);
        }
        Ok(Self(origins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let networks: Networks = "10.0.0.0/8, 192.168.1.7,fd00::/8,".parse().unwrap();
        for (addr, inside) in [
            ("10.255.0.1", true),
            ("::ffff:10.1.1.1", true),
            ("192.168.1.7", true),
            ("192.168.1.8", false),
            ("fd00::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(networks.contain(addr.parse().unwrap()), inside, "{addr}");
        }
        assert!("".parse::<Networks>().unwrap().is_empty());
        assert!("10.0.0.0/33".parse::<Networks>().is_err());
    }

    #[test]
    fn origins() {
        let origins: Origins = "https://App.example.com:443, http://localhost:3000".parse().unwrap();
        for (text, inside) in [
            ("https://app.example.com", true),
            ("http://app.example.com", false),
            ("http://localhost:3000", true),
            ("http://localhost", false),
        ] {
            assert_eq!(origins.contain(&Origin::parse(text).unwrap()), inside, "{text}");
        }
        for text in ["null", "*", "https://a/b", "https://a/", "ftp://a", "https://u@a", "a.example"] {
            assert!(Origin::parse(text).is_none(), "{text}");
        }
        assert!(Origin::parse("http://Recap.test:8000").unwrap().is_same_host("recap.test:8000"));
        assert!(Origin::parse("http://recap.test").unwrap().is_same_host("recap.test:80"));
        assert!(!Origin::parse("http://recap.test:8001").unwrap().is_same_host("recap.test:8000"));
    }
}
