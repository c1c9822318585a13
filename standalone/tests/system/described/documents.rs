//! The two documents, asked from the server, as things to hold answers against.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use shared_testkit::client::{Answer, Client};

/// Headers that HTTP itself brings along.
const OF_HTTP: [&str; 4] = ["content-type", "content-length", "date", "transfer-encoding"];

pub(crate) struct Documents {
    openapi: Value,
    asyncapi: Value,
}

/// One method of one path.
pub(crate) struct Operation<'d> {
    pub(crate) path: &'d str,
    pub(crate) method: Method,
    pub(crate) described: &'d Value,
}

impl Operation<'_> {
    pub(crate) fn id(&self) -> &str {
        self.described["operationId"].as_str().unwrap_or_default()
    }
}

impl Documents {
    pub(crate) async fn read(client: &Client) -> Result<Self> {
        Ok(Self {
            openapi: client.get("/openapi.json").await?.ok()?,
            asyncapi: client.get("/asyncapi.json").await?.ok()?,
        })
    }

    pub(crate) fn paths(&self) -> Result<Vec<&str>> {
        Ok(self.openapi["paths"].as_object().context("no paths")?.keys().map(String::as_str).collect())
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut found = Vec::new();
        for (path, item) in self.openapi["paths"].as_object().into_iter().flatten() {
            for (name, described) in item.as_object().into_iter().flatten() {
                if let Ok(method) = Method::from_bytes(name.to_uppercase().as_bytes())
                    && name != "parameters"
                {
                    found.push(Operation { path, method, described });
                }
            }
        }
        found
    }

    pub(crate) fn operation(&self, method: &Method, path: &str) -> Result<Operation<'_>> {
        let found = self.operations().into_iter().find(|one| one.method == *method && one.path == path);
        found.with_context(|| format!("{method} {path} is not described"))
    }

    /// All error codes.
    pub(crate) fn codes(&self) -> Result<BTreeSet<String>> {
        let codes = self.openapi["components"]["schemas"]["ErrorCode"]["enum"].as_array().context("no codes")?;
        Ok(codes.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A parameter by the name that it has in a request.
    pub(crate) fn parameter<'d>(&'d self, operation: &Operation<'d>, name: &str) -> Result<&'d Value> {
        let own = operation.described["parameters"].as_array().into_iter().flatten();
        let of_path = self.openapi["paths"][operation.path]["parameters"].as_array().into_iter().flatten();
        let mut all = own.chain(of_path).map(|parameter| self.resolved(parameter));
        all.find(|parameter| parameter["name"] == name).with_context(|| format!("no parameter {name}"))
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        let target = value["$ref"].as_str().and_then(|to| self.openapi.pointer(&to[1..]));
        target.unwrap_or(value)
    }

    /// A schema of the HTTP document.
    pub(crate) fn schema(&self, schema: &Value) -> Result<Validator> {
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.openapi["components"],
            "allOf": [schema],
        });
        Ok(jsonschema::validator_for(&root)?)
    }

    /// The types of frames that the server sends.
    pub(crate) fn frames(&self) -> Result<Vec<String>> {
        let sent = self.asyncapi["operations"]["push"]["messages"].as_array().context("no messages")?;
        let names = sent.iter().filter_map(|one| one["$ref"].as_str()?.rsplit('/').next());
        Ok(names.map(str::to_owned).collect())
    }

    /// The schema of a message of the WebSocket.
    pub(crate) fn message(&self, name: &str) -> Result<Validator> {
        let message = &self.asyncapi["components"]["messages"][name];
        ensure!(message.is_object(), "no message {name}");
        let root = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "components": self.asyncapi["components"],
            "allOf": [message["payload"]],
        });
        Ok(jsonschema::validator_for(&root)?)
    }

    /// Holds an answer against what its operation says of that status.
    pub(crate) fn check(&self, operation: &Operation<'_>, answer: &Answer) -> Result<()> {
        let status = answer.status.as_u16();
        let response = &operation.described["responses"][status.to_string()];
        ensure!(response.is_object(), "{status} is not described: {}", answer.text);
        self.check_response(self.resolved(response), answer)
    }

    /// Holds an answer against one of the responses that all operations share.
    pub(crate) fn check_shared(&self, name: &str, answer: &Answer) -> Result<()> {
        let response = &self.openapi["components"]["responses"][name];
        ensure!(response.is_object(), "no response {name}");
        self.check_response(response, answer)
    }

    fn check_response(&self, response: &Value, answer: &Answer) -> Result<()> {
        self.check_headers(&response["headers"], answer)?;
        let Some(content) = response["content"].as_object() else {
            ensure!(answer.text.is_empty(), "no body is described: {}", answer.text);
            return Ok(());
        };
        let media = answer.header("content-type").split(';').next().unwrap_or_default();
        let described = content.get(media).or_else(|| content.get("*/*"));
        let described = described.with_context(|| format!("{media:?} is not described"))?;
        if media == "application/json" {
            holds(&self.schema(&described["schema"])?, &answer.json()?)?;
        }
        Ok(())
    }

    fn check_headers(&self, described: &Value, answer: &Answer) -> Result<()> {
        let described = described.as_object().context("no headers are described")?;
        for (name, header) in described {
            let header = self.resolved(header);
            match answer.headers.get(name) {
                None if header["required"] == true => bail!("the header {name} is missing: {:?}", answer.headers),
                None => {}
                Some(value) => holds(&self.schema(&header["schema"])?, &json!(value.to_str()?))
                    .with_context(|| format!("the header {name}"))?,
            }
        }
        for name in answer.headers.keys() {
            let known = OF_HTTP.contains(&name.as_str()) || described.contains_key(name.as_str());
            ensure!(known, "the header {name} is not described");
        }
        Ok(())
    }
}

/// All that is wrong with a value.
pub(crate) fn holds(schema: &Validator, value: &Value) -> Result<()> {
    let faults: Vec<String> =
        schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    ensure!(faults.is_empty(), "{}\nin {value:#}", faults.join("\n"));
    Ok(())
}
