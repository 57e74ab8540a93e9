//! What the dashboard, the alerts and the autoscaler ask for is among what a worker really tells.

use std::collections::BTreeSet;
use std::time::Duration;

use larder_protocol::{Content, ItemId, Operation, Partition, keys};
use larder_system::{Port, Runtime, System, workspace_root};
use larder_tests::{Larder, RedisAlone, Worker, eventually, http};
use reqwest::Method;

use crate::Tested;

/// Where metrics are named.
const ASKED_BY: [&str; 3] = [
    "k8s/components/prometheus/alerts.yaml",
    "k8s/components/prometheus/dashboard.json",
    "k8s/components/worker-keda/scaled-object.yaml",
];

/// What the names of the metrics begin with: those of the worker, and those of requests, by larder-local.
const FAMILIES: [&str; 3] = ["larder_", "http_server_", "db_client_"];

/// A collector makes it of the component's log, and this is what makes it do so.
const BY_COLLECTOR: (&str, &str, &str) =
    ("http_server_refusals_total", "docs/observability/collector.yaml", "http.server.refusals:");

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| FAMILIES.iter().any(|family| word.starts_with(family))).collect()
}

/// Those of which an answer of `/metrics` has a sample.
fn told(answer: &str) -> BTreeSet<&str> {
    let samples = answer.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

#[tokio::test]
async fn every_metric_that_is_asked_for_is_told() -> Tested {
    if Runtime::from_env()? != Runtime::Builtin {
        eprintln!("skipped: Spin tells of requests by OpenTelemetry only");
        return Ok(());
    }
    let (admin, requests) = (Port::reserve()?, Port::reserve()?);
    let listen = format!("127.0.0.1:{}", admin.number());
    let (name, collector, told_by) = BY_COLLECTOR;
    assert!(std::fs::read_to_string(workspace_root().join(collector))?.contains(told_by), "{collector}");
    // A Redis without a limit tells none.
    let builder = System::builder().worker_env("LARDER_ADMIN_LISTEN", &listen).redis_args(&["--maxmemory", "64mb"]);
    let Some(larder) = Larder::own(builder.api_metrics(requests.address())).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "x").await?;
    larder.item(Method::DELETE, &id).header("prefer", "wait=5").send().await?.error_for_status()?;
    eventually("all metrics are told", async || {
        let mut answer = String::new();
        for address in [&listen, &requests.address().to_string()] {
            answer += &http().get(format!("http://{address}/metrics")).send().await?.text().await?;
        }
        let mut told = told(&answer);
        told.insert(name);
        for file in ASKED_BY {
            let text = std::fs::read_to_string(workspace_root().join(file))?;
            let missing: Vec<_> = named(&text).difference(&told).copied().collect();
            anyhow::ensure!(missing.is_empty(), "{file} asks for {missing:?}");
        }
        Ok(())
    })
    .await
}

/// The value of a series, labels included.
fn value(answer: &str, series: &str) -> Option<u64> {
    let samples = answer.lines().filter_map(|line| line.rsplit_once(' '));
    samples.filter(|(name, _)| *name == series).find_map(|(_, value)| value.parse().ok())
}

#[tokio::test]
async fn who_woke_a_committer_and_connections_that_were_lost_are_counted() -> Tested {
    let mut redis = RedisAlone::start().await?;
    let worker = Worker::start(&redis.server.url(), &[])?;
    worker.is_ready().await?;
    let told = async |series: &str| anyhow::Ok(value(&worker.page("/metrics").await?, series));
    assert_eq!(told("larder_reconnects_total").await?, Some(0));
    // One that is awake is not woken, and at the start all are; so it is tried until one sleeps.
    let (by_doorbell, by_sweep) = ("larder_wakeups_total{cause=\"doorbell\"}", "larder_wakeups_total{cause=\"sweep\"}");
    let (a, b) = (ItemId::new("a")?, ItemId::new("b")?);
    eventually("a doorbell is counted", async || {
        let content = Content::new(None, b"x".into())?;
        redis.accept(&a, &Operation::Put { content, ttl: None }.into(), 10).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        anyhow::ensure!(told(by_doorbell).await? >= Some(1));
        Ok(())
    })
    .await?;
    let before = told(by_sweep).await?;
    eventually("a sweep is counted", async || {
        // Straight onto the stream, so that no doorbell rings.
        redis.command::<String>(&["XADD", &keys::writes(Partition::of(&b)), "*", "op", "delete", "id", "b"]).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        anyhow::ensure!(told(by_sweep).await? > before);
        Ok(())
    })
    .await?;
    redis.restart().await?;
    eventually("the new connection is counted", async || {
        anyhow::ensure!(told("larder_reconnects_total").await? == Some(1));
        Ok(())
    })
    .await
}

#[test]
fn a_metric_that_nobody_tells_is_found() {
    let answer =
        "# HELP larder_b What would be.\nlarder_a{partition=\"1\"} 0\nlarder_c_bucket{le=\"1\"} 1\nlarder_d 2\n";
    let asked = "expr: sum(rate(larder_a[1m])) + larder_b > larder_c_bucket - larder_d # larder-ready";
    let (asked, told) = (named(asked), told(answer));
    assert_eq!(asked.difference(&told).collect::<Vec<_>>(), [&"larder_b"]);
}
