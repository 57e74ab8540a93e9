//! Making, changing and deleting items, and taking it back.

use anyhow::ensure;
use larder_protocol::ItemId;
use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::Method;
use thirtyfour::Key;

use crate::Tested;
use crate::browser::{Page, browse};
use crate::item::put;

/// Waits until an item has this value.
async fn stored(larder: &Larder, id: &str, value: &[u8]) -> anyhow::Result<reqwest::header::HeaderMap> {
    eventually("the store has it", async || {
        let answer = larder.get(&ItemId::new(id)?).await?.error_for_status()?;
        let headers = answer.headers().clone();
        let found = answer.bytes().await?;
        ensure!(found == value, "{found:?}");
        Ok(headers)
    })
    .await
}

#[tokio::test]
async fn an_item_is_made_and_changed() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    put(&larder, "dos", "?ttl=5000", &[("content-type", "text/plain"), ("larder-meta-owner", "ada")], b"a\r\nb\r\n")
        .await?;
    browse(&larder, async |page| {
        page.see(".list", "dos").await?;
        page.keys("c").await?;
        page.accessible("the editor").await?;
        page.fill("Id", "config/app").await?;
        page.fill("Value", "{\"a\":1.0}").await?;
        page.fill("Content type", "application/json").await?;
        page.fill("Metadata", "owner: ada\nteam: shop").await?;
        page.fill("Time to live, seconds", "600").await?;
        page.press("Lay out as JSON").await?;
        page.press("Save").await?;
        page.see(".notice", "config/app is saved: applied after").await?;
        let headers = stored(&larder, "config/app", b"{\n  \"a\": 1.0\n}").await?;
        assert_eq!(
            (&headers["larder-meta-team"], &headers["content-type"]),
            (&"shop".try_into()?, &"application/json".try_into()?)
        );
        assert!(headers.contains_key("larder-expires-at"));

        // What is there is not made anew.
        page.keys("c").await?;
        page.fill("Id", "dos").await?;
        page.fill("Value", "x").await?;
        page.press("Save").await?;
        page.see("dialog.wide", "Conflict: dos").await?;
        page.press("Discard mine").await?;

        // A change keeps what it does not touch, line ends and the end of the item included.
        page.see(".item h2", "dos").await?;
        page.keys("e").await?;
        page.field("Value").await?.send_keys("c\n").await?;
        let chain = page.driver.action_chain().key_down(Key::Control).send_keys("s").key_up(Key::Control);
        chain.perform().await?;
        page.see(".notice", "dos is saved").await?;
        let headers = stored(&larder, "dos", b"a\r\nb\r\nc\r\n").await?;
        assert!(headers.contains_key("larder-expires-at") && headers["larder-meta-owner"] == "ada");

        // What the store refuses, or nobody could send, is said where it was typed.
        page.keys("e").await?;
        page.fill("Metadata", "no colon").await?;
        page.press("Save").await?;
        page.see("dialog .problem", "\"no colon\" must be a name, a colon").await?;
        page.fill("Metadata", "").await?;
        page.fill("Value", "").await?;
        page.press("Save").await?;
        page.see("dialog .problem", "empty").await?;
        page.press("Cancel").await?;
        page.see("dialog", "Once more, and it is dropped").await?;
        page.press("Cancel").await?;
        page.see_no("dialog", "").await?;
        page.keys("3").await?;
        page.see(".state", "applied").await?;
        page.accessible("the writes").await
    })
    .await
}

#[tokio::test]
async fn a_file_becomes_a_value() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    browse(&larder, async |page| {
        let file = page.folder.path().join("data.bin");
        std::fs::write(&file, b"\0\x01\x02")?;
        page.go(&larder, "prefix=files/").await?;
        page.keys("c").await?;
        page.field("Or a file").await?.send_keys(file.display().to_string()).await?;
        page.see("dialog", "The value is the file data.bin, 3 B").await?;
        page.press("Save").await?;
        page.see(".item h2", "files/data.bin").await?;
        assert_eq!(stored(&larder, "files/data.bin", b"\0\x01\x02").await?["content-type"], "application/octet-stream");
        Ok(())
    })
    .await
}

