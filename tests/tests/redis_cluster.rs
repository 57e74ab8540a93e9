//! The Redis Cluster that the other tests run on: it is formed, lives on without a node, and is found
//! again.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_system::{Clock, DataFolder, Failover, RedisCluster};
use larder_tests::{Direct, eventually};

type Tested = anyhow::Result<()>;

const NODE_TIMEOUT: Duration = Duration::from_secs(1);

async fn cluster(data: &Arc<DataFolder>) -> anyhow::Result<RedisCluster> {
    RedisCluster::start(data, 3, NODE_TIMEOUT).await
}

/// A key in each of so many slots, all over the slot space.
fn keys() -> impl Iterator<Item = String> {
    (0..50).map(|n| format!("key-{n}"))
}

async fn write(direct: &Direct, value: &str) -> Tested {
    for key in keys() {
        direct.command::<String>(&["SET", &key, value]).await?;
    }
    Ok(())
}

async fn expect(direct: &Direct, value: &str) -> Tested {
    for key in keys() {
        assert_eq!(direct.command::<Option<String>>(&["GET", &key]).await?.as_deref(), Some(value), "{key}");
    }
    Ok(())
}

fn check(cluster: &RedisCluster) -> anyhow::Result<String> {
    let node = format!("127.0.0.1:{}", cluster.node(0).port());
    let output = Command::new(cluster.program().cli()).args(["--cluster", "check", &node]).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(output.status.success(), "{said}");
    Ok(said)
}

#[tokio::test]
async fn it_is_as_redis_cli_would_have_made_it_and_is_found_again() -> Tested {
    let data = Arc::new(DataFolder::temporary()?);
    let first = cluster(&data).await?;
    let said = check(&first)?;
    assert_eq!(said.matches("1 additional replica(s)").count(), 3, "{said}");
    for (slot, master) in [(0, 0), (5460, 0), (5461, 1), (10_922, 1), (10_923, 2), (16_383, 2)] {
        assert_eq!(first.master_of(slot).await?, master, "{slot}");
        assert_eq!(first.replica_of(master).await?, master + 3);
    }
    write(&Direct::open(&first.url()).await?, "kept").await?;
    // A role that changed is kept as well.
    first.failover(3, Failover::Planned).await?;
    let ports: BTreeSet<_> = first.nodes().map(|node| node.port()).collect();
    // As after `kill -9`; and its ports are taken when it comes back.
    drop(first);
    let taken: Vec<_> = ports.iter().map(|port| std::net::TcpListener::bind(("127.0.0.1", *port))).collect();

    let again = cluster(&data).await?;
    assert!(again.nodes().all(|node| !ports.contains(&node.port())), "{ports:?}");
    drop(taken);
    assert_eq!(again.master_of(0).await?, 3);
    expect(&Direct::open(&again.url()).await?, "kept").await?;
    check(&again)?;
    drop(again);

    let refused = RedisCluster::start(&data, 4, NODE_TIMEOUT).await.unwrap_err().to_string();
    assert!(refused.contains("make up CLUSTER=3"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_replica_takes_the_place_of_a_master_that_is_gone() -> Tested {
    let mut cluster = cluster(&Arc::new(DataFolder::temporary()?)).await?;
    let direct = Direct::open(&cluster.url()).await?;
    write(&direct, "before").await?;

    cluster.node_mut(1).kill().await?;
    let killed = Instant::now();
    eventually("the replica is the master", async || {
        anyhow::ensure!(cluster.master_of(6_000).await? == 4);
        Ok(())
    })
    .await?;
    println!("replaced after {:?}, of which the node time-out is {NODE_TIMEOUT:?}", killed.elapsed());
    write(&direct, "meanwhile").await?;
    cluster.node_mut(1).restart().await?;
    cluster.settle().await?;
    assert_eq!((cluster.master_of(6_000).await?, cluster.replica_of(4).await?), (4, 1));

    cluster.node_mut(2).pause()?;
    cluster.failover(5, Failover::Takeover).await?;
    cluster.node_mut(2).resume()?;
    cluster.settle().await?;
    assert_eq!((cluster.master_of(16_383).await?, cluster.replica_of(5).await?), (5, 2));
    cluster.failover(2, Failover::Force).await?;
    cluster.restart().await?;
    assert_eq!(cluster.masters().await, [0, 4, 2]);
    expect(&direct, "meanwhile").await
}

#[tokio::test]
async fn a_master_is_added_and_slots_move_to_it() -> Tested {
    let mut cluster = cluster(&Arc::new(DataFolder::temporary()?)).await?;
    let direct = Direct::open(&cluster.url()).await?;
    write(&direct, "kept").await?;
    let added = cluster.add_master().await?;
    assert_eq!((added, cluster.masters().await), (6, vec![0, 1, 2]), "it has no slots yet");
    let entry = format!("127.0.0.1:{}", cluster.node(0).port());
    let rebalance = ["--cluster", "rebalance", &entry, "--cluster-use-empty-masters"];
    let output = Command::new(cluster.program().cli()).args(rebalance).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    cluster.settle().await?;
    let mut masters = cluster.masters().await;
    masters.sort_unstable();
    assert_eq!(masters, [0, 1, 2, 6]);
    expect(&direct, "kept").await
}

#[tokio::test]
async fn a_node_can_have_a_clock_that_is_behind() -> Tested {
    let mut cluster = cluster(&Arc::new(DataFolder::temporary()?)).await?;
    let time = async |cluster: &RedisCluster, number: usize| -> anyhow::Result<i64> {
        let direct = Direct::open(&cluster.node(number).url()).await?;
        Ok(direct.command::<(i64, i64)>(&["TIME"]).await?.0)
    };
    cluster.node_mut(3).set_clock(Clock::Ahead(-10));
    cluster.node_mut(3).restart().await?;
    cluster.settle().await?;
    let behind = time(&cluster, 0).await? - time(&cluster, 3).await?;
    assert!((8..=10).contains(&behind), "{behind} s");
    cluster.failover(3, Failover::Planned).await?;
    cluster.settle().await?;
    assert_eq!(cluster.master_of(0).await?, 3);
    Ok(())
}
