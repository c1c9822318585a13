//! What is posted: requests encoded before the clock runs.
//!
//! Law: the same every time. Texts vary as chat does (questions, moods, tasks, dates), so that live insights have
//! as much to do as with people.

use std::fmt::Write as _;

/// Requests to be sent over and over.
pub(crate) struct Traffic {
    requests: Vec<Vec<u8>>,
    /// Messages in each request.
    pub(crate) messages: u64,
}

impl Traffic {
    /// Bodies of `messages` messages each to `conversations` conversations in turn, `rounds` different ones to each.
    /// Without timestamps, as live chat is posted.
    pub(crate) fn posts(prefix: &str, conversations: usize, messages: usize, rounds: usize) -> Self {
        let mut requests = Vec::with_capacity(conversations * rounds);
        let mut place = 0;
        for round in 0..rounds {
            for conversation in 0..conversations {
                let mut body = format!(
                    r#"{{"conversation_id":"{prefix}-{conversation}","user_id":"{prefix}-user-{}-{}","messages":["#,
                    conversation % 500,
                    round % 3,
                );
                for message in 0..messages {
                    let comma = if message == 0 { "" } else { "," };
                    // Writing to a String cannot fail.
                    let _ = write!(body, r#"{comma}{{"content":"{}"}}"#, text(place));
                    place += 1;
                }
                body.push_str("]}");
                requests.push(post("/chats", &body));
            }
        }
        Self { requests, messages: messages as u64 }
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn request(&self, place: usize) -> &[u8] {
        &self.requests[place % self.requests.len()]
    }
}

/// A POST of JSON.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: recap\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: recap\r\n\r\n").into_bytes()
}

const OPENINGS: [&str; 11] = [
    "Hi all,",
    "Quick update:",
    "I think",
    "Sorry,",
    "Great news,",
    "To be honest,",
    "By the way,",
    "As far as I can see",
    "Hmm,",
    "Thanks Maria,",
    "Just so you know,",
];
const MIDDLES: [&str; 13] = [
    "the release candidate passed every test on staging",
    "the customer is still waiting for an answer about the invoice",
    "I will send the numbers for the budget review",
    "nobody has looked at the failing login page yet",
    "we decided to keep the old database for one more quarter",
    "could you check whether the backup really ran last night?",
    "the new onboarding screens look wonderful",
    "this bug is terrible and keeps coming back",
    "Peter needs to book the room for the workshop",
    "the supplier moved the delivery of the sensors again",
    "our support queue is longer than it has ever been",
    "can somebody review my change to the search index?",
    "let us meet and go through the open points together",
];
const ENDINGS: [&str; 7] = [
    "by Friday.",
    "before the meeting tomorrow.",
    "as soon as possible, please.",
    "and I am happy about it.",
    "which worries me a little.",
    "in the second week of March.",
    "so we can close the ticket.",
];

/// The lists have no common divisor, so a thousand texts go by before one comes again.
fn text(place: usize) -> String {
    let [opening, middle, ending] =
        [OPENINGS[place % OPENINGS.len()], MIDDLES[place % MIDDLES.len()], ENDINGS[place % ENDINGS.len()]];
    format!("{opening} {middle} {ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_to_each_conversation_in_turn() {
        let traffic = Traffic::posts("t", 2, 3, 2);
        assert_eq!((traffic.len(), traffic.messages), (4, 3));
        let request = String::from_utf8(traffic.request(5).to_vec()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["conversation_id"], "t-1");
        assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn texts_vary() {
        let texts: std::collections::HashSet<String> = (0..1001).map(text).collect();
        assert_eq!(texts.len(), 1001);
    }
}
