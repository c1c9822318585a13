//! Connections counted by address. Law: one address never takes the places of all others, and memory is bounded by the
//! connections that are open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{HttpConfig, Networks};
use crate::gate::counted;

/// Where nothing is set, for all but this machine's own programs.
const DEFAULT: usize = 512;

pub(super) struct Addresses {
    most: Option<usize>,
    trusted: Networks,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection of an address; counted until it is dropped.
pub(super) struct Guest {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    pub(super) fn new(config: &HttpConfig) -> Self {
        Self {
            most: config.max_connections_per_address,
            trusted: config.trusted_proxies.clone(),
            open: Mutex::new(HashMap::new()),
        }
    }

    /// None: as many as it likes. What is set counts for all but trusted proxies, who come for many.
    fn limit(&self, peer: IpAddr) -> Option<usize> {
        if self.trusted.contain(peer) {
            return None;
        }
        match self.most {
            Some(0) => None,
            Some(most) => Some(most),
            None if peer.is_loopback() => None,
            None => Some(DEFAULT),
        }
    }

    /// One connection more; `Err` if the address has too many already.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Option<Guest>, TooMany> {
        let peer = peer.to_canonical();
        let Some(most) = self.limit(peer) else { return Ok(None) };
        let address = counted(peer);
        let mut open = self.open.lock();
        let count = open.entry(address).or_insert(0);
        if *count >= most {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(Guest { addresses: Arc::clone(self), address }))
    }
}

/// The address has as many connections as it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(most: Option<usize>) -> Arc<Addresses> {
        Arc::new(Addresses::new(&HttpConfig {
            max_connections_per_address: most,
            trusted_proxies: "10.0.0.0/8".parse().unwrap(),
            ..HttpConfig::default()
        }))
    }

    fn enter(addresses: &Arc<Addresses>, peer: &str, times: usize) -> (Vec<Option<Guest>>, bool) {
        let mut inside = Vec::new();
        for _ in 0..times {
            match addresses.enter(peer.parse().unwrap()) {
                Ok(guest) => inside.push(guest),
                Err(TooMany) => return (inside, false),
            }
        }
        (inside, true)
    }

    #[test]
    fn an_address_gets_as_many_as_set_and_one_more_when_one_goes() {
        let addresses = addresses(Some(3));
        let (mut inside, all) = enter(&addresses, "9.9.9.9", 4);
        assert_eq!((inside.len(), all), (3, false));
        assert!(enter(&addresses, "9.9.9.8", 3).1, "another address has its own");
        inside.pop();
        assert!(enter(&addresses, "::ffff:9.9.9.9", 1).1);
        drop(inside);
        assert!(addresses.open.lock().is_empty());
    }

    #[test]
    fn an_ipv6_client_is_its_whole_64() {
        let addresses = addresses(Some(1));
        let (_one, _) = enter(&addresses, "2001:db8::1", 1);
        assert!(!enter(&addresses, "2001:db8::2", 1).1);
        assert!(enter(&addresses, "2001:db8:0:1::1", 1).1);
    }

    #[test]
    fn proxies_are_never_counted_and_this_machine_only_where_it_is_set() {
        for (most, peer, wanted) in [
            (Some(1), "10.1.1.1", DEFAULT + 1),
            (Some(1), "127.0.0.1", 1),
            (None, "127.0.0.1", DEFAULT + 1),
            (None, "9.9.9.9", DEFAULT),
            (Some(0), "9.9.9.9", DEFAULT + 1),
        ] {
            let addresses = addresses(most);
            assert_eq!(enter(&addresses, peer, DEFAULT + 1).0.len(), wanted, "{most:?} {peer}");
        }
    }
}
