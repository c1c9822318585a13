//! Sockets counted by who opened them. Law: no key and no address takes the places of all others, and memory is bounded
//! by the sockets that are open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::CallerId;
use shared::error_code::ErrorCode;
use shared_service::ApiError;
use shared_service::limits::{self, Limit};

use crate::config::QueryConfig;

/// Of an address, where nothing is set, for all but this machine's own programs.
const PER_ADDRESS: usize = 100;

/// How many sockets each caller has open.
pub struct Callers {
    per_key: usize,
    per_address: Option<usize>,
    open: Mutex<HashMap<CallerId, usize>>,
}

/// A socket of a caller; counted until it is dropped.
pub struct Seat {
    callers: Arc<Callers>,
    caller: CallerId,
}

impl Callers {
    /// Nobody has one yet.
    #[must_use]
    pub fn new(config: &QueryConfig) -> Self {
        Self {
            per_key: config.max_sockets_per_key,
            per_address: config.max_sockets_per_address,
            open: Mutex::new(HashMap::new()),
        }
    }

    fn most(&self, caller: &CallerId) -> usize {
        let most = match (caller, self.per_address) {
            (CallerId::Key(_), _) => self.per_key,
            (CallerId::Anonymous(_), Some(most)) => most,
            (CallerId::Anonymous(address), None) if is_here(*address) => 0,
            (CallerId::Anonymous(_), None) => PER_ADDRESS,
        };
        if most == 0 { usize::MAX } else { most }
    }

    /// One socket more, else `rate_limited`.
    pub fn enter(self: &Arc<Self>, caller: &CallerId) -> Result<Seat, ApiError> {
        let most = self.most(caller);
        let mut open = self.open.lock();
        let count = open.entry(caller.clone()).or_insert(0);
        if *count < most {
            *count += 1;
            return Ok(Seat { callers: Arc::clone(self), caller: caller.clone() });
        }
        let (limit, whose) = match caller {
            CallerId::Key(_) => (Limit::SocketsPerKey, "key"),
            CallerId::Anonymous(_) => (Limit::SocketsPerAddress, "address"),
        };
        limits::refused(limit);
        let message = format!("this {whose} has {most} listeners already, which is as many as it may; close one");
        Err(ApiError::new(ErrorCode::RateLimited, message).retry_after(Duration::from_secs(5)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.callers.open.lock();
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

/// An IPv6 address is counted by its first half, in which `::1` is nothing.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || address == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use shared::domain::Digest;

    use super::*;

    fn callers(per_key: usize, per_address: Option<usize>) -> Arc<Callers> {
        let config = QueryConfig {
            max_sockets_per_key: per_key,
            max_sockets_per_address: per_address,
            ..QueryConfig::default()
        };
        Arc::new(Callers::new(&config))
    }

    fn address(text: &str) -> CallerId {
        CallerId::Anonymous(text.parse().unwrap())
    }

    #[test]
    fn each_gets_as_many_as_set_and_one_more_when_one_goes() {
        let callers = callers(2, Some(1));
        let (one, other) = (CallerId::Key(Digest::of(b"one")), CallerId::Key(Digest::of(b"other")));
        let mut seats = vec![callers.enter(&one).unwrap(), callers.enter(&one).unwrap()];
        let refused = callers.enter(&one).err().unwrap();
        assert_eq!((refused.code(), refused.wait()), (ErrorCode::RateLimited, Some(Duration::from_secs(5))));
        assert!(callers.enter(&other).is_ok());
        seats.push(callers.enter(&address("127.0.0.1")).unwrap());
        assert!(callers.enter(&address("127.0.0.1")).is_err());
        seats.remove(0);
        assert!(callers.enter(&one).is_ok());
        drop(seats);
        assert!(callers.open.lock().is_empty());
    }

    #[test]
    fn where_nothing_is_set_this_machine_has_no_limit_and_others_have() {
        let callers = callers(0, None);
        for (caller, wanted) in [
            (address("127.0.0.1"), PER_ADDRESS + 1),
            (address("::"), PER_ADDRESS + 1),
            (address("9.9.9.9"), PER_ADDRESS),
            (CallerId::Key(Digest::of(b"one")), PER_ADDRESS + 1),
        ] {
            let seats: Vec<_> = (0..=PER_ADDRESS).map_while(|_| callers.enter(&caller).ok()).collect();
            assert_eq!(seats.len(), wanted, "{caller:?}");
        }
    }
}
