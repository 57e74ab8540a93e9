//! Dead letters of a cluster.

use anyhow::ensure;
use larder_protocol::{Partition, keys};
use larder_system::built;
use larder_tests::{Worker, eventually};

use super::{LONG_NODE_TIMEOUT, Nodes, Tested, accept, becomes, cluster, items, put};

#[tokio::test]
async fn dead_letters_are_found_at_every_master() -> Tested {
    let cluster = cluster(LONG_NODE_TIMEOUT).await?;
    let url = cluster.url();
    let worker = Worker::start(&url, &[])?;
    worker.is_ready().await?;
    let ids = items();
    let nodes = Nodes::of(&cluster).await?;
    let [first, last] = [0, 63].map(|n| Partition::new(n).unwrap());
    for p in [first, last] {
        let redis = nodes.open(p).await?;
        redis.command::<u64>(&["RPUSH", &keys::item(&ids[&p]), "no item"]).await?;
        accept(&redis, &ids[&p], &put("retried")).await?;
        eventually("it is dead", async || {
            ensure!(redis.command::<u64>(&["XLEN", &keys::dead(p)]).await? == 1, "not yet");
            Ok(())
        })
        .await?;
        redis.command::<u64>(&["DEL", &keys::item(&ids[&p])]).await?;
    }
    let dead = |words: &[&str]| -> anyhow::Result<String> {
        let output = std::process::Command::new(built("larder-worker")?)
            .args(["--redis", &cluster.node(0).url(), "dead"])
            .args(words)
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let names: Vec<String> =
        dead(&["list"])?.lines().skip(1).filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    assert!(names.len() == 2 && names[0].starts_with("0-") && names[1].starts_with("63-"), "{names:?}");
    dead(&["retry", "--all"])?;
    for p in [first, last] {
        becomes(&nodes.open(p).await?, &ids[&p], "retried").await?;
    }
    Ok(())
}
