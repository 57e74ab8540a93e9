//! `Larder-Min-Revision`: that state or a later one, and never an older.

use std::time::Duration;

use larder_api::web::header;
use larder_protocol::{ItemId, Partition, Revision};
use larder_system::System;
use larder_tests::Larder;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::Tested;

#[tokio::test]
async fn a_read_waits_for_the_state_it_asks_for() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let id = larder.id("a");
    let old = larder.put(&id, "old").await?;
    system.workers[0].pause()?;
    let write = async |method: Method| -> anyhow::Result<String> {
        let response = larder.item(method, &id).body("new").send().await?;
        Ok(response.headers()[header::REVISION].to_str()?.to_owned())
    };
    let (new, gone) = (write(Method::PUT).await?, write(Method::DELETE).await?);
    let read = |revision: &str| larder.item(Method::GET, &id).header(header::MIN_REVISION, revision);

    assert_eq!(larder.get(&id).await?.text().await?, "old", "without it, reads never wait");
    assert_eq!(read(&old.to_string()).send().await?.text().await?, "old");
    assert_eq!(read(&old.etag()).send().await?.text().await?, "old", "an entity tag will do");
    let refused = read(&new).send().await?;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.json::<Value>().await?["type"], "urn:larder:problem:state-not-reached");
    assert_eq!(read(&new).header("prefer", "wait=1").send().await?.status(), StatusCode::SERVICE_UNAVAILABLE);

    let waiting = read(&gone).header("prefer", "wait=10").send();
    let resume = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        system.workers[0].resume()
    };
    let (answer, resumed) = tokio::join!(waiting, resume);
    resumed?;
    assert_eq!(answer?.status(), StatusCode::NOT_FOUND, "the delete is part of that state");
    assert_eq!(read(&new).send().await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn every_write_is_read_back_at_once() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    for n in 0..100 {
        let write = larder.item(Method::PUT, &id).body(n.to_string()).send().await?;
        let request = larder.item(Method::GET, &id).header("prefer", "wait=10");
        let read = request.header(header::MIN_REVISION, &write.headers()[header::REVISION]).send().await?;
        assert_eq!(read.text().await?, n.to_string());
    }
    Ok(())
}

#[tokio::test]
async fn a_revision_that_says_nothing_of_the_item_is_refused() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let known = larder.put(&id, "x").await?;
    let foreign = Partition::all().find(|p| *p != Partition::of(&id)).map(|partition| Revision { partition, ..known });
    let mut ahead = known;
    ahead.id.ms += 3_600_000;
    for (revision, status, kind) in [
        ("yesterday".to_owned(), StatusCode::BAD_REQUEST, "invalid-revision"),
        (foreign.expect("there are others").to_string(), StatusCode::BAD_REQUEST, "foreign-revision"),
        (ahead.to_string(), StatusCode::SERVICE_UNAVAILABLE, "state-not-reached"),
    ] {
        let response = larder.item(Method::GET, &id).header(header::MIN_REVISION, revision).send().await?;
        assert_eq!(response.status(), status);
        assert_eq!(response.json::<Value>().await?["type"], format!("urn:larder:problem:{kind}"));
    }
    let elsewhere = (0..)
        .map(|n| ItemId::new(format!("{n}")))
        .find(|other| other.as_ref().is_ok_and(|other| Partition::of(other) != known.partition));
    let path = format!("/writes/{known}?id={}", elsewhere.expect("ids spread")?);
    assert_eq!(larder.request(Method::GET, &path).send().await?.status(), StatusCode::BAD_REQUEST);
    Ok(())
}
