//! The manifests: each service with its probes, budget and autoscaler, on the ports that its binary is told.

use anyhow::{Context, Result, ensure};
use yaml_rust2::Yaml;

use crate::{SERVICES, documents, keys, port, takes, texts, variables};

fn of_kind<'a>(documents: &'a [Yaml], kind: &str) -> Result<&'a Yaml> {
    documents.iter().find(|document| document["kind"].as_str() == Some(kind)).with_context(|| format!("no {kind}"))
}

#[test]
fn each_service_has_what_a_cluster_needs() -> Result<()> {
    for service in SERVICES {
        let documents = documents(&format!("deploy/kubernetes/{service}.yaml"))?;
        let deployment = of_kind(&documents, "Deployment")?;
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        ensure!(texts(&container["command"]) == [service]);
        ensure!(pod["terminationGracePeriodSeconds"].as_i64() > Some(10), "{service} is killed while it stops");
        let ports = container["ports"].as_vec().context("no ports")?;
        let named = |name: &str| ports.iter().find(|port| port["name"].as_str() == Some(name));
        for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
            let get = &container[probe]["httpGet"];
            ensure!(get["path"].as_str() == Some(path) && get["port"].as_str() == Some("admin"), "{service} {probe}");
        }
        let read = variables(service)?;
        for variable in container["env"].as_vec().context("no env")? {
            let (name, value) = (variable["name"].as_str().context("no name")?, variable["value"].as_str());
            let value = value.context("no value")?;
            ensure!(read.contains(name), "{service} does not read {name}");
            takes(service, name, value)?;
            let expected = named(if name == "ADMIN_ADDR" { "admin" } else { "http" }).context("no such port")?;
            ensure!(expected["containerPort"].as_i64() == Some(port(value)?), "{service} {name}");
        }
        for part in ["requests", "limits"] {
            ensure!(!container["resources"][part]["memory"].is_badvalue(), "{service} has no memory {part}");
        }
        for kind in ["PodDisruptionBudget", "HorizontalPodAutoscaler"] {
            ensure!(of_kind(&documents, kind)?["metadata"]["name"].as_str() == Some(service));
        }
        let scaled = &of_kind(&documents, "HorizontalPodAutoscaler")?["spec"];
        ensure!(scaled["scaleTargetRef"]["name"].as_str() == Some(service));
        ensure!(scaled["minReplicas"] == deployment["spec"]["replicas"], "{service}");
        if let Some(http) = named("http") {
            let served = &of_kind(&documents, "Service")?["spec"]["ports"][0];
            ensure!(served["port"] == http["containerPort"], "{service} is served on another port");
        }
    }
    Ok(())
}

#[test]
fn settings_are_ones_that_services_read() -> Result<()> {
    let settings = documents("deploy/kubernetes/settings.yaml")?;
    for name in keys(&settings[0]["data"]) {
        let value = settings[0]["data"][name].as_str().context("no text")?;
        let mut readers = 0;
        for service in SERVICES {
            if variables(service)?.contains(name) {
                takes(service, name, value)?;
                readers += 1;
            }
        }
        ensure!(readers > 0, "nobody reads {name}");
    }
    Ok(())
}
