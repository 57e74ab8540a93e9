//! What is shown of an item.

use larder_protocol::ItemId;
use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::Method;
use serde_json::json;

use crate::Tested;
use crate::browse::put_all;
use crate::browser::{Page, browse};

/// A picture of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Puts a value with these headers, and waits until it is applied.
pub async fn put(larder: &Larder, id: &str, query: &str, headers: &[(&str, &str)], value: &[u8]) -> Tested {
    let path = format!("/items/{}{query}", ItemId::new(id)?.to_path());
    let mut request = larder.request(Method::PUT, &path).header("prefer", "wait=10").body(value.to_vec());
    for (name, text) in headers {
        request = request.header(*name, *text);
    }
    let answer = request.send().await?;
    anyhow::ensure!(answer.status().is_success(), "{}", answer.text().await?);
    Ok(())
}

#[tokio::test]
async fn each_value_is_shown_as_what_it_is() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let number = "{\"big\":12345678901234567890.10e+2,\"big\":1,\"list\":[],\"deep\":[[{\"a\":null}]]}";
    put(&larder, "json", "", &[("content-type", "application/json")], number.as_bytes()).await?;
    put(&larder, "note", "?ttl=7190", &[("content-type", "text/plain"), ("larder-meta-owner", "ada")], b"milk").await?;
    put(&larder, "bytes", "", &[], b"\0\x01\xffLarder").await?;
    let picture = json!([{"op": "put", "id": "picture", "content_type": "image/png", "value_base64": PNG}]);
    larder.request(Method::POST, "/items").header("prefer", "wait=10").json(&picture).send().await?;
    put(&larder, "broken", "", &[("content-type", "image/png")], b"no picture").await?;
    put(&larder, "large", "", &[("content-type", "text/plain")], &b"0123456789".repeat(100_000)).await?;
    browse(&larder, async |page| {
        page.press("json").await?;
        // Nothing of a number is lost, a member that comes twice is there twice, empty ones stay together.
        page.see(".item pre", "{\n  \"big\": 12345678901234567890.10e+2,\n  \"big\": 1,\n  \"list\": [],\n  \"deep\": [\n    [\n      {\n        \"a\": null").await?;
        page.press("Text").await?;
        page.see(".item pre", number).await?;
        page.press("Head").await?;
        page.see(".item details", "content-security-policy").await?;
        page.accessible("JSON").await?;

        page.press("note").await?;
        page.see(".item pre", "milk").await?;
        page.see(".item .pairs", "owner").await?;
        page.see(".countdown", "in 1 h 5").await?;

        page.press("bytes").await?;
        page.see(".item pre", "00000000  00 01 ff 4c 61 72 64 65 72                       ···Larder").await?;
        page.press("picture").await?;
        page.see(".item", "1 × 1 pixels").await?;
        page.press("broken").await?;
        page.see(".item", "These bytes are no image/png").await?;
        page.press("Hex").await?;
        page.see(".item pre", "no picture").await?;
        page.press("large").await?;
        page.press("Show more of 977 KiB").await?;
        downloaded(page, &larder).await?;
        page.go(&larder, "id=never%2Fwritten").await?;
        page.see(".item", "There is no item").await?;
        page.accessible("no item").await?;
        page.go(&larder, "id=..").await?;
        page.see(".item", "A browser cannot ask for an item called").await
    })
    .await
}

async fn downloaded(page: &Page, larder: &Larder) -> Tested {
    page.go(larder, "id=bytes").await?;
    page.press("Download").await?;
    let file = page.folder.path().join("bytes");
    eventually("the file is there", async || {
        anyhow::ensure!(std::fs::read(&file)? == b"\0\x01\xffLarder", "other bytes");
        Ok(())
    })
    .await
}

/// An item with an end ends while somebody looks.
#[tokio::test]
async fn the_end_of_an_item_is_seen() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    browse(&larder, async |page| {
        put(&larder, "short", "?ttl=8", &[("content-type", "text/plain")], b"soon gone").await?;
        page.go(&larder, "id=short").await?;
        page.see(".countdown", "in ").await?;
        page.see(".item", "There is no item").await
    })
    .await
}

/// What the documentation shows, and what axe-core thinks of it in both colours and on a phone.
#[tokio::test]
async fn light_dark_and_on_a_phone() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let order = json!({"id": "2026-00417", "customer": "ada", "total": 48.50, "currency": "EUR", "lines": [
        {"sku": "apple-red", "count": 12, "price": 0.40}, {"sku": "lime", "count": 3, "price": 0.90}], "paid": true, "note": null});
    let mut items = vec![
        ("orders/2026/00418", json!({"total": 9})),
        ("orders/2025/00001", json!(1)),
        ("session/9f2", json!("ada")),
        ("feature/dark-mode", json!(true)),
        ("hits", json!("42")),
        ("user/7", json!({"name": "Ada"})),
    ];
    let more: Vec<_> = (400..416).map(|n| format!("orders/2026/{n:05}")).collect();
    items.extend(more.iter().map(|id| (id.as_str(), order.clone())));
    put_all(&larder, &items).await?;
    let headers =
        [("content-type", "application/json"), ("larder-meta-owner", "checkout"), ("larder-meta-trace", "5f2b9c")];
    put(&larder, "orders/2026/00417", "?ttl=86400", &headers, serde_json::to_string(&order)?.as_bytes()).await?;
    browse(&larder, async |page| {
        for (scheme, width, height, name) in
            [("light", 1360, 860, "light"), ("dark", 1360, 860, "dark"), ("light", 390, 844, "phone")]
        {
            page.look(scheme, width, height).await?;
            page.go(&larder, "prefix=orders/2026/&id=orders/2026/00417").await?;
            page.see(".item pre", "apple-red").await?;
            page.accessible(name).await?;
            page.picture(name).await?;
        }
        page.press("‹ Back to the list").await?;
        page.see(".list", "00417").await?;
        page.accessible("the list on a phone").await?;
        page.picture("phone-list").await
    })
    .await
}
