//! Who waits for the next change.

use std::time::{Duration, Instant};

use larder_tests::Larder;
use reqwest::Method;
use serde_json::json;

use super::{ask, changes, cursor, now, timeless};
use crate::Tested;

#[tokio::test]
async fn a_long_poll_ends_with_the_first_change_that_matches_and_not_before() -> Tested {
    let larder = Larder::start().await?;
    let (mine, other, since) = (larder.id("mine/a"), larder.id("other/a"), now(&larder).await?);
    let prefix = larder.id("mine/").to_string();
    let wait = async |since: &str, wait: &str| {
        let start = Instant::now();
        let page = ask(&larder, &[("prefix", &prefix), ("since", since), ("wait", wait)]).await?;
        anyhow::Ok((page, start.elapsed()))
    };
    let write = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        larder.put(&other, "x").await?;
        tokio::time::sleep(Duration::from_millis(600)).await;
        larder.put(&mine, "x").await
    };
    let ((page, took), revision) = futures::try_join!(wait(&since, "10"), write)?;
    assert!((Duration::from_millis(990)..Duration::from_secs(9)).contains(&took), "{took:?}");
    assert_eq!(
        timeless(&changes(&page)),
        [json!({"op": "put", "id": mine.as_str(), "revision": revision.to_string()})]
    );

    let (empty, took) = wait(&cursor(&page), "1").await?;
    assert_eq!(empty["changes"], json!([]));
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let preferred = larder.request(Method::GET, "/changes").query(&[("prefix", &prefix)]).header("prefer", "wait=1");
    let preferred = preferred.send().await?;
    assert_eq!(preferred.headers()["preference-applied"], "wait=1");

    // What came while nobody waited is there at once, also for who does not wait.
    larder.put(&mine, "y").await?;
    for patience in ["0", "10"] {
        assert_eq!(changes(&wait(&cursor(&empty), patience).await?.0).len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn many_who_wait_hear_of_the_same_change() -> Tested {
    let larder = Larder::start().await?;
    let (id, since) = (larder.id("a"), now(&larder).await?);
    let parameters = [("prefix", id.as_str()), ("since", &since), ("wait", "10")];
    let waiting = futures::future::try_join_all((0..20).map(|_| ask(&larder, &parameters)));
    let write = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        larder.put(&id, "x").await
    };
    let (pages, revision) = futures::try_join!(waiting, write)?;
    for page in pages {
        assert_eq!(changes(&page)[0]["revision"], revision.to_string());
    }
    Ok(())
}
