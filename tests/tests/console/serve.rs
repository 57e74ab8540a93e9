//! How the page comes: compressed, kept by the browser for as long as it is good, and under a strict policy.

use anyhow::Context;
use larder_system::System;
use larder_tests::Larder;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::Tested;

/// All links of a page to what belongs to it.
fn links(page: &str) -> Vec<&str> {
    let parts = page.split(['"']).filter(|part| part.starts_with("/console/"));
    parts.collect()
}

fn unpacked(bytes: &[u8]) -> anyhow::Result<String> {
    Ok(std::io::read_to_string(flate2::read::GzDecoder::new(bytes))?)
}

fn assert_isolated(headers: &HeaderMap) {
    let policy = headers["content-security-policy"].to_str().unwrap_or_default();
    assert!(policy.starts_with(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self';"
    ));
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_kept_by_browsers() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let larder = larder.unwitnessed()?;
    let get = |path: &str| larder.request(Method::GET, path).header(ACCEPT_ENCODING, "gzip");
    let page = get("/console").send().await?;
    assert_eq!((page.status(), &page.headers()["cache-control"]), (StatusCode::OK, &"no-cache".try_into()?));
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_isolated(page.headers());
    let tag = page.headers()["etag"].clone();
    let text = unpacked(&page.bytes().await?)?;
    let again = get("/console").header("if-none-match", tag).send().await?;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.bytes().await?.is_empty());

    let mut bytes = text.len();
    assert!(links(&text).len() > 20, "{text}");
    for link in links(&text) {
        let file = get(link).send().await?;
        assert_eq!(
            (file.status(), &file.headers()["cache-control"]),
            (StatusCode::OK, &"public, max-age=31536000, immutable".try_into()?),
            "{link}"
        );
        assert_isolated(file.headers());
        let packed = file.bytes().await?;
        bytes += packed.len();
        let text = unpacked(&packed)?;
        assert!(!text.contains("innerHTML") && !text.contains("eval("), "{link}");
        // An SVG names its language by an address that nobody asks.
        assert!(!text.replace("http://www.w3.org/2000/svg", "").contains("://"), "{link} names another origin");
        let head = larder.request(Method::HEAD, link).header(ACCEPT_ENCODING, "gzip").send().await?;
        assert_eq!(head.status(), StatusCode::OK);
    }
    assert!(bytes < 48 * 1024, "{bytes} bytes");
    let other = get("/console/0123456789abcdef/main.mjs").send().await?;
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
    Ok(())
}

async fn refusal(larder: &Larder, method: Method, path: &str, accepted: &str) -> anyhow::Result<(StatusCode, String)> {
    let answer = larder.request(method, path).header(ACCEPT_ENCODING, accepted).send().await?;
    let status = answer.status();
    let problem: Value = answer.json().await?;
    Ok((status, problem["detail"].as_str().context("it says why")?.to_owned()))
}

#[tokio::test]
async fn who_takes_nothing_compressed_is_told_so() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let larder = larder.unwitnessed()?;
    for accepted in ["identity", "br, gzip;q=0"] {
        let (status, detail) = refusal(&larder, Method::GET, "/console", accepted).await?;
        assert_eq!(status, StatusCode::NOT_ACCEPTABLE, "{accepted}");
        assert!(detail.contains("Accept-Encoding: gzip"), "{detail}");
    }
    assert_eq!(refusal(&larder, Method::PUT, "/console", "gzip").await?.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refusal(&larder, Method::GET, "/console?a=1", "gzip").await?.0, StatusCode::BAD_REQUEST);
    Ok(())
}

/// The answers are those to any path that is not there, so the document knows them.
#[tokio::test]
async fn switched_off_it_is_not_there_and_says_why() -> Tested {
    let Some(larder) = Larder::own(System::builder().variable("console", "false")).await? else { return Ok(()) };
    for path in ["/console", "/console/"] {
        let (status, detail) = refusal(&larder, Method::GET, path, "gzip").await?;
        assert_eq!(
            (status, detail.as_str()),
            (StatusCode::NOT_FOUND, "The console is switched off here. The operator switches it on with console=true.")
        );
    }
    Ok(())
}
