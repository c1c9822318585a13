//! `docker-compose.yml`: images, ports, volumes, variables and health checks are those of the binaries.

use anyhow::{Context, Result, ensure};
use deploy::repository;
use yaml_rust2::Yaml;

use crate::{SERVICES, documents, help, keys, port, takes, texts, variables};

fn compose() -> Result<Yaml> {
    documents("docker-compose.yml")?.into_iter().next().context("an empty file")
}

#[test]
fn every_variable_set_is_one_that_the_service_reads_and_understands() -> Result<()> {
    let compose = compose()?;
    for service in SERVICES {
        let (set, read) = (&compose["services"][service]["environment"], variables(service)?);
        ensure!(!keys(set).is_empty(), "{service} is told nothing");
        for name in keys(set) {
            ensure!(read.contains(name), "{service} does not read {name}");
            takes(service, name, set[name].as_str().with_context(|| format!("{name} is no text"))?)?;
        }
        for needed in ["ADMIN_ADDR", "STORE_URL", "BUS_URL"] {
            ensure!(keys(set).contains(&needed), "{service} is not told {needed}");
        }
    }
    Ok(())
}

#[test]
fn services_are_their_binaries_and_ask_themselves_how_they_are() -> Result<()> {
    let compose = compose()?;
    for service in SERVICES {
        let it = &compose["services"][service];
        ensure!(texts(&it["entrypoint"]) == [service], "{service}");
        ensure!(texts(&it["healthcheck"]["test"]) == ["CMD", service, "--health"], "{service}");
        ensure!(help(service)?.contains("--health"), "{service} has no --health");
        ensure!(it["image"] == compose["services"]["recap"]["image"], "{service} has an image of its own");
        let seconds = it["stop_grace_period"].as_str().and_then(|text| text.strip_suffix('s')).context("no grace")?;
        ensure!(seconds.parse::<u32>()? > 10, "{service} is killed before it may have stopped");
    }
    let image = std::fs::read_to_string(repository().join("deploy/Dockerfile"))?;
    for binary in SERVICES.iter().chain(&["recap"]) {
        ensure!(image.contains(&format!("-p {binary}")), "the image does not build {binary}");
        ensure!(image.contains(&format!("/src/target/release/{binary} ")), "the image does not hold {binary}");
    }
    Ok(())
}

#[test]
fn ports_are_those_that_gateway_and_prometheus_ask() -> Result<()> {
    let compose = compose()?;
    let gateway = std::fs::read_to_string(repository().join("deploy/nginx.conf"))?;
    let prometheus = documents("deploy/prometheus.yml")?;
    let jobs = prometheus[0]["scrape_configs"].as_vec().context("no jobs")?;
    for service in SERVICES {
        let set = &compose["services"][service]["environment"];
        let admin = port(set["ADMIN_ADDR"].as_str().context("no admin address")?)?;
        let job = jobs.iter().find(|job| job["job_name"].as_str() == Some(service)).context(service)?;
        let scraped = &job["dns_sd_configs"][0];
        ensure!(texts(&scraped["names"]) == [service] && scraped["port"].as_i64() == Some(admin), "{service}");
        if let Some(address) = set["LISTEN_ADDR"].as_str() {
            ensure!(gateway.contains(&format!("server {service}:{} ", port(address)?)), "{service} behind the gateway");
        }
    }
    ensure!(texts(&compose["services"]["nginx"]["ports"]) == ["8000:8000"] && gateway.contains("listen 8000 "));
    Ok(())
}

#[test]
fn urls_name_services_of_the_file_and_believe_its_own_network() -> Result<()> {
    let compose = compose()?;
    let names = keys(&compose["services"]);
    let network = compose["networks"]["default"]["ipam"]["config"][0]["subnet"].as_str().context("no subnet")?;
    for service in SERVICES {
        let set = &compose["services"][service]["environment"];
        for variable in ["STORE_URL", "BUS_URL", "REDIS_URL"] {
            let url = set[variable].as_str().with_context(|| format!("{service} {variable}"))?;
            let host = url.split("://").nth(1).and_then(|rest| rest.split([':', '/']).next()).context("no host")?;
            ensure!(names.contains(&host), "{service} {variable}: no service {host}");
        }
        if let Some(proxies) = set["TRUSTED_PROXIES"].as_str() {
            ensure!(proxies == network, "{service} believes {proxies}, and the network is {network}");
        }
    }
    let replica_set = compose["services"]["ingest-api"]["environment"]["STORE_URL"].as_str().unwrap_or_default();
    let command = texts(&compose["services"]["mongo"]["command"]);
    let name = command.iter().position(|word| *word == "--replSet").and_then(|at| command.get(at + 1));
    let name = name.context("mongo is no replica set")?;
    ensure!(replica_set.ends_with(&format!("replicaSet={name}")), "{replica_set} is not of {name}");
    let step = texts(&compose["services"]["mongo-setup"]["command"]).join(" ");
    ensure!(step.contains(&format!("_id: '{name}'")) && step.contains("mongo:27017"), "{step}");
    ensure!(texts(&compose["services"]["nats"]["command"]).contains(&"--jetstream"));
    Ok(())
}

