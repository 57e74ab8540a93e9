//! `status`, with and without an admin server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use larder_system::System;
use larder_tests::Larder;

use crate::{Cli, Tested, assert_failed};

#[tokio::test]
async fn without_an_admin_server_it_says_what_everybody_may_know() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let told = cli.told(&["status"])?;
    assert!(told.contains("ready    yes") && told.contains("--admin-listen"), "{told}");
    let json = &cli.json(&["status"])?[0];
    assert!(json["ready"] == true && json["live_ms"].as_f64() > Some(0.0) && json["status"].is_null(), "{json}");
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_not_ready_says_why() -> Tested {
    let Some(larder) = Larder::own(System::builder().workers(0)).await? else { return Ok(()) };
    let ran = Cli::of(&larder)?.run(&["status"])?;
    assert_failed(&ran, 5, "workers:");
    assert!(ran.out.contains("ready    no: workers:"), "{ran:?}");
    Ok(())
}

/// What a newer or an older worker may tell: some members more, some less.
#[tokio::test]
async fn it_reads_what_an_admin_server_tells() -> Tested {
    let larder = Larder::start().await?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let admin = format!("http://{}", listener.local_addr()?);
    let body = r#"{"version":"9.0.0","ready":true,"missing":null,"warnings":["appendonly is no\u001b[2J"],"pending":7,
        "oldest_pending_seconds":1.5,"dead_letters":2,"items":123,"news":[1],"masters":[{"address":"127.0.0.1:6379",
        "up":true,"partitions":"0-63","live_workers":2,"replicas":null,"settings":null,"memory_used_bytes":1048576,"keeps_promises":false}],
        "partitions":[{"partition":0,"master":null,"pending":null,"accepted":17}]}"#;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).unwrap();
        }
    });
    let cli = Cli::of(&larder)?;
    let told = cli.told(&["status", "--admin", &admin])?;
    for part in
        ["items    123", "pending  7, the oldest for 1.5 s", "dead     2", "NOT KEPT", "appendonly is no\\u{1b}[2J"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json = &cli.json(&["status", "--admin", &admin])?[0];
    assert_eq!((&json["status"]["pending"], &json["status"]["partitions"][0]["accepted"]), (&7.into(), &17.into()));
    Ok(())
}
