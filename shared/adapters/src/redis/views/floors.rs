//! Which versions were announced lately. Law: below what this process has heard of nothing is taken from the cache, and
//! after a gap in what it hears nothing at all, for as long as something old may be there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::{ConversationKey, Version};
use shared::ports::{Announcement, EventBus};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep};

/// Longer than a text is kept, with the time that its writer took to read it.
const REMEMBERED: Duration = Duration::from_secs(15);
/// More announcements than this in that time are as good as a gap.
const MOST: usize = 65_536;
const PAUSE: Duration = Duration::from_secs(1);

/// What was heard lately.
pub(super) struct Floors {
    state: Mutex<State>,
}

struct State {
    floors: HashMap<ConversationKey, (Version, Instant)>,
    /// Before this nothing is taken from the cache.
    deaf_until: Instant,
}

impl Floors {
    /// Nothing was heard yet: a gap.
    pub(super) fn new() -> Self {
        Self::deaf_until(Instant::now() + REMEMBERED)
    }

    pub(super) fn deaf_until(deaf_until: Instant) -> Self {
        Self { state: Mutex::new(State { floors: HashMap::new(), deaf_until }) }
    }

    /// The lowest version that may come from the cache; `None`: none may.
    pub(super) fn floor(&self, key: &ConversationKey) -> Option<Version> {
        let now = Instant::now();
        let state = self.state.lock();
        if state.deaf_until > now {
            return None;
        }
        match state.floors.get(key) {
            Some((version, until)) if *until > now => (version.0 < u64::MAX).then_some(*version),
            _ => Some(Version(0)),
        }
    }

    /// Nothing below this version; without one, nothing.
    pub(super) fn raise(&self, key: &ConversationKey, version: Option<Version>) {
        let now = Instant::now();
        let version = version.unwrap_or(Version(u64::MAX));
        let mut state = self.state.lock();
        if state.floors.len() >= MOST {
            state.floors.retain(|_, (_, until)| *until > now);
        }
        if state.floors.len() >= MOST {
            state.floors.clear();
            state.deaf_until = now + REMEMBERED;
            return;
        }
        let floor = state.floors.entry(key.clone()).or_insert((version, now));
        let known = if floor.1 > now { floor.0 } else { Version(0) };
        *floor = (version.max(known), now + REMEMBERED);
    }

    fn gap(&self) {
        self.state.lock().deaf_until = Instant::now() + REMEMBERED;
    }

    /// Listens for ever.
    pub(super) async fn listen(self: Arc<Self>, bus: Arc<dyn EventBus>) {
        loop {
            let Ok(mut announcements) = bus.announcements().await else {
                self.gap();
                sleep(PAUSE).await;
                continue;
            };
            loop {
                match announcements.recv().await {
                    Ok(Announcement::Summarized { key, version }) => self.raise(&key, Some(version)),
                    Ok(Announcement::Erased { key }) => self.raise(&key, None),
                    Ok(Announcement::Retracted { key, version }) => self.raise(&key, Some(version.next())),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.gap(),
                    Err(RecvError::Closed) => break,
                }
            }
            self.gap();
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::domain::{ConversationId, TenantId};

    #[tokio::test(start_paused = true)]
    async fn floors_rise_are_forgotten_and_begin_with_a_gap() {
        let key = |name: &str| ConversationKey::new(TenantId::public(), ConversationId::parse(name).unwrap());
        let floors = Floors::new();
        assert_eq!(floors.floor(&key("a")), None);
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(floors.floor(&key("a")), Some(Version(0)));
        for version in [3, 7, 5] {
            floors.raise(&key("a"), Some(Version(version)));
        }
        floors.raise(&key("b"), None);
        assert_eq!((floors.floor(&key("a")), floors.floor(&key("b"))), (Some(Version(7)), None));
        tokio::time::advance(REMEMBERED).await;
        assert_eq!((floors.floor(&key("a")), floors.floor(&key("b"))), (Some(Version(0)), Some(Version(0))));
        for n in 0..=MOST {
            floors.raise(&key(&n.to_string()), Some(Version(1)));
        }
        assert_eq!(floors.floor(&key("a")), None, "too many are a gap");
    }
}
