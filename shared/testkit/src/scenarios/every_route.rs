//! Bad input for every route, made from the server's own description of itself. Law: a route that is described is
//! tried; each try is refused with the one error body and a code that the description allows there, and nothing fails.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// A route as it is described.
struct Route<'d> {
    document: &'d Value,
    method: Method,
    path: &'d str,
    operation: &'d Value,
}

/// One bad request.
struct Try {
    what: &'static str,
    path: String,
    body: Option<Vec<u8>>,
    headers: Vec<(&'static str, Vec<u8>)>,
}

/// How many tries of each kind there were.
#[derive(Debug, Default)]
pub struct Told {
    /// Operations tried.
    pub operations: usize,
    /// Tries by what was wrong with them.
    pub tries: BTreeMap<&'static str, usize>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tries: usize = self.tries.values().sum();
        writeln!(f, "{} operations, {tries} bad requests, all refused as described:", self.operations)?;
        for (what, count) in &self.tries {
            writeln!(f, "  {count:4} {what}")?;
        }
        Ok(())
    }
}

impl<'d> Route<'d> {
    fn all(document: &'d Value) -> Result<Vec<Self>> {
        let mut routes = Vec::new();
        for (path, item) in document["paths"].as_object().context("no paths")? {
            for (name, operation) in item.as_object().into_iter().flatten().filter(|(name, _)| *name != "parameters") {
                let method = Method::from_bytes(name.to_uppercase().as_bytes())?;
                routes.push(Self { document, method, path, operation });
            }
        }
        Ok(routes)
    }

    fn resolved(&self, value: &'d Value) -> &'d Value {
        value["$ref"].as_str().and_then(|to| self.document.pointer(&to[1..])).unwrap_or(value)
    }

    fn parameters(&self, place: &str) -> Vec<&'d Value> {
        let own = self.operation["parameters"].as_array().into_iter().flatten();
        let of_path = self.document["paths"][self.path]["parameters"].as_array().into_iter().flatten();
        own.chain(of_path).map(|one| self.resolved(one)).filter(|one| one["in"] == place).collect()
    }

    /// Whether anybody may ask, as often as they like: pages and documents, which take no parameters and look at none.
    fn is_open(&self) -> bool {
        self.operation["security"].as_array().is_some_and(Vec::is_empty)
    }

    /// The path with an id in place of each parameter.
    fn at(&self, id: &str) -> String {
        let mut path = self.path.to_owned();
        while let (Some(open), Some(close)) = (path.find('{'), path.find('}')) {
            // The last parts of some paths are numbers.
            let id = if path[open..=close].contains("seq") { "1" } else { id };
            path.replace_range(open..=close, id);
        }
        path
    }

    fn takes_body(&self) -> bool {
        self.operation["requestBody"].is_object()
    }

    fn example(&self) -> Value {
        self.operation["requestBody"]["content"]["application/json"]["example"].clone()
    }

    fn good(&self, what: &'static str) -> Try {
        let json = self.takes_body().then(|| ("content-type", b"application/json".to_vec()));
        let headers = json.into_iter().collect();
        let body = self.takes_body().then(|| self.example().to_string().into_bytes());
        Try { what, path: self.at("bad"), body, headers }
    }

    fn query(&self, what: &'static str, query: &str) -> Try {
        let good = self.good(what);
        Try { path: format!("{}?{query}", good.path), ..good }
    }

    fn tries(&self) -> Vec<Try> {
        let mut tries = vec![
            self.query("a key in the URL", "api_key=rk_0123456789"),
            self.query("a key in the URL, escaped", "%61pi_key=x"),
        ];
        if self.is_open() {
            return tries;
        }
        tries.push(self.query("an unknown parameter", "surplus=1"));
        tries.push(self.query("an unknown parameter, escaped", "%73urplus"));
        tries.push(self.query("a parameter that is no text", "surplus=%ff"));
        tries.push(self.query("a parameter without a name", "=1"));
        for parameter in self.parameters("query") {
            tries.extend(self.bad_values(parameter));
        }
        for name in ["conversation_id", "user_id"] {
            if self.path.contains(&format!("{{{name}}}")) {
                tries.extend(self.bad_ids());
            }
        }
        if self.path.contains("seq}") {
            for seq in ["0", "-1", "one", "1.5", "18446744073709551616", "%31x"] {
                let path = self.path.replace("{conversation_id}", "bad").replace("{seq}", seq);
                tries.push(Try { path, ..self.good("a seq that is none") });
            }
        }
        for (what, name, value) in [
            ("a wrong key", "x-api-key", &b"rk_0123456789"[..]),
            ("a key that is none", "authorization", b"Basic dTpw"),
            ("a key that is no text", "authorization", b"Bearer rk_\xff"),
            ("an endless key", "x-api-key", &[b'r'; 4096]),
        ] {
            let mut bad = self.good(what);
            bad.headers.push((name, value.to_vec()));
            tries.push(bad);
        }
        let mut two = self.good("two keys");
        two.headers.extend([("x-api-key", b"rk_a".to_vec()), ("authorization", b"Bearer rk_b".to_vec())]);
        tries.push(two);
        if self.takes_body() {
            tries.extend(self.bad_bodies());
        }
        tries
    }