#[test]
fn what_is_depended_on_and_mounted_is_there() -> Result<()> {
    let compose = compose()?;
    let (names, volumes) = (keys(&compose["services"]), keys(&compose["volumes"]));
    let mut used = Vec::new();
    for name in &names {
        let it = &compose["services"][*name];
        for needed in keys(&it["depends_on"]) {
            ensure!(names.contains(&needed), "{name} depends on {needed}");
            let condition = it["depends_on"][needed]["condition"].as_str().unwrap_or_default();
            let checked = &compose["services"][needed]["healthcheck"];
            ensure!(condition != "service_healthy" || !checked.is_badvalue(), "{needed} has no health check");
        }
        for mount in texts(&it["volumes"]) {
            let source = mount.split(':').next().unwrap_or_default();
            if source.starts_with("./") {
                ensure!(repository().join(source).is_file(), "{name}: there is no {source}");
            } else {
                ensure!(volumes.contains(&source), "{name}: no volume {source}");
                used.push(source);
            }
        }
        let image = it["image"].as_str().with_context(|| format!("{name} has no image"))?;
        ensure!(image == "recap" || image.contains(':'), "{name}: which version of {image}?");
    }
    for volume in volumes {
        ensure!(used.contains(&volume), "nobody uses the volume {volume}");
    }
    Ok(())
}

#[test]
fn one_process_is_started_only_where_it_is_named() -> Result<()> {
    let compose = compose()?;
    let recap = &compose["services"]["recap"];
    ensure!(texts(&recap["profiles"]) == ["single"] && texts(&recap["ports"]) == ["8000:8000"]);
    let image = std::fs::read_to_string(repository().join("deploy/Dockerfile"))?;
    ensure!(image.contains("ENTRYPOINT [\"recap\"]") && image.contains("LISTEN_ADDR=0.0.0.0:8000"));
    for name in keys(&compose["services"]).into_iter().filter(|name| *name != "recap") {
        ensure!(compose["services"][name]["profiles"].is_badvalue(), "{name} is left out by default");
        ensure!(!keys(&compose["services"][name]["depends_on"]).contains(&"recap"));
    }
    Ok(())
}

/// Where a volume or file of this repository is mounted.
fn mounted<'a>(service: &'a Yaml, source: &str) -> Result<&'a str> {
    let mount = texts(&service["volumes"]).into_iter().find_map(|mount| mount.strip_prefix(source)?.strip_prefix(':'));
    let target = mount.with_context(|| format!("{source} is not mounted"))?;
    Ok(target.strip_suffix(":ro").unwrap_or(target))
}

#[test]
fn what_servers_write_lies_on_volumes_and_what_they_read_is_mounted_where_they_look() -> Result<()> {
    let compose = compose()?;
    let of = |name: &str| &compose["services"][name];
    let nats = texts(&of("nats")["command"]);
    let store = nats.iter().position(|word| *word == "--store_dir").and_then(|at| nats.get(at + 1));
    ensure!(store == Some(&mounted(of("nats"), "nats-data")?), "{nats:?}");
    let monitor = nats.iter().position(|word| *word == "--http_port").and_then(|at| nats.get(at + 1));
    let asked = texts(&of("nats")["healthcheck"]["test"]).join(" ");
    ensure!(monitor.is_some_and(|port| asked.contains(&format!(":{port}/healthz"))), "{asked}");
    // The folders that the images of these write to by themselves.
    ensure!(mounted(of("mongo"), "mongo-data")? == "/data/db");
    ensure!(mounted(of("prometheus"), "prometheus-data")? == "/prometheus");
    let image = std::fs::read_to_string(repository().join("deploy/Dockerfile"))?;
    let folder = mounted(of("recap"), "recap-data")?;
    ensure!(image.contains(&format!("STORE_URL=embedded:{folder}\n")) && image.contains(&format!("VOLUME {folder}\n")));
    ensure!(mounted(of("prometheus"), "./deploy/prometheus.yml")? == "/etc/prometheus/prometheus.yml");
    let rules = mounted(of("prometheus"), "./deploy/prometheus-rules.yml")?;
    let named =
        documents("deploy/prometheus.yml")?[0]["rule_files"][0].as_str().map(|file| format!("/etc/prometheus/{file}"));
    ensure!(named.as_deref() == Some(rules), "{named:?} is not {rules}");
    let home = of("grafana")["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str();
    ensure!(home == Some(mounted(of("grafana"), "./deploy/grafana/recap.json")?));
    let folder =
        documents("deploy/grafana/dashboards.yml")?[0]["providers"][0]["options"]["path"].as_str().map(str::to_owned);
    ensure!(home.zip(folder).is_some_and(|(home, folder)| home.starts_with(&format!("{folder}/"))));
    let source = documents("deploy/grafana/datasources.yml")?[0]["datasources"][0]["url"].as_str().map(str::to_owned);
    ensure!(source.as_deref() == Some("http://prometheus:9090") && !of("prometheus").is_badvalue(), "{source:?}");
    Ok(())
}
