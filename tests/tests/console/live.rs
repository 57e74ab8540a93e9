//! What happens while somebody looks: changes, the way of a write, the health of the store.

use larder_protocol::ItemId;
use larder_system::{Output, System, WorkerProcess};
use larder_tests::Larder;
use reqwest::Method;

use crate::Tested;
use crate::browse::put_all;
use crate::browser::browse;
use crate::item::put;

#[tokio::test]
async fn changes_are_followed() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    put_all(&larder, &[("a/1", "one".into()), ("a/2", "two".into())]).await?;
    browse(&larder, async |page| {
        page.go(&larder, "prefix=a/&id=a/1").await?;
        page.see(".item pre", "one").await?;
        page.keys("2").await?;
        page.press("Follow").await?;
        page.see(".page .note", "Following").await?;
        put(&larder, "a/1", "", &[("content-type", "text/plain")], b"new").await?;
        put(&larder, "other", "", &[("content-type", "text/plain")], b"not told: its id begins otherwise").await?;
        larder.request(Method::DELETE, "/items/a%2F2").send().await?;
        page.see(".page tr", "put").await?;
        page.see(".page tr", "delete").await?;
        page.see(".page .note", "2 changes.").await?;
        page.accessible("the changes").await?;

        // The list and the item say that they are behind.
        page.keys("1").await?;
        page.see(".list .news", "2 changes here since this page was read").await?;
        page.see(".item .news", "This item was written").await?;
        page.press("Show it").await?;
        page.see(".item pre", "new").await?;
        page.press("Refresh").await?;
        page.see_no(".list tr", "a/2").await?;
        page.keys("2").await?;
        page.press("Pause").await?;
        page.see(".page .note", "Not following").await
    })
    .await
}

/// Without a worker a write stays pending, and the page says what is missing; with one it is applied.
#[tokio::test]
async fn a_write_goes_from_pending_to_applied() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().workers(0)).await? else { return Ok(()) };
    let mut system = larder.take_system();
    browse(&larder, async |page| {
        page.see(".banner", "workers: none has reported").await?;
        page.see(".health", "Not ready").await?;
        page.accessible("a store that is not ready").await?;
        page.keys("c").await?;
        page.fill("Id", "late").await?;
        page.fill("Value", "x").await?;
        page.press("Save").await?;
        page.see("dialog .note", "not applied yet").await?;
        let log = Output::File(system.data().path().join("late-worker.log"));
        let mut worker = WorkerProcess::start(&system.redis.url(), &[], &[], log)?;
        page.see(".notice", "late is saved: applied after").await?;
        page.see(".item pre", "x").await?;
        page.see(".health", "Ready").await?;
        page.see_no(".banner", "workers").await?;

        // A Redis that is gone is told in words, too; and what was asked meanwhile can be asked again.
        system.redis.pause()?;
        page.press("Reload").await?;
        page.see(".item .problem", "").await?;
        page.see(".banner", "redis: the store cannot be reached").await?;
        system.redis.resume()?;
        page.press("Try again").await?;
        page.see(".item pre", "x").await?;
        worker.kill().await?;
        Ok(())
    })
    .await?;
    assert!(larder.get(&ItemId::new("late")?).await?.status().is_success());
    Ok(())
}