    fn bad_ids(&self) -> Vec<Try> {
        let long = "x".repeat(257);
        let ids = ["%00", "%0a", "a%1fb", "%c2%85", "%ff", "%c0%af", "%ed%a0%80", &long];
        ids.iter().map(|id| Try { path: self.at(id), ..self.good("an id that is none") }).collect()
    }

    fn bad_values(&self, parameter: &Value) -> Vec<Try> {
        let name = parameter["name"].as_str().unwrap_or_default();
        let schema = self.flat(&parameter["schema"]);
        let mut tries = vec![self.query("a repeated parameter", &format!("{name}=1&{name}=2"))];
        let bad: &[&str] = match () {
            () if schema["type"] == "integer" => &["0.5", "1e3", "x", "", "-1", "%00", "99999999999999999999999"],
            () if schema["enum"].is_array() => &["", "nothing", "%00", "%ff"],
            () if schema["format"].is_string() || schema["pattern"].is_string() => &["%00", "%ff"],
            () => &["%ff"],
        };
        for value in bad {
            // `-1` is a page before a cursor's like any other number where the description sets no minimum.
            tries.push(self.query("a value that is none", &format!("{name}={value}")));
        }
        tries
    }

    fn flat(&self, schema: &Value) -> Value {
        let mut flat = schema.clone();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let part = part["$ref"].as_str().and_then(|to| self.document.pointer(&to[1..])).unwrap_or(part);
            for (name, value) in part.as_object().into_iter().flatten() {
                flat[name.as_str()] = value.clone();
            }
        }
        flat
    }

    fn bad_bodies(&self) -> Vec<Try> {
        let mut surplus = self.example();
        surplus["surplus"] = json!(1);
        let mut nul = self.example().to_string().into_bytes();
        nul.push(0);
        let twice = self.example().to_string();
        let bodies: Vec<(&'static str, Vec<u8>)> = vec![
            ("no JSON", b"nonsense".to_vec()),
            ("half a body", b"{".to_vec()),
            ("a body that is no text", b"{\"a\":\"\xff\"}".to_vec()),
            ("half a pair in a body", br#"{"a":"\ud800"}"#.to_vec()),
            ("a body of many brackets", "[".repeat(100_000).into_bytes()),
            ("a body of many objects", r#"{"a":"#.repeat(50_000).into_bytes()),
            ("a list", b"[]".to_vec()),
            ("null", b"null".to_vec()),
            ("a number", b"1e400".to_vec()),
            ("an unknown field", surplus.to_string().into_bytes()),
            ("a zero byte behind the body", nul),
            ("two bodies", format!("{twice}{twice}").into_bytes()),
            ("a body too large", vec![b' '; 9 * 1024 * 1024]),
        ];
        let mut tries: Vec<Try> =
            bodies.into_iter().map(|(what, body)| Try { body: Some(body), ..self.good(what) }).collect();
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""] {
            let headers = vec![("content-type", kind.as_bytes().to_vec())];
            tries.push(Try { headers, ..self.good("another type") });
        }
        tries
    }

    /// Whether an error with this status and code is described here.
    fn allows(&self, answer: &Answer) -> Result<bool> {
        let response = self.resolved(&self.operation["responses"][answer.status.as_str()]);
        let codes =
            &response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["detail"]["properties"];
        let code = answer.code()?;
        Ok(codes["code"]["enum"].as_array().is_some_and(|codes| codes.iter().any(|known| *known == code)))
    }
}

async fn send(client: &Client, route: &Route<'_>, bad: &Try) -> Result<Answer> {
    let mut request = client.request(route.method.clone(), &bad.path);
    for (name, value) in &bad.headers {
        request = request.header(HeaderName::from_static(name), HeaderValue::from_bytes(value)?);
    }
    if let Some(body) = &bad.body {
        request = request.body(body.clone());
    }
    client.send(request).await
}

/// Every operation that the server describes, with everything that can be wrong with it.
pub async fn every_route_refuses_bad_input(client: &Client) -> Result<Told> {
    let document = client.get("/openapi.json").await?.ok()?;
    let mut told = Told::default();
    for route in Route::all(&document)? {
        told.operations += 1;
        for bad in route.tries() {
            let answer = send(client, &route, &bad).await?;
            let what = || {
                let body = bad.body.as_deref().map(|body| String::from_utf8_lossy(&body[..body.len().min(80)]));
                format!("{}: {} {} {body:?}: {} {:.300}", bad.what, route.method, bad.path, answer.status, answer.text)
            };
            ensure!((400..500).contains(&answer.status.as_u16()), "{}", what());
            ensure!(answer.header("x-request-id").len() > 8, "{}", what());
            if route.method != Method::HEAD {
                let detail = &answer.json().with_context(what)?["detail"];
                ensure!(detail["error"].is_string() && detail["timestamp"].is_string(), "{}", what());
                ensure!(route.allows(&answer)?, "not described: {}", what());
            }
            *told.tries.entry(bad.what).or_default() += 1;
        }
    }
    ensure!(client.get("/chats/bad").await?.status == 404, "something of the table was stored");
    let metrics = client.get("/metrics").await?.text;
    ensure!(!metrics.contains("code=\"internal\""), "{metrics}");
    Ok(told)
}
