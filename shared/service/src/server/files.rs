//! Open files. Law: connections never take the last descriptors, which the store and the accept loop need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for everything that is no connection.
const RESERVED: u64 = 128;

/// How many connections there is room for, after the soft limit was raised to the hard one, where that is allowed.
pub(super) fn room_for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Some systems refuse; then what there is must do.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    room(getrlimit(Resource::Nofile).current)
}

/// `None` is no limit. A small limit is shared half and half.
fn room(limit: Option<u64>) -> usize {
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(RESERVED).max(limit / 2).max(1));
    usize::try_from(room).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_kept() {
        assert_eq!(room(Some(1024)), 896);
        assert_eq!(room(Some(64)), 32);
        assert_eq!(room(Some(0)), 1);
        assert_eq!(room(None), usize::MAX);
    }

    #[test]
    fn the_soft_limit_is_raised() {
        let room = room_for_connections();
        let limit = getrlimit(Resource::Nofile);
        assert!(room >= 1 && limit.current.is_none_or(|current| u64::try_from(room).is_ok_and(|room| room < current)));
    }
}
