//! Ids as folders, by prefix, page by page, by mouse and by keyboard.

use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::Method;
use serde_json::json;
use thirtyfour::Key;

use crate::Tested;
use crate::browser::browse;

/// Puts these items, and waits until all are applied.
pub async fn put_all(larder: &Larder, items: &[(&str, serde_json::Value)]) -> Tested {
    let operations: Vec<_> = items.iter().map(|(id, value)| json!({"op": "put", "id": id, "value": value})).collect();
    let answer = larder.request(Method::POST, "/items").header("prefer", "wait=10").json(&operations).send().await?;
    let results: Vec<serde_json::Value> = answer.json().await?;
    anyhow::ensure!(
        results.iter().all(|result| result["status"].as_u64().is_some_and(|status| status < 300)),
        "{results:?}"
    );
    Ok(())
}

#[tokio::test]
async fn folders_prefixes_and_pages() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let many: Vec<_> = (0..230).map(|n| format!("many/{n:03}")).collect();
    let mut items: Vec<_> = many.iter().map(|id| (id.as_str(), json!("x"))).collect();
    items.extend([
        ("cart:42", json!({"apples": 3})),
        ("fruit/apple", json!("red")),
        ("fruit/citrus/lime", json!("green")),
    ]);
    put_all(&larder, &items).await?;
    browse(&larder, async |page| {
        page.see(".list .folder", "fruit/").await?;
        page.see(".list tr", "cart:42").await?;
        page.see(".pages", "2 folders, 1 item").await?;
        page.accessible("the list").await?;

        // Down by the keyboard, and up again.
        page.keys("j").await?;
        page.keys(Key::Enter).await?;
        page.see(".list .folder", "citrus/").await?;
        page.keys("jj").await?;
        page.keys(Key::Enter).await?;
        page.see(".item h2", "fruit/apple").await?;
        page.see(".item pre", "red").await?;
        page.keys("u").await?;
        page.see(".list .folder", "many/").await?;

        // By prefix.
        page.keys("/").await?;
        page.keys("fruit/ci").await?;
        page.see(".list .folder", "citrus/").await?;
        page.see_no(".list tr", "apple").await?;
        page.keys("nothing").await?;
        page.see(".pages", "No id begins so.").await?;
        page.keys(Key::Escape).await?;

        // Page by page, every id once.
        page.go(&larder, "prefix=many/").await?;
        let mut seen = Vec::new();
        for number in 1..=3 {
            page.see(".pages", &format!("Page {number}:")).await?;
            let ids = page
                .run("return [...document.querySelectorAll('a[data-id]')].map((a) => a.dataset.id)", vec![])
                .await?;
            seen.extend(ids.as_array().into_iter().flatten().filter_map(|id| Some(id.as_str()?.to_owned())));
            page.keys("]").await?;
        }
        assert_eq!(seen, many);
        page.keys("[").await?;
        page.see(".pages", "Page 2:").await?;

        // Another delimiter makes other folders.
        page.go(&larder, "delimiter=:").await?;
        page.see(".list .folder", "cart:").await?;
        page.driver.back().await?;
        page.see(".pages", "Page").await
    })
    .await
}

/// The skip link, the dialog with the shortcuts, the switch that turns them off, the colours.
#[tokio::test]
async fn everything_by_keyboard() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    browse(&larder, async |page| {
        page.see(".pages", "There are no items yet").await?;
        page.keys(Key::Tab).await?;
        page.see(".skip", "Skip to the content").await?;
        page.keys(Key::Enter).await?;
        eventually("the focus is in the content", async || {
            let focus = page.run("return document.activeElement.id", vec![]).await?;
            anyhow::ensure!(focus == "main", "{focus}");
            Ok(())
        })
        .await?;
        page.keys("?").await?;
        page.see("dialog", "search by prefix").await?;
        page.accessible("the shortcuts").await?;
        page.press("Shortcuts of one key").await?;
        page.keys(Key::Escape).await?;
        page.see_no("dialog", "").await?;
        page.keys("c").await?;
        page.see_no("dialog", "").await?;
        page.keys("?").await?;
        page.press("Shortcuts of one key").await?;
        page.press("Close").await?;
        page.keys("3").await?;
        page.see("h2", "Writes of this tab").await?;
        page.keys("t").await?;
        let theme = page.run("return document.documentElement.dataset.theme", vec![]).await?;
        assert!(theme == "dark" || theme == "light", "{theme}");
        page.accessible("the other colours").await
    })
    .await
}
