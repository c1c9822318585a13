//! What is refused because a limit was reached, counted by limit. Law: every limit of every hop is named here, and a
//! refusal is counted once, by whoever refuses.

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A limit that a client can reach.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Limit { $($(#[$doc])* $name,)* }

        impl Limit {
            /// All limits.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The limit as the label `limit` of `recap_limit_refusals_total` has it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

limits! {
    /// Requests a minute of a key.
    RequestsPerKey = "requests_per_key";
    /// Requests a minute of an address without a key.
    RequestsPerAddress = "requests_per_address";
    /// Places for requests, all of them taken.
    Reads = "reads";
    /// Places for requests, as many taken as leave room for reads.
    Writes = "writes";
    /// Places for requests, as many taken as leave room for reads and writes.
    Summaries = "summaries";
    /// Bytes of a body.
    BodyBytes = "body_bytes";
    /// Time for a body.
    BodyTime = "body_time";
    /// Bytes or number of headers, or bytes of the URL.
    Head = "head";
    /// Time for a head, or for the handshake of TLS.
    HeadTime = "head_time";
    /// Connections in all.
    Connections = "connections";
    /// Connections of an address.
    ConnectionsPerAddress = "connections_per_address";
    /// Sockets in all.
    Sockets = "sockets";
    /// Sockets of a key.
    SocketsPerKey = "sockets_per_key";
    /// Sockets of an address without a key.
    SocketsPerAddress = "sockets_per_address";
    /// Sockets of a conversation.
    SocketsPerConversation = "sockets_per_conversation";
    /// Bytes of a frame or message on a socket.
    FrameBytes = "frame_bytes";
    /// Frames a second on a socket.
    Frames = "frames";
    /// Time for the first frame of a socket.
    FirstFrameTime = "first_frame_time";
    /// Requests or bytes that wait to be stored.
    Queue = "queue";
    /// Messages of a conversation.
    MessagesPerConversation = "messages_per_conversation";
    /// Messages of a tenant.
    MessagesPerTenant = "messages_per_tenant";
}

/// Counts a refusal.
pub fn refused(limit: Limit) {
    metrics::counter!("recap_limit_refusals_total", "limit" => limit.as_str()).increment(1);
}

/// Shows all of them from the start, so that a first refusal is seen as a change.
pub(crate) fn show() {
    for limit in Limit::ALL {
        metrics::counter!("recap_limit_refusals_total", "limit" => limit.as_str()).increment(0);
    }
}
