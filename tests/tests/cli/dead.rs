//! Dead letters by way of a worker's control server, and who is not let in there.

use larder_protocol::{ItemId, Partition, keys};
use larder_system::{System, built};
use larder_tests::{Direct, Larder, eventually};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::{Cli, Tested, assert_failed};

#[tokio::test]
async fn they_are_listed_shown_retried_and_dropped_over_http() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let control = larder.system().workers[0].control_url();
    let redis = Direct::open(&larder.system().redis.url()).await?;
    let cli = Cli::of(&larder)?;
    let dead = |arguments: &[&str]| cli.run(&[&["dead", "--worker", &control], arguments].concat());
    assert_eq!(dead(&["list"])?.out, "No dead letters.\n");

    let writes = keys::writes(Partition::of(&ItemId::new("bad")?));
    let item = "t/p\n\ns3cret\u{1b}[2J";
    for n in 0..20 {
        let id = format!("bad{n}\u{1b}");
        redis.command::<String>(&["XADD", &writes, "*", "op", "rename", "id", &id, "item", item]).await?;
    }
    let id = ItemId::new("held")?;
    redis.command::<()>(&["RPUSH", &keys::item(&id), "a list"]).await?;
    larder.item(Method::PUT, &id).header("prefer", "wait=5").body("kept").send().await?;
    let listed = || -> anyhow::Result<Vec<Value>> {
        dead(&["list", "--json"])?.out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    };
    eventually("all have died", async || {
        anyhow::ensure!(listed()?.len() == 21, "{}", listed()?.len());
        Ok(())
    })
    .await?;
    let letters = listed()?;
    let name = |id: &str| {
        let letter = letters.iter().find(|letter| letter["id"] == id);
        letter.and_then(|letter| letter["name"].as_str()).unwrap_or_default().to_owned()
    };
    let table = dead(&["list"])?.out;
    assert!(table.contains("bad0\\u{1b}") && !table.contains('\u{1b}'), "{table}");
    let bad = name("bad0\u{1b}");
    let shown = dead(&["show", &bad])?.out;
    assert!(shown.contains("s3cret\\u{1b}[2J"), "{shown}");
    let value = cli.command(&["dead", "--worker", &control, "show", &bad, "--value"])?.output()?;
    assert_eq!(value.stdout, &item.as_bytes()[5..]);

    redis.command::<()>(&["DEL", &keys::item(&id)]).await?;
    let held = name("held");
    let retried = dead(&["retry", &held])?;
    assert!(retried.out.starts_with(&format!("{held} retried as ")) && retried.error.contains(&control), "{retried:?}");
    eventually("the retried write is applied", async || {
        anyhow::ensure!(larder.get(&id).await?.text().await? == "kept", "not yet");
        Ok(())
    })
    .await?;
    assert_eq!(dead(&["drop", &bad])?.out, format!("{bad} dropped\n"));
    let gone = format!("there is no dead letter {bad}");
    assert_failed(&dead(&["drop", &bad])?, 7, &gone);
    assert_failed(&dead(&["retry", &bad])?, 7, &gone);
    assert_failed(&dead(&["show", &bad])?, 7, &gone);
    assert_failed(&dead(&["drop", "--all"])?, 7, "needs --yes");
    assert_eq!(dead(&["drop", "--all", "--yes"])?.out.lines().count(), 19);
    assert!(listed()?.is_empty());
    // Values are nobody's business who reads logs.
    assert!(!larder.system().logs().contains("s3cret"));

    // The worker has another Redis after that one is back.
    larder.system().redis.pause()?;
    assert_failed(&dead(&["list"])?, 5, "Redis");
    larder.system().redis.resume()?;
    eventually("it is there again", async || {
        anyhow::ensure!(dead(&["list"])?.code == Some(0), "not yet");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pages_and_other_machines_are_kept_out() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let control = larder.system().workers[0].control_url();
    let client = Client::new();
    let ask = |method: Method, path: &str| client.request(method, format!("{control}{path}"));
    assert_eq!(ask(Method::GET, "/dead").send().await?.status(), StatusCode::OK);
    let page = ask(Method::GET, "/dead").header("origin", "http://127.0.0.1").send().await?;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert_eq!(page.headers()["content-type"], "application/problem+json");
    let rebound = ask(Method::DELETE, "/dead/letters/1-1-1").header("host", "rebind.example:9465").send().await?;
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN);
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::GET, "/dead?partition=64", 400),
        (Method::GET, "/dead?partition=x", 400),
        (Method::PUT, "/dead", 405),
        (Method::GET, "/dead/letters?until=x", 400),
        (Method::GET, "/dead/letters/x", 400),
        (Method::GET, "/dead/letters/1-1-1", 404),
        (Method::POST, "/dead/letters/1-1-1/retry", 404),
        (Method::DELETE, "/dead/letters/1-1-1", 404),
    ] {
        let response = ask(method, path).send().await?;
        assert_eq!(response.status(), status, "{path}");
        let problem: Value = response.json().await?;
        assert!(problem["status"] == status && problem["detail"].is_string(), "{path}: {problem}");
    }

    // A port that is taken is told as such, with what to do.
    let address = control.trim_start_matches("http://");
    for (listen, code, says) in [(address, 1, "LARDER_CONTROL_LISTEN"), ("0.0.0.0:9465", 2, "kubectl port-forward")] {
        let mut worker = std::process::Command::new(built("larder-worker")?);
        let output =
            worker.env("LARDER_REDIS", larder.system().redis.url()).env("LARDER_CONTROL_LISTEN", listen).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.code() == Some(code) && said.contains(says), "{listen}: {said}");
    }
    Ok(())
}
