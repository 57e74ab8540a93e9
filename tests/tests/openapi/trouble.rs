//! Answers that no request alone brings about: the system has to be in that trouble.
//!
//! For each trouble, every operation that documents an example of it is sent a plain request.

use anyhow::{Context, bail, ensure};
use larder_protocol::{ItemId, Partition, format, keys};
use larder_system::{ApiProcess, ApiSettings, Output, Port, Runtime, System, SystemBuilder, Wasi};
use larder_tests::openapi::Document;
use larder_tests::{Direct, Larder, eventually};
use reqwest::Method;
use tokio::sync::Mutex;

use crate::Tested;
use crate::alike;
use crate::ask::Ask;
use crate::example::Example;

/// Examples whose trouble is not made here, and who sees them.
const ELSEWHERE: [&str; 15] = [
    // `e2e/followers.rs`: on WASI 0.2 only.
    "too-many-followers",
    // `drive` follows the links of answers.
    "applied",
    // `e2e/conditions.rs`.
    "rejected",
    // Whoever breaks off does not see it; that nothing is written is in `e2e/errors.rs`.
    "incomplete-body",
    // `code` and `e2e/errors.rs`; the document has no such operation.
    "no-such-path",
    "method-not-allowed",
    // `console`.
    "not-acceptable",
    // `e2e/rate.rs`.
    "too-many-requests",
    // `e2e/patch.rs`.
    "contended",
    // `e2e/bulk.rs`.
    "no-room",
    // `e2e/changes.rs`.
    "no-feed",
    "changes-gone",
    // `access`.
    "unauthorized",
    "insufficient-scope",
    "outside-prefix",
];

/// Makes the trouble before each request, and sends the request until the answer is about that:
/// a connection that the component keeps may hide it at first.
async fn check(
    name: &str,
    builder: SystemBuilder,
    prefer: &str,
    make: impl AsyncFn(&mut System, &Ask) -> Tested,
) -> Tested {
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut system = larder.take_system();
    for example in &examples(name)? {
        let mut ask = Ask::plain(&example.operation)?;
        if !prefer.is_empty() {
            ask.headers.insert("prefer", prefer.parse()?);
        }
        make(&mut system, &ask).await.with_context(|| example.to_string())?;
        eventually(name, async || answers(&larder, &ask, example).await).await?;
    }
    Ok(())
}

fn examples(name: &str) -> anyhow::Result<Vec<Example<'static>>> {
    let mut examples = Example::all(Document::get());
    examples.retain(|example| example.name == name);
    ensure!(!examples.is_empty(), "no operation has the example {name}");
    Ok(examples)
}

