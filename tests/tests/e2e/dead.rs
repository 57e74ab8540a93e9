//! Writes that can never be applied, and the commands that deal with them.

use std::process::Command;
use std::time::Duration;

use larder_protocol::{ItemId, Partition, Revision, StreamId, call, keys, partition};
use larder_system::{System, built};
use larder_tests::{Direct, Larder, RedisAlone, eventually};
use reqwest::Method;
use serde_json::Value;

use crate::Tested;

/// What a command of the worker did.
struct Ran {
    code: Option<i32>,
    out: String,
    error: String,
}

fn dead(redis_url: &str, arguments: &[&str]) -> anyhow::Result<Ran> {
    let mut command = Command::new(built("larder-worker")?);
    let output = command.env("LARDER_REDIS", redis_url).arg("dead").args(arguments).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) })
}

/// The same, for a command that shall succeed; its output.
fn told(redis_url: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let Ran { code, out, error } = dead(redis_url, arguments)?;
    anyhow::ensure!(code == Some(0) && error.is_empty(), "{arguments:?}: {code:?} {error}");
    Ok(out)
}

fn listed(redis_url: &str) -> anyhow::Result<Vec<Value>> {
    told(redis_url, &["list", "--json"])?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Puts an entry straight onto the channel, as a program other than Larder might.
async fn add(redis: &Direct, p: Partition, fields: &[&str]) -> anyhow::Result<Revision> {
    let id: String = redis.command(&[&["XADD", &keys::writes(p), "*"], fields].concat()).await?;
    Ok(Revision { partition: p, id: id.parse()? })
}

#[tokio::test]
async fn a_malformed_entry_is_rejected_listed_shown_and_dropped_and_blocks_nothing() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let url = larder.system().redis.url();
    assert_eq!(told(&url, &["list"])?, "No dead letters.\n");
    assert_eq!(told(&url, &["list", "--json"])?, "");

    let redis = Direct::open(&url).await?;
    let id = larder.id("a");
    let p = Partition::of(&id);
    let long = "x".repeat(1_000);
    let wrong = ["op", "put", "id", "\u{1b}[2J", "ttl", "soon", "item", &format!("t/p\n\n{long}")];
    let revision = add(&redis, p, &wrong).await?;
    larder.put(&id, "behind").await?;
    assert_eq!(larder.get(&id).await?.text().await?, "behind");

    let path = format!("/writes/{revision}");
    let outcome: Value = larder.request(Method::GET, &path).send().await?.json().await?;
    assert_eq!(outcome["outcome"], "rejected", "{outcome}");
    let reason = "the ttl is neither milliseconds nor - nor keep";
    assert_eq!(outcome["reason"], format!("it can never be applied: {reason}"));

    let letters = listed(&url)?;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((&letter["revision"], &letter["op"]), (&revision.to_string().into(), &"put".into()));
    assert_eq!((&letter["id"], &letter["reason"]), (&"\u{1b}[2J".into(), &reason.into()));
    let name = letter["name"].as_str().unwrap();
    let table = told(&url, &["list", "--partition", &p.to_string()])?;
    assert!(table.starts_with("NAME ") && table.contains(name) && table.contains("\\u{1b}[2J"), "{table}");
    let other = (p.index() + 1) % usize::from(partition::COUNT);
    assert_eq!(told(&url, &["list", "--partition", &other.to_string()])?, "No dead letters.\n");

    let shown = told(&url, &["show", name])?;
    assert!(shown.contains(&format!("revision  {revision}\nreason    {reason}\n")), "{shown}");
    assert!(shown.contains("  item  t/p\\n\\nxxx") && shown.contains("… (1005 bytes)\n"), "{shown}");
    assert!(!shown.contains('\u{1b}') && shown.len() < 600, "{shown}");
    assert_eq!(told(&url, &["show", name, "--value"])?, long);

    assert_eq!(told(&url, &["drop", name])?, format!("{name} dropped\n"));
    assert!(listed(&url)?.is_empty());
    for command in ["show", "retry", "drop"] {
        let Ran { code, out, error } = dead(&url, &[command, name])?;
        assert_eq!((code, out.as_str(), error), (Some(1), "", format!("error: there is no dead letter {name}\n")));
    }
    let log = larder.system().workers[0].output().text();
    assert!(log.contains("larder-worker dead list"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_write_is_retried_once_the_reason_is_mended() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let url = larder.system().redis.url();
    let redis = Direct::open(&url).await?;
    let id = larder.id("a");
    redis.command::<()>(&["RPUSH", &keys::item(&id), "a list"]).await?;
    let response = larder.item(Method::PUT, &id).header("prefer", "wait=5").body("kept").send().await?;
    assert!(response.status().is_client_error() || response.status().is_server_error(), "{}", response.status());
    let letters = listed(&url)?;
    assert_eq!(letters[0]["reason"], "the key of the item holds something else");
    let name = letters[0]["name"].as_str().unwrap();

    redis.command::<()>(&["DEL", &keys::item(&id)]).await?;
    let out = told(&url, &["retry", name])?;
    let revision = out.trim_end().strip_prefix(&format!("{name} retried as ")).unwrap().parse::<Revision>()?;
    eventually("the retried write is applied", async || {
        let response = larder.get(&id).await?.error_for_status()?;
        assert_eq!(response.headers()["etag"], revision.etag());
        assert_eq!(response.text().await?, "kept");
        Ok(())
    })
    .await?;
    assert_eq!(told(&url, &["list"])?, "No dead letters.\n");
    Ok(())
}

/// With a worker that buries again what is put back, this must still come to an end.
#[tokio::test]
async fn all_means_those_that_are_there_when_it_starts() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let url = larder.system().redis.url();
    let redis = Direct::open(&url).await?;
    for n in 0..50 {
        let p = Partition::new(if n < 40 { 3 } else { 15 }).unwrap();
        add(&redis, p, &["op", "rename", "id", &n.to_string()]).await?;
    }
    let died = async |count: usize| {
        eventually("all have died", async || {
            let there = listed(&url)?.len();
            anyhow::ensure!(there == count, "{there} of {count} are there");
            Ok(())
        })
        .await
    };
    died(50).await?;
    assert_eq!(told(&url, &["retry", "--all"])?.lines().count(), 50);
    died(50).await?;

    let Ran { code, out, error } = dead(&url, &["drop", "--all"])?;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(error.contains("--yes"), "{error}");
    died(50).await?;
    assert_eq!(told(&url, &["drop", "--all", "--yes"])?.lines().count(), 50);
    assert_eq!(told(&url, &["drop", "--all", "--yes"])?, "No dead letters.\n");
    Ok(())
}

#[tokio::test]
async fn a_retry_loses_no_entry_however_odd() -> Tested {
    let redis = RedisAlone::start().await?;
    let p = Partition::new(7).unwrap();
    let (stream, channel) = (keys::dead(p), keys::writes(p));
    let buried = ["revision", "5-0", "reason", "odd"];
    let many: Vec<String> = (0..9_000).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let most = [&buried[..], &many[..4_000]].concat();
    let too_many = [&buried[..], &many].concat();
    for (entry, put_back) in [
        (
            &[&buried[..], &["op", "delete", "wait", "1", "id", "a", "idem", "k"]].concat(),
            Some(&["op", "delete", "id", "a"][..]),
        ),
        // Nothing else is left of it.
        (&[&buried[..], &["wait", "1", "idem", "k"]].concat(), Some(&["wait", "1", "idem", "k"])),
        // Nobody buried it.
        (&vec!["hello", "world", "op", "delete"], Some(&["hello", "world", "op", "delete"])),
        (&most, Some(&many[..4_000])),
        (&too_many, None),
        (&buried.to_vec(), None),
    ] {
        let dead_id: String = redis.command(&[&["XADD", &stream, "*"], &entry[..]].concat()).await?;
        let retry = call::retry(p, dead_id.parse()?);
        let reply: Vec<String> = redis.run(&retry).await?;
        let there: Vec<(String, Vec<String>)> = redis.command(&["XRANGE", &channel, "-", "+"]).await?;
        match put_back {
            Some(fields) => {
                assert_eq!((reply[0].as_str(), there.len()), ("retried", 1), "{reply:?}");
                assert_eq!(there[0].0, reply[1]);
                assert!(there[0].1 == fields, "{:?}", &there[0].1[..8.min(there[0].1.len())]);
                assert_eq!(redis.run::<Vec<String>>(&retry).await?, ["absent"]);
            }
            None => {
                assert_eq!((reply[0].as_str(), there.len()), ("unfit", 0), "{reply:?}");
                assert_eq!(redis.command::<u64>(&["XLEN", &stream]).await?, 1, "it stays");
            }
        }
        redis.command::<u64>(&["DEL", &stream, &channel]).await?;
    }

    // The channel cannot take it: it stays too.
    let dead_id: String = redis.command(&[&["XADD", &stream, "*"], &buried[..], &["op", "delete"]].concat()).await?;
    let name = Revision { partition: p, id: dead_id.parse::<StreamId>()? };
    redis.command::<String>(&["SET", &channel, "no stream"]).await?;
    let Ran { code, error, .. } = dead(&redis.server.url(), &["retry", &name.to_string()])?;
    assert!(code == Some(1) && error.contains("WRONGTYPE") && error.lines().count() == 1, "{code:?} {error}");
    assert_eq!(redis.command::<u64>(&["XLEN", &stream]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn nonsense_is_refused_in_words() -> Tested {
    // Nobody listens there, and nobody is asked.
    let url = "redis://127.0.0.1:1";
    for (arguments, says) in [
        (&["show", "7-1"][..], "7-1764000000123-0"),
        (&["retry"], "<NAME|--all>"),
        (&["drop", "--all", "7-1-0"], "--all"),
        (&["list", "--partition", "64"], "0 to 63"),
        (&[], "Usage"),
    ] {
        let Ran { code, error, .. } = dead(url, arguments)?;
        assert!(code == Some(2) && error.contains(says), "{arguments:?}: {code:?} {error}");
    }
    let Ran { code, out, error } = dead(url, &["list"])?;
    assert_eq!((code, out.as_str(), error.lines().count()), (Some(1), "", 1), "{error}");
    assert!(error.starts_with("error: Redis is unreachable"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_entry_that_cannot_be_applied_now_waits_and_is_told_of_once() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let redis = Direct::open(&larder.system().redis.url()).await?;
    let id = ItemId::new("waits")?;
    let index = keys::index(Partition::of(&id));
    redis.command::<()>(&["SET", &index, "no sorted set"]).await?;
    let response = larder.item(Method::PUT, &id).body("x").send().await?;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    redis.command::<()>(&["DEL", &index]).await?;
    let revision = larder.applied(response).await?;
    let rejected: bool = redis.command(&["EXISTS", &keys::rejected(revision.partition)]).await?;
    assert!(!rejected, "it was applied");
    let log = larder.system().workers[0].output().clone();
    eventually("it says that it goes on", async || {
        anyhow::ensure!(log.text().contains("commits again"), "not yet");
        Ok(())
    })
    .await?;
    let log = log.text();
    assert_eq!((log.matches("cannot commit").count(), log.matches("commits again").count()), (1, 1), "{log}");
    Ok(())
}
