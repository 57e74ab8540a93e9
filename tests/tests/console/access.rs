//! A store that wants tokens.

use larder_protocol::token::{Digest, Scope};
use larder_system::System;
use larder_tests::Larder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::Tested;
use crate::browser::{Page, browse};

async fn start() -> anyhow::Result<Option<Larder>> {
    let entry =
        |name: &str, scopes: &[&str]| json!({"name": name, "digest": Digest::of(name).to_string(), "scopes": scopes});
    let mut narrow = entry("narrow", &["read", "list"]);
    narrow["prefixes"] = json!(["mine/"]);
    let entries = json!([entry("all", &Scope::ALL.map(Scope::name)), entry("reader", &["read"]), narrow]);
    Larder::own(System::builder().variable("api_tokens", &entries.to_string())).await
}

async fn give(page: &Page, token: &str) -> Tested {
    page.see("dialog", "Access token").await?;
    page.fill("Access token", token).await?;
    page.press("Use it").await
}

#[tokio::test]
async fn a_token_is_asked_for_and_kept_for_the_tab() -> Tested {
    let Some(larder) = start().await? else { return Ok(()) };
    for id in ["mine/a", "yours/a"] {
        let path = format!("/items/{id}");
        let request = larder
            .request(Method::PUT, &path)
            .header("authorization", "Bearer all")
            .header("content-type", "text/plain");
        assert!(request.header("prefer", "wait=10").body("told to some").send().await?.status().is_success());
    }
    browse(&larder, async |page| {
        page.see("dialog", "This needs an access token").await?;
        page.accessible("the question for a token").await?;
        give(page, "two words").await?;
        page.see("dialog .problem", "A token is one word").await?;
        give(page, "wrong").await?;
        page.see("dialog", "is not valid here").await?;
        give(page, "all").await?;
        page.see(".list", "mine/").await?;
        page.see(".health", "Ready").await?;

        // With each page of this tab, and nowhere else.
        page.driver.refresh().await?;
        page.see(".list", "mine/").await?;
        let kept = page
            .run(
                "return [Object.values(localStorage).join(), document.cookie, Object.values(sessionStorage).join()]",
                vec![],
            )
            .await?;
        assert_eq!(kept, json!(["", "", "all"]));
        page.driver.new_tab().await?;
        let tabs = page.driver.windows().await?;
        page.driver.switch_to_window(tabs[1].clone()).await?;
        page.go(&larder, "").await?;
        page.see("dialog", "This needs an access token").await?;
        page.press("Cancel").await?;
        page.see(".pages .problem", "This needs an access token").await?;

        // Who may not list can read an item whose id is known, and is told what is missing.
        page.press("Token").await?;
        give(page, "reader").await?;
        page.see(".pages .problem", "does not have the scope list").await?;
        page.fill("Prefix, or an id to open", "mine/a").await?;
        page.press("Open").await?;
        page.see(".item pre", "told to some").await?;
        page.press("Delete").await?;
        page.see(".notice.bad", "does not have the scope write").await?;

        page.press("Forget token").await?;
        give(page, "narrow").await?;
        page.see(".item pre", "told to some").await?;
        page.go(&larder, "").await?;
        page.see(".pages .problem", "only reaches what starts with \"mine/\"").await?;
        page.go(&larder, "prefix=mine/").await?;
        page.see(".list tr", "a").await?;
        let left: Value = page.run("return sessionStorage.length", vec![]).await?;
        assert_eq!(left, 1);
        Ok(())
    })
    .await
}
