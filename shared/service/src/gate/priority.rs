//! What a request is when there is too much to do. Law: health, then reads, then writes, then summaries on demand.

use http::Method;

use super::stats::RouteStats;

/// What a request is, in the order in which it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// What operators and pages need: always let in.
    Open,
    /// What shows what is stored, and sockets.
    Read,
    /// What changes what is stored.
    Write,
    /// Summaries that are made while somebody waits.
    Summary,
}

impl Priority {
    pub(super) fn of(route: &RouteStats, method: &Method) -> Self {
        if route.is_open() {
            Self::Open
        } else if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
            Self::Read
        } else if *method == Method::POST && route.label() == "/chats/summarize" {
            Self::Summary
        } else {
            Self::Write
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_their_priority() {
        for (route, method, wanted) in [
            (Some("/healthz"), Method::GET, Priority::Open),
            (Some("/chats/{conversation_id}"), Method::GET, Priority::Read),
            (Some("/ws/summarize"), Method::GET, Priority::Read),
            (Some("/chats"), Method::POST, Priority::Write),
            (Some("/chats/{conversation_id}"), Method::DELETE, Priority::Write),
            (Some("/chats/summarize"), Method::POST, Priority::Summary),
            (Some("/chats/summarize"), Method::GET, Priority::Read),
            (None, Method::PUT, Priority::Write),
        ] {
            assert_eq!(Priority::of(&RouteStats::new(route), &method), wanted, "{route:?} {method}");
        }
    }
}
