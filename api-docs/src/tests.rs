//! The documents against themselves and against the table of error codes.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::config::MessageLimits;
use shared::error_code::ErrorCode;

use crate::{asyncapi, openapi};

fn documents() -> [Value; 2] {
    [openapi(&MessageLimits::default()), asyncapi()]
}

fn visit<'a>(value: &'a Value, at: &str, seen: &mut impl FnMut(&str, &'a Value)) {
    seen(at, value);
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| visit(value, &format!("{at}/{}", name.replace('/', "~1")), seen));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, value)| visit(value, &format!("{at}/{place}"), seen));
        }
        _ => {}
    }
}

/// All operations with their path and method.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method != "parameters" {
                found.push((format!("{method} {path}"), operation));
            }
        }
    }
    found
}

#[test]
fn every_reference_leads_somewhere() {
    for document in documents() {
        let mut references = 0;
        visit(&document, "", &mut |at, value| {
            if let Some(to) = value.get("$ref").and_then(Value::as_str) {
                let pointer = to.strip_prefix('#').unwrap_or_else(|| panic!("{at}: {to} is another document"));
                assert!(document.pointer(pointer).is_some(), "{at}: {to} leads nowhere");
                references += 1;
            }
        });
        assert!(references > 30, "only {references} references");
    }
}

#[test]
fn every_component_is_used() {
    for document in documents() {
        let mut used = BTreeSet::new();
        visit(&document, "", &mut |_, value| used.extend(value.get("$ref").and_then(Value::as_str)));
        for (kind, components) in document["components"].as_object().unwrap() {
            if kind == "securitySchemes" {
                continue;
            }
            for name in components.as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                // No operation answers these two: they are said of all paths.
                let of_all = ["NotFound", "MethodNotAllowed"].contains(&name.as_str());
                assert!(of_all || used.contains(reference.as_str()), "{reference} is not used");
            }
        }
    }
}

#[test]
fn every_error_code_is_described_with_its_status() {
    let document = openapi(&MessageLimits::default());
    let all: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let schema = &document["components"]["schemas"]["ErrorCode"];
    let listed: BTreeSet<&str> = schema["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(listed, all);
    for code in ErrorCode::ALL {
        let told = format!("- `{}` ({}): ", code.as_str(), code.status());
        assert!(schema["description"].as_str().unwrap().contains(&told), "{told}");
    }
    let mut given = BTreeSet::new();
    for (name, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(reference) = response["$ref"].as_str() else { continue };
            let response = document.pointer(&reference[1..]).unwrap();
            let codes = &response["content"]["application/json"]["schema"]["allOf"][1];
            for code in codes["properties"]["detail"]["properties"]["code"]["enum"].as_array().unwrap() {
                let code = code.as_str().unwrap();
                let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code).unwrap();
                assert_eq!(known.status().to_string(), *status, "{name}: {code}");
                given.insert(code);
            }
        }
    }
    let never: Vec<_> = all.difference(&given).collect();
    assert_eq!(never, [&"method_not_allowed"], "codes that no operation gives");
}

#[test]
fn operations_have_names_of_their_own_and_say_everything() {
    let document = openapi(&MessageLimits::default());
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut names = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{name}: its id is not its own");
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name}");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{name}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['1', '2'])), "{name}: never succeeds");
        for segment in name.split('/').filter_map(|segment| segment.strip_prefix('{')) {
            let wanted = segment.trim_end_matches('}');
            let path = name.split_once(' ').unwrap().1;
            let of_path = document["paths"][path]["parameters"].as_array().unwrap();
            let own = operation["parameters"].as_array().into_iter().flatten();
            let found = of_path.iter().chain(own).any(|parameter| {
                let reference = parameter["$ref"].as_str();
                let parameter = reference.map_or(parameter, |to| document.pointer(&to[1..]).unwrap());
                parameter["name"] == wanted && parameter["in"] == "path" && parameter["required"] == true
            });
            assert!(found, "{name}: {wanted} is not described");
        }
    }
    assert!(names.len() >= 20, "{names:?}");
}

#[test]
fn limits_are_those_of_the_server() {
    let limits = MessageLimits { max_messages: 7, max_content_bytes: 77, ..MessageLimits::default() };
    let schemas = &openapi(&limits)["components"]["schemas"];
    assert_eq!(schemas["PostChatsRequest"]["properties"]["messages"]["maxItems"], 7);
    assert_eq!(schemas["NewMessage"]["properties"]["content"]["maxLength"], 77);
}

#[test]
fn objects_are_closed() {
    for document in documents() {
        visit(&document["components"]["schemas"], "", &mut |at, value| {
            // Metadata are the client's own.
            if value["type"] == "object" && at != "/Metadata" {
                assert!(value.get("additionalProperties").is_some(), "{at} takes any field");
            }
        });
    }
}