/// Begins a change of `shared`, lets somebody else write, and saves: then there is a conflict.
async fn collide(page: &Page, larder: &Larder) -> Tested {
    put(larder, "shared", "", &[("content-type", "text/plain")], b"one\ntwo\nthree").await?;
    page.go(larder, "id=shared").await?;
    page.driver.refresh().await?;
    page.see(".item pre", "two").await?;
    page.press("Edit").await?;
    put(larder, "shared", "", &[("content-type", "text/plain")], b"one\ntheirs\nthree").await?;
    page.fill("Value", "one\nmine\nthree").await?;
    page.press("Save").await?;
    page.see("dialog.wide", "Conflict: shared").await?;
    page.see("dialog.wide mark", "theirs").await?;
    page.see("dialog.wide mark", "mine").await
}

#[tokio::test]
async fn a_conflict_shows_both_and_leaves_the_choice() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    browse(&larder, async |page| {
        collide(page, &larder).await?;
        page.accessible("a conflict").await?;
        page.picture("conflict").await?;
        stored(&larder, "shared", b"one\ntheirs\nthree").await?;
        page.press("Keep editing").await?;
        page.see("dialog", "Saving again replaces what you were just shown").await?;
        page.press("Save").await?;
        page.see(".notice", "shared is saved").await?;
        stored(&larder, "shared", b"one\nmine\nthree").await?;

        collide(page, &larder).await?;
        page.press("Discard mine").await?;
        page.see(".item pre", "theirs").await?;
        stored(&larder, "shared", b"one\ntheirs\nthree").await?;

        collide(page, &larder).await?;
        page.press("Overwrite theirs").await?;
        page.see(".item pre", "mine").await?;
        stored(&larder, "shared", b"one\nmine\nthree").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_deletion_is_undone_with_all_that_was_there() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let headers = [("content-type", "image/x-odd"), ("larder-meta-owner", "ada")];
    put(&larder, "precious", "?ttl=3000", &headers, b"\0\xffvalue").await?;
    browse(&larder, async |page| {
        page.press("precious").await?;
        page.see(".item h2", "precious").await?;
        page.press("Delete").await?;
        page.see(".notice", "precious is deleted.").await?;
        page.see(".item", "There is no item").await?;
        page.accessible("the offer to undo").await?;
        page.press("Undo").await?;
        page.see(".notice", "precious is back.").await?;
        let found = stored(&larder, "precious", b"\0\xffvalue").await?;
        assert_eq!(
            (&found["content-type"], &found["larder-meta-owner"]),
            (&"image/x-odd".try_into()?, &"ada".try_into()?)
        );
        let left = humantime::parse_rfc3339(found["larder-expires-at"].to_str()?)?
            .duration_since(std::time::SystemTime::now())?;
        assert!((2900..3000).contains(&left.as_secs()), "{left:?}");

        // Not over what somebody wrote meanwhile.
        page.see(".item .facts", "image/x-odd").await?;
        page.keys("x").await?;
        page.see(".item", "There is no item").await?;
        put(&larder, "precious", "", &[("content-type", "text/plain")], b"another").await?;
        page.keys("z").await?;
        page.see(".notice.bad", "precious is not restored: somebody has written there").await?;
        stored(&larder, "precious", b"another").await?;

        // Nor is deleted what is not as it was read.
        page.see(".item pre", "another").await?;
        put(&larder, "precious", "", &[("content-type", "text/plain")], b"a third").await?;
        page.press("Delete").await?;
        page.see(".notice.bad", "precious was not deleted").await?;
        stored(&larder, "precious", b"a third").await?;
        let answer = larder.request(Method::GET, "/items/precious").send().await?;
        assert!(answer.status().is_success());
        Ok(())
    })
    .await
}
