//! What a panic says may hold what a client said: only fixed texts are written.

use std::process::{Command, Output};

use shared_service::{LogConfig, LogFormat};

/// Set in the process that is to panic.
const CHILD: &str = "RECAP_TEST_PANICS";

fn child(kind: &str) -> Output {
    let binary = std::env::current_exe().expect("a test knows its own binary");
    let args = ["--exact", "panics::a_panic_tells_no_text", "--nocapture", "--test-threads=1"];
    Command::new(binary).args(args).env(CHILD, kind).env("RUST_BACKTRACE", "full").output().expect("it starts")
}

#[test]
fn a_panic_tells_no_text() {
    if let Ok(kind) = std::env::var(CHILD) {
        let config = LogConfig { log_format: Some(LogFormat::Json), log_level: "trace".to_owned() };
        config.install().expect("nobody else logs here");
        let said = std::hint::black_box("Qanary of a client".to_owned());
        match kind.as_str() {
            "made" => panic!("the message was {said}"),
            "slice" => assert_eq!(&said[..said.floor_char_boundary(6)], "", "{said}"),
            _ => panic!("a fixed text"),
        }
    }
    for kind in ["made", "slice", "fixed"] {
        let Output { stdout, stderr, .. } = child(kind);
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        assert!(text.contains("panic: "), "{kind}: {text}");
        assert!(!text.contains("Qanary"), "{kind}: {text}");
        assert_eq!(text.contains("panic: a fixed text"), kind == "fixed", "{text}");
    }
}
