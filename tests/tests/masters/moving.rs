//! A partition that moves to another master.

use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_protocol::{Condition, ItemId, Partition, Revisions, Write, keys};
use larder_tests::{Direct, Worker, eventually};

use super::{LONG_NODE_TIMEOUT, Tested, accept, becomes, cluster, put};

/// Each of the commands that `redis-cli --cluster reshard` sends, one after the other.
#[tokio::test]
async fn a_partition_that_moves_is_waited_for() -> Tested {
    let cluster = cluster(LONG_NODE_TIMEOUT).await?;
    let p = Partition::all().next().unwrap();
    let ids: Vec<ItemId> =
        (0..).filter_map(|n| ItemId::new(n.to_string()).ok()).filter(|id| Partition::of(id) == p).take(20).collect();
    let (from, to) = (cluster.master_of(p.slot()).await?, cluster.master_of(16_383).await?);
    let [source, target] = [from, to].map(|node| cluster.node(node));
    let (here, there) = (Direct::open(&source.url()).await?, Direct::open(&target.url()).await?);
    let (from, to): (String, String) =
        (here.command(&["CLUSTER", "MYID"]).await?, there.command(&["CLUSTER", "MYID"]).await?);
    let worker = Worker::start(&cluster.url(), &[])?;
    worker.is_ready().await?;
    let mut revisions = Vec::new();
    for id in &ids {
        revisions.push(accept(&here, id, &put("before")).await?);
        becomes(&here, id, "before").await?;
    }

    let slot = p.slot().to_string();
    there.command::<String>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]).await?;
    here.command::<String>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]).await?;
    let port = target.port().to_string();
    let migrate = async |keys: &[String]| {
        let words = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        let words: Vec<&str> = words.into_iter().chain(keys.iter().map(String::as_str)).collect();
        here.command::<String>(&words).await
    };
    // Half of the items go before the writes come that name them.
    let gone: Vec<String> = ids.iter().take(10).map(keys::item).collect();
    migrate(&gone).await?;
    for (id, revision) in ids.iter().zip(&revisions) {
        let condition = Condition { if_match: Some(Revisions::These(vec![*revision])), ..Condition::default() };
        accept(&here, id, &Write { condition, ..put("after") }).await?;
    }
    eventually("the worker has tried", async || {
        let log = worker.log()?;
        ensure!(log.contains("the partition is moving to another master"), "{log}");
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(here.command::<u64>(&["XLEN", &keys::writes(p)]).await?, 20, "it does not judge what it cannot see");

    loop {
        let left: Vec<String> = here.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "7"]).await?;
        if left.is_empty() {
            break;
        }
        migrate(&left).await?;
    }
    let start = Instant::now();
    for node in [target, source]
        .into_iter()
        .chain(cluster.nodes().filter(|node| ![source.port(), target.port()].contains(&node.port())))
    {
        let node = Direct::open(&node.url()).await?;
        // Replicas refuse it, and hear it from their masters.
        let told = node.command::<String>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to]).await;
        drop(told);
    }
    for id in &ids {
        becomes(&there, id, "after").await?;
    }
    println!("applied {:?} after the move", start.elapsed());
    worker.is_ready().await?;
    let log = worker.log()?;
    assert!(!log.contains(" WARN "), "nothing is wrong\n{log}");
    assert_eq!(log.matches("is moving to another master").count(), 1, "it is said once\n{log}");
    Ok(())
}
