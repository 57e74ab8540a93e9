//! How often a token may ask: over all instances, and told in every answer.

use larder_protocol::token::Digest;
use larder_system::{System, SystemBuilder};
use larder_tests::{Direct, Larder};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

/// A store with a token `slow` of one request a second and five at once, and a token `free`.
fn builder() -> SystemBuilder {
    let entry = |name: &str| json!({"name": name, "digest": Digest::of(name).to_string(), "scopes": ["read", "list"]});
    let mut slow = entry("slow");
    (slow["rate"], slow["burst"]) = (json!(1), json!(5));
    System::builder().variable("api_tokens", &json!([slow, entry("free")]).to_string())
}

async fn ask(larder: &Larder, token: &str) -> anyhow::Result<Response> {
    let request = larder.request(Method::GET, "/items/a").header("authorization", format!("Bearer {token}"));
    Ok(request.send().await?)
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_when_it_may_again() -> Tested {
    let Some(larder) = Larder::own(builder()).await? else { return Ok(()) };
    let (mut done, mut refused) = (0, None);
    for _ in 0..50 {
        let response = ask(&larder, "slow").await?;
        assert_eq!(response.headers()["ratelimit-policy"], "\"token\";q=5;w=5");
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
            break;
        }
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        done += 1;
    }
    assert!(done >= 5, "{done}");
    let refused = refused.expect("50 requests take less than 45 s");
    assert_eq!(refused.headers()["retry-after"], "1");
    let left = refused.headers()["ratelimit"].to_str()?.to_owned();
    assert!(left.starts_with("\"token\";r=0;t="), "{left}");
    let problem: Value = refused.json().await?;
    assert_eq!(problem["type"], "urn:larder:problem:too-many-requests");

    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(ask(&larder, "slow").await?.status(), StatusCode::NOT_FOUND, "it may again");
    Ok(())
}

/// What needs no token counts for none, and a token without a rate costs Redis nothing more.
#[tokio::test]
async fn who_has_no_limit_pays_nothing_for_it() -> Tested {
    let Some(mut larder) = Larder::own(builder()).await? else { return Ok(()) };
    let direct = Direct::open(&larder.system().redis.url()).await?;
    for _ in 0..20 {
        let response = ask(&larder, "free").await?;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(!response.headers().contains_key("ratelimit"));
        let live = larder.request(Method::GET, "/health/live").header("authorization", "Bearer slow").send().await?;
        assert_eq!(live.status(), StatusCode::OK);
        assert!(!live.headers().contains_key("ratelimit"));
    }
    let keys: Vec<String> = direct.command(&["KEYS", "*:rate:*"]).await?;
    assert!(keys.is_empty(), "{keys:?}");
    Ok(())
}

/// The rate is that of the name, in Redis: a second component counts on.
#[tokio::test]
async fn all_components_count_together() -> Tested {
    use larder_system::{ApiProcess, ApiSettings, Output, Port, Runtime, Wasi};
    let Some(mut larder) = Larder::own(builder()).await? else { return Ok(()) };
    let (port, redis) = (Port::reserve()?, larder.system().redis.url());
    let log = Output::File(larder.system().data().path().join("second.log"));
    let entry =
        json!([{"name": "slow", "digest": Digest::of("slow").to_string(), "scopes": ["read"], "rate": 1, "burst": 5}]);
    let settings = ApiSettings::new(Runtime::from_env()?, Wasi::from_env()?, port.address(), &redis, log);
    let api = ApiProcess::start(settings.variable("api_tokens", &entry.to_string()))?;
    let second = larder.through(&api);
    larder_tests::eventually("it answers", async || {
        anyhow::ensure!(second.request(Method::GET, "/health/live").send().await?.status() == StatusCode::OK);
        Ok(())
    })
    .await?;
    let mut done = 0;
    let start = std::time::Instant::now();
    for n in 0..20 {
        let response = ask(if n % 2 == 0 { &larder } else { &second }, "slow").await?;
        done += u64::from(response.status() != StatusCode::TOO_MANY_REQUESTS);
    }
    let most = 5 + start.elapsed().as_secs() + 1;
    assert!((5..=most).contains(&done), "{done} of 20, and {most} at most");
    Ok(())
}

#[tokio::test]
async fn a_rate_that_redis_cannot_tell_holds_nobody_up() -> Tested {
    let Some(mut larder) = Larder::own(builder()).await? else { return Ok(()) };
    let direct = Direct::open(&larder.system().redis.url()).await?;
    let key = larder_protocol::keys::rate(&"slow".parse()?);
    direct.command::<u64>(&["RPUSH", &key, "not ours"]).await?;
    for _ in 0..10 {
        assert_eq!(ask(&larder, "slow").await?.status(), StatusCode::NOT_FOUND);
    }
    Ok(())
}