async fn answers(larder: &Larder, ask: &Ask, example: &Example<'_>) -> Tested {
    let response = ask.send(larder).await?;
    let status = response.status();
    let body = response.bytes().await?;
    ensure!(status.as_str() == example.status, "{example}: {status} {}", String::from_utf8_lossy(&body));
    match &example.body {
        Some(expected) if ask.method != Method::HEAD => alike::check(expected, &body),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn no_worker() -> Tested {
    check("not-ready", System::builder().workers(0), "", async |_, _| Ok(())).await
}

#[tokio::test]
async fn no_redis() -> Tested {
    check("store-unavailable", System::builder(), "", async |system, _| Ok(system.redis.kill().await?)).await
}

/// Which instance is asked is chance. One that has no connection yet says that nothing was written; so the trouble is
/// made again before each try.
#[tokio::test]
async fn a_redis_that_hangs_in_a_write() -> Tested {
    const NAME: &str = "outcome-unknown";
    let builder = System::builder().variable("redis_timeout_ms", "300");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let system = Mutex::new(larder.take_system());
    for example in &examples(NAME)? {
        let ask = Ask::plain(&example.operation)?;
        eventually(NAME, async || {
            let mut system = system.lock().await;
            system.redis.resume()?;
            let warm = larder.request(Method::GET, "/items/warm").send().await?.status();
            ensure!(warm == 404, "{warm} before {ask:?}");
            system.redis.pause()?;
            answers(&larder, &ask, example).await
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn too_many_writes() -> Tested {
    let builder = System::builder().workers(0).variable("max_pending", "1");
    check("overloaded", builder, "", async |_, _| Ok(())).await
}

#[tokio::test]
async fn too_few_replicas() -> Tested {
    check("under-replicated", System::builder().variable("min_replicas", "1"), "", async |_, _| Ok(())).await
}

#[tokio::test]
async fn a_full_redis() -> Tested {
    check("out-of-memory", System::builder(), "", async |system, _| {
        Ok(direct(system).await?.command(&["CONFIG", "SET", "maxmemory", "1"]).await?)
    })
    .await
}

#[tokio::test]
async fn data_of_another_format() -> Tested {
    check("unknown-format", System::builder(), "", async |system, ask| {
        let direct = direct(system).await?;
        if let Ok(id) = item(ask) {
            let () = direct.command(&["SET", &keys::item(&id), "format 2 1-0 - text/plain\n\nx"]).await?;
        }
        for p in Partition::all() {
            let () = direct.command(&["HSET", &keys::terms(p), format::FIELD, "2"]).await?;
        }
        Ok(())
    })
    .await
}

/// The item that plain requests are for.
fn item(ask: &Ask) -> anyhow::Result<ItemId> {
    match ask.path.strip_prefix("/items/") {
        Some(id) => Ok(ItemId::from_path(id)?),
        None => bail!("{ask:?} is not for an item"),
    }
}

async fn direct(system: &System) -> anyhow::Result<Direct> {
    Ok(Direct::open(&system.redis.url()).await?)
}

#[tokio::test]
async fn foreign_keys_in_redis() -> Tested {
    check("internal", System::builder(), "", async |system, ask| {
        let direct = direct(system).await?;
        if let Ok(id) = item(ask) {
            let () = direct.command(&["HSET", &keys::item(&id), "not", "ours"]).await?;
        }
        for p in Partition::all() {
            let () = direct.command(&["SET", &keys::writes(p), "not ours"]).await?;
            let () = direct.command(&["SET", &keys::index(p), "not ours"]).await?;
            let () = direct.command(&["SET", &keys::changes(p), "not ours"]).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_foreign_key_where_the_item_would_be() -> Tested {
    check("not-applied", System::builder(), "wait=10", async |system, ask| {
        Ok(direct(system).await?.command(&["HSET", &keys::item(&item(ask)?), "not", "ours"]).await?)
    })
    .await
}

/// Such a system would not start; so it is a second component in front of the same Redis.
#[tokio::test]
async fn a_wrong_setting() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let (port, redis) = (Port::reserve()?, larder.system().redis.url());
    let log = Output::File(larder.system().data().path().join("misconfigured.log"));
    let settings = ApiSettings::new(Runtime::from_env()?, Wasi::from_env()?, port.address(), &redis, log);
    let api = ApiProcess::start(settings.variable("max_pending", "many"))?;
    let larder = larder.through(&api);
    for example in &examples("misconfigured")? {
        let ask = Ask::plain(&example.operation)?;
        eventually("misconfigured", async || answers(&larder, &ask, example).await).await?;
    }
    Ok(())
}

#[test]
fn every_trouble_is_made() {
    const HERE: [&str; 10] = [
        "misconfigured",
        "not-ready",
        "store-unavailable",
        "outcome-unknown",
        "under-replicated",
        "overloaded",
        "out-of-memory",
        "unknown-format",
        "internal",
        "not-applied",
    ];
    let examples = Example::all(Document::get());
    let unmade: Vec<_> = examples
        .iter()
        .filter(|example| example.when().is_some())
        .filter(|example| !HERE.contains(&example.name.as_str()) && !ELSEWHERE.contains(&example.name.as_str()))
        .map(ToString::to_string)
        .collect();
    assert!(unmade.is_empty(), "{unmade:?}");
}
