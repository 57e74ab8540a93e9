//! Data of a format that the caller does not know.

use larder_protocol::call::{self, Listing};
use larder_protocol::{Call, ItemId, Operation, Partition, Revision, StreamId, Write, format, keys};
use larder_tests::RedisAlone;
use redis::{RedisResult, Value};

use crate::{Tested, accepted, commit_all, put};

/// Has the caller know another format.
fn knowing(format: &str, mut call: Call) -> Call {
    call.arguments[0] = format.into();
    call
}

/// With what message the script refused, if it did.
fn refusal(reply: RedisResult<Value>) -> Option<String> {
    reply.err().map(|error| format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default()))
}

async fn changes(redis: &RedisAlone) -> anyhow::Result<String> {
    let info: String = redis.command(&["INFO", "persistence"]).await?;
    let line = info.lines().find(|line| line.starts_with("rdb_changes_since_last_save:"));
    Ok(line.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn each_script_that_knows_what_data_means_refuses_those_of_another_format_and_changes_nothing() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    accepted(&redis, &id, put("first")).await?;
    commit_all(&redis, p).await?;
    let dead: StreamId = redis.command::<String>(&["XADD", &keys::dead(p), "*", "op", "put"]).await?.parse()?;
    let pending = accepted(&redis, &id, put("pending")).await?;
    let () = redis.command(&["HSET", &keys::terms(p), format::FIELD, "2"]).await?;

    let (put, delete) = (put("later"), Write::from(Operation::Delete));
    let listing = Listing { prefix: "", after: b"", delimiter: "", max_told: 9, max_ids: 9, heads: true };
    let before = changes(&redis).await?;
    let calls = [
        call::accept(&id, &put, "", 1_000, true),
        call::accept(&id, &delete, "", 1_000, true),
        call::accept_many(p, [(&id, &put, "")], 1_000, true),
        call::accept_many(p, [(&id, &delete, "")], 1_000, true),
        call::commit(p, 128, 1_000, 1_000),
        call::expire(p, 1_000),
        call::outcome(Revision { partition: p, id: pending }, None),
        call::read_after(&id, pending),
        call::list(p, &listing),
        call::say_format(p),
        call::start_terms(p),
        call::retry(p, dead),
    ];
    for call in &calls {
        assert_eq!(refusal(redis.run(call).await).as_deref(), Some("FORMAT 2"), "{}", call.script.name);
        assert_eq!(changes(&redis).await?, before, "{}", call.script.name);
    }
    // Nothing else was in their way.
    for call in calls {
        let name = call.script.name;
        assert_eq!(refusal(redis.run(&knowing("2", call)).await), None, "{name}");
    }
    assert_ne!(changes(&redis).await?, before);
    Ok(())
}

#[tokio::test]
async fn the_first_worker_chooses_the_format_of_an_empty_store() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let say = async |format| redis.run::<Value>(&knowing(format, call::say_format(p))).await;
    let said = async || redis.command::<Option<String>>(&["HGET", &keys::terms(p), format::FIELD]).await;

    assert_eq!(say("2").await?, Value::Array(vec![Value::Int(1)]));
    assert_eq!(said().await?.as_deref(), Some("2"));
    assert_eq!(say("2").await?, Value::Array(vec![Value::Int(0)]));
    assert_eq!(refusal(say("1").await).as_deref(), Some("FORMAT 2"));

    // Data without a word has format 1.
    let () = redis.command(&["DEL", &keys::terms(p)]).await?;
    accepted(&redis, &id, put("old")).await?;
    assert_eq!(refusal(say("2").await).as_deref(), Some("FORMAT 1"));
    assert_eq!(said().await?, None);
    assert_eq!(say("1").await?, Value::Array(vec![Value::Int(1)]));
    assert_eq!(said().await?.as_deref(), Some("1"));
    Ok(())
}

#[tokio::test]
async fn a_change_of_another_format_is_not_passed_over() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    accepted(&redis, &id, put("x")).await?;
    commit_all(&redis, p).await?;
    let ends: Vec<String> = redis.run(&call::feed(&[p])).await?;
    let call = call::changes(p, ends[0].parse()?, "", 10);
    let _: Value = redis.run(&call).await?;
    let _: String = redis.command(&["XADD", &keys::changes(p), "*", "format", "2", "op", "renamed"]).await?;
    assert_eq!(refusal(redis.run(&call).await).as_deref(), Some("FORMAT 2"));
    Ok(())
}
