//! What clients stored runs nothing and breaks nothing, wherever it is.

use larder_protocol::ItemId;
use larder_system::System;
use larder_tests::Larder;
use serde_json::json;

use crate::Tested;
use crate::browser::browse;
use crate::item::put;

/// Sets a global of the page, asks the store for /pwned, and opens a dialog.
const SCRIPT: &str = "window.pwned=1;fetch('/pwned');alert('pwned')";

fn values() -> Vec<(&'static str, Vec<u8>)> {
    let html = format!(
        "<!doctype html><script>{SCRIPT}</script><img src=/pwned onerror=\"{SCRIPT}\"><iframe srcdoc='<script>parent.{SCRIPT}</script>'></iframe>"
    );
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"{SCRIPT}\"><script>{SCRIPT}</script></svg>");
    let json = json!({"</script><script>": html, "__proto__": {"polluted": true}, "constructor": svg});
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    vec![
        ("text/html", html.clone().into()),
        ("image/svg+xml", svg.clone().into()),
        ("image/png", svg.into()),
        ("application/json", json.to_string().into()),
        ("application/json", deep.into()),
        ("text/javascript", SCRIPT.into()),
        ("text/plain", "\u{202e}gnp.txt\u{2066}\u{200b}\u{feff}\u{2028}".into()),
        ("text/html", b"\xff<script>".to_vec()),
        ("text/x; a=\"<script>alert(1)</script>\"", html.into()),
    ]
}

fn ids() -> Vec<String> {
    let odd = [
        format!("<img src=x onerror=\"{SCRIPT}\">"),
        format!("\"'><script>{SCRIPT}</script>"),
        "javascript:alert('pwned')".to_owned(),
        "\u{202e}txt.exe\u{2066}".to_owned(),
        "zero\u{200b}width\u{feff}".to_owned(),
        "#id=other&view=writes".to_owned(),
        "?a=b%2F%00..//".to_owned(),
        "__proto__".to_owned(),
        "{folder}\u{2028}line".to_owned(),
    ];
    odd.map(|id| format!("h/{id}")).into()
}

#[tokio::test]
async fn nothing_that_is_stored_runs_or_breaks_the_page() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let meta = [
        ("larder-meta-html", "<img src=x onerror=\"window.pwned=1;fetch('/pwned')\">"),
        ("larder-meta-x", "</td><script>window.pwned=1</script>"),
    ];
    for (id, (content_type, value)) in ids().into_iter().zip(values()) {
        put(&larder, &id, "", &[("content-type", content_type), meta[0], meta[1]], &value).await?;
    }
    browse(&larder, async |page| {
        let before = page.run("return Object.getOwnPropertyNames(window).length", vec![]).await?;
        page.go(&larder, "delimiter=&prefix=h/").await?;
        page.see(".list .pages", "items").await?;
        page.see(".list", "<img src=x onerror=").await?;
        page.see(".list .code-point", "U+202E").await?;
        page.accessible("hostile ids").await?;
        for id in ids() {
            let expected = ItemId::new(id.clone())?;
            page.run("[...document.querySelectorAll('a[data-id]')].find((a) => a.dataset.id === arguments[0]).click()", vec![json!(id)]).await?;
            page.see(".item h2", "h/").await?;
            page.see(".item .pairs", "</td><script>window.pwned=1</script>").await?;
            page.see(".item .shown", "").await?;
            // In each form, and in the editor.
            page.run("document.querySelectorAll('.forms input').forEach((one) => one.click())", vec![]).await?;
            page.run("document.querySelector('details').open = true", vec![]).await?;
            page.press("Edit").await?;
            page.see("dialog h2", "Edit").await?;
            page.press("Cancel").await?;
            page.see_no("dialog", "").await?;
            assert!(larder.get(&expected).await?.status().is_success(), "{id:?}");
        }
        // The views of what happened name them too; so do notices, and a deletion that is undone.
        page.press("Changes").await?;
        page.press("Follow").await?;
        page.see(".page .note", "Following").await?;
        put(&larder, &ids()[0], "", &[("content-type", "text/html"), meta[0], meta[1]], &values()[0].1).await?;
        page.see(".page tr", "<img src=x onerror=").await?;
        page.press("Items").await?;
        page.see(".item h2", "h/").await?;
        page.press("Reload").await?;
        page.see(".item .facts", "text").await?;
        page.press("Delete").await?;
        page.see(".notice", "is deleted.").await?;
        page.press("Undo").await?;
        page.see(".notice", "is back.").await?;
        page.press("Writes").await?;
        page.see(".page tr", "Restore").await?;

        // A hostile address, as one that is sent to somebody.
        page.go(&larder, "view=constructor&prefix=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E/&id=%3Cscript%3E&delimiter=%3C").await?;
        page.see(".item", "There is no item").await?;
        page.go(&larder, "prefix=%E2%80%AE%00&id=%00").await?;
        page.see(".item .problem", "").await?;

        let asked = page.run("return performance.getEntriesByType('resource').map(({name}) => name).filter((name) => new URL(name).pathname === '/pwned' || !name.startsWith(location.origin))", vec![]).await?;
        assert_eq!(asked, json!([]), "requests");
        let after = page.run("return [window.pwned === undefined, ({}).polluted === undefined, document.querySelectorAll('iframe, embed, object, body script').length]", vec![]).await?;
        assert_eq!(after, json!([true, true, 0]));
        assert!(page.driver.get_alert_text().await.is_err(), "a dialog is open");
        assert!(before.is_number());
        Ok(())
    })
    .await
}

/// The policy holds by itself: even a page that made markup of a value would run nothing.
#[tokio::test]
async fn the_policy_stops_what_the_page_would_let_through() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    browse(&larder, async |page| {
        let refused = page
            .run("try { document.body.innerHTML = '<p>'; return 'allowed' } catch (error) { return error.name }", vec![])
            .await?;
        assert_eq!(refused, "TypeError", "Trusted Types");
        let script = "const done = arguments[0]; const one = document.createElement('img'); one.onerror = () => done('blocked');
            one.onload = () => done('loaded'); one.src = 'http://127.0.0.1:9/x.png'; document.body.append(one)";
        let image = page.driver.execute_async(script, vec![]).await?.json().clone();
        assert_eq!(image, "blocked");
        let script = "const done = arguments[0]; addEventListener('securitypolicyviolation', ({effectiveDirective}) => done(effectiveDirective));
            const one = document.createElement('iframe'); one.src = '/items/a'; document.body.append(one)";
        let framed = page.driver.execute_async(script, vec![]).await?.json().clone();
        assert_eq!(framed, "frame-src");
        // These complaints are the point.
        assert!(!page.complaints().await?.is_empty());
        Ok(())
    })
    .await
}
