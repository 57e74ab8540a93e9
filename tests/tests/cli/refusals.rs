//! What goes wrong, and how that is told: wrong address, wrong token, a store that is away or says when to come again.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use larder_protocol::token::Digest;
use larder_system::System;
use larder_tests::Larder;
use serde_json::{Value, json};

use crate::{Cli, Tested, assert_failed};

#[test]
fn a_wrong_address_is_told_as_such() -> Tested {
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let cli = Cli::at(&format!("http://{nobody}"))?;
    let ran = cli.run(&["get", "a", "--retries", "1"])?;
    assert_failed(&ran, 5, "Connection refused");
    assert!(ran.error.contains(&nobody.to_string()) && ran.error.contains("--url"), "{ran:?}");
    let ran = cli.run(&["get", "a", "--retries", "0", "--json"])?;
    let told: Value = serde_json::from_str(&ran.error)?;
    assert!(told["error"].as_str().is_some_and(|error| error.contains("does not answer")), "{told}");
    for wrong in ["larder.example", "ftp://larder.example", "http://ada:secret@larder.example"] {
        let ran = cli.run(&["get", "a", "--url", wrong])?;
        assert_failed(&ran, 2, "--url");
    }
    assert_failed(&cli.run(&["get", ""])?, 2, "id is empty");
    assert_failed(&cli.run(&["put", "a", "x", "--ttl", "soon"])?, 2, "90s, 15m or 1h");
    Ok(())
}

/// A server that answers in turn what it is given; it tells the heads of the requests.
fn server(answers: &'static [&'static str]) -> anyhow::Result<(String, std::thread::JoinHandle<Vec<String>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let requests = std::thread::spawn(move || {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("the client stays until it is answered");
            let mut reader = BufReader::new(stream.try_clone().expect("the client stays until it is answered"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).expect("the client stays until it is answered");
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |n| n.parse().expect("a length is a number"));
            reader.take(length).read_to_end(&mut Vec::new()).expect("the client stays until it is answered");
            stream.write_all(answer.as_bytes()).expect("the client stays until it is answered");
            heads.push(head);
        }
        heads
    });
    Ok((url, requests))
}

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 70\r\n\r\n\
    {\"type\":\"urn:larder:problem:overloaded\",\"status\":503,\"detail\":\"Busy.\"}  ";

const CREATED: &str = "HTTP/1.1 201 Created\r\nlarder-revision: 1-1-0\r\netag: \"1-1-0\"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[test]
fn a_write_is_repeated_when_the_store_says_under_the_same_key() -> Tested {
    // The second is cut off in the middle: nobody knows whether it was done.
    let (url, requests) = server(&[BUSY, "HTTP/1.1 2", CREATED])?;
    let start = Instant::now();
    let out = Cli::at(&url)?.told(&["put", "a", "x"])?;
    assert_eq!(out, "a created, revision 1-1-0\n");
    assert!(start.elapsed() >= Duration::from_secs(1), "it did not wait as it was told");
    let heads = requests.join().unwrap();
    let key = |head: &str| head.lines().find(|line| line.starts_with("idempotency-key: \"")).map(str::to_owned);
    assert!(key(&heads[0]).is_some() && heads.iter().all(|head| key(head) == key(&heads[0])), "{heads:?}");
    Ok(())
}

#[test]
fn what_is_no_larder_is_not_taken_for_one() -> Tested {
    let (url, requests) = server(&["HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 5\r\n\r\nnginx"])?;
    assert_failed(&Cli::at(&url)?.run(&["get", "a"])?, 7, "not as a Larder does");
    requests.join().unwrap();
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for() -> Tested {
    let Some(mut larder) = Larder::own_alone(System::builder()).await? else { return Ok(()) };
    let cli = Cli::of(&larder)?;
    larder.system().redis.pause()?;
    let ran = cli.run(&["put", "a", "x", "--retries", "0"])?;
    assert_failed(&ran, 5, "503");
    assert!(ran.error.contains("larder status"), "{ran:?}");
    let command = cli.command(&["put", "a", "y", "--retries", "20"])?.spawn()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    larder.system().redis.resume()?;
    let output = command.wait_with_output()?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(cli.told(&["get", "a"])?, "y");
    Ok(())
}

#[tokio::test]
async fn a_token_is_taken_from_where_nobody_else_reads_it() -> Tested {
    let entry = |token: &str, scopes: &[&str]| json!({"name": "ci", "digest": Digest::of(token).to_string(), "scopes": scopes, "prefixes": ["ci/"]});
    let tokens =
        json!([entry("larder_s3cret", &["read", "write", "list"]), entry("larder_reader", &["read"])]).to_string();
    let Some(larder) = Larder::own(System::builder().variable("api_tokens", &tokens)).await? else { return Ok(()) };
    let cli = Cli::of(&larder)?;
    let ran = cli.run(&["get", "ci/a"])?;
    assert_failed(&ran, 4, "needs an access token");
    assert!(ran.error.contains("LARDER_TOKEN"), "{ran:?}");
    let with = |token: &str, arguments: &[&str]| cli.run_with(arguments, &[("LARDER_TOKEN", token.as_ref())], b"");
    assert_failed(&with("larder_wrong", &["get", "ci/a"])?, 4, "401");
    assert_eq!(with("larder_s3cret", &["put", "ci/a", "x"])?.code, Some(0));
    assert_eq!(with("larder_reader", &["get", "ci/a"])?.out, "x");
    assert_failed(&with("larder_reader", &["put", "ci/a", "y"])?, 4, "does not have the scope write");
    assert_failed(&with("larder_s3cret", &["put", "a", "y"])?, 4, "ci/");
    assert_failed(
        &with(
            "larder_s3cret",
            &[
                "import",
                &cli.file(
                    "i",
                    "{\"id\":\"a\",\"value\":\"x\",\"content_type\":\"t/p\",\"revision\":\"\",\"modified\":\"\"}\n",
                )?,
            ],
        )?,
        4,
        "ci/",
    );

    let file = cli.file("token", "larder_s3cret\n")?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode));
        mode(0o640)?;
        let ran = cli.run(&["get", "ci/a", "--token-file", &file])?;
        assert_failed(&ran, 2, "chmod 600");
        mode(0o600)?;
    }
    let ran = cli.run(&["get", "ci/a", "--token-file", &file])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "x"), "{ran:?}");
    // None of this is ever shown.
    for arguments in [&["status"][..], &["get", "a"][..], &["context", "list"][..]] {
        let ran = with("larder_s3cret", arguments)?;
        assert!(!format!("{ran:?}").contains("s3cret"), "{ran:?}");
    }
    Ok(())
}
