//! Which address a request comes from. Law: what a client writes itself never counts, only what trusted proxies add.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName};

use crate::config::Networks;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection, put into each request by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where it is.
    pub addr: SocketAddr,
    /// Whether it came by TLS.
    pub secure: bool,
}

/// The peer, or, where that is a trusted proxy, the rightmost address in `X-Forwarded-For` that is none.
pub(super) fn client(extensions: &Extensions, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let peer = extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.addr.ip());
    let mut client = peer.to_canonical();
    if trusted.is_empty() || !trusted.contain(client) {
        return client;
    }
    for line in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        let Ok(line) = line.to_str() else {
            return client;
        };
        for hop in line.rsplit(',') {
            let Some(addr) = address(hop.trim()) else {
                return client;
            };
            client = addr;
            if !trusted.contain(client) {
                return client;
            }
        }
    }
    client
}

fn address(text: &str) -> Option<IpAddr> {
    let addr = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|addr| addr.ip()));
    addr.ok().map(|addr| addr.to_canonical())
}

/// The address by which a caller is counted: one IPv6 client owns a whole /64.
pub(crate) fn counted(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(_) => addr,
        IpAddr::V6(addr) => IpAddr::V6(Ipv6Addr::from_bits(addr.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &str) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer { addr: SocketAddr::new(peer.parse().unwrap(), 1), secure: false });
        let lines = forwarded.iter().map(|line| (X_FORWARDED_FOR, HeaderValue::from_static(line)));
        let headers = HeaderMap::from_iter([]);
        let mut headers: HeaderMap = headers;
        lines.for_each(|(name, value)| {
            headers.append(name, value);
        });
        client(&extensions, &headers, &trusted.parse().unwrap()).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], ""), "9.9.9.9");
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], "10.0.0.0/8"), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1"], "10.0.0.0/8"), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &[], "10.0.0.0/8"), "10.0.0.1");
    }

    #[test]
    fn the_rightmost_untrusted_address_counts() {
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], "10.0.0.0/8"), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "1.1.1.1:44, 10.0.0.2"], "10.0.0.0/8"), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["junk, 10.0.0.2"], "10.0.0.0/8"), "10.0.0.2");
        assert_eq!(seen("::ffff:10.0.0.1", &["[2001:db8::1]:80"], "10.0.0.0/8"), "2001:db8::1");
    }

    #[test]
    fn ipv6_is_counted_by_its_64() {
        let addr = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(counted(addr("2001:db8:1:2:3:4:5:6")), addr("2001:db8:1:2::"));
        assert_eq!(counted(addr("1.2.3.4")), addr("1.2.3.4"));
    }
}
