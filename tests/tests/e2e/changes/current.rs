//! The item as it is now, beside the change.

use anyhow::{Context, ensure};
use larder_protocol::Partition;
use larder_tests::Larder;
use serde_json::{Value, json};

use super::{ask, changes, cursor, delete, now};
use crate::Tested;

#[tokio::test]
async fn the_item_as_it_is_now_comes_along() -> Tested {
    let larder = Larder::start().await?;
    let (text, bytes, gone, since) = (larder.id("text"), larder.id("bytes"), larder.id("gone"), now(&larder).await?);
    larder.put(&text, "old").await?;
    larder.put(&gone, "x").await?;
    let newest = larder.put(&text, "new").await?.to_string();
    larder.put(&bytes, [0xff, 0]).await?;
    delete(&larder, &gone).await?;
    for include in ["meta", "value"] {
        let prefix = larder.id("").to_string();
        let page = ask(&larder, &[("prefix", &prefix), ("since", &since), ("include", include)]).await?;
        for change in changes(&page) {
            let (op, current) = (&change["op"], &change["current"]);
            match change["id"].as_str().context("an id")? {
                _ if op == "delete" => assert_eq!(change.get("current"), None),
                id if id == gone.as_str() => assert_eq!(change.get("current"), Some(&Value::Null)),
                id if id == text.as_str() => {
                    assert_eq!(current["revision"], newest.as_str());
                    let told =
                        if include == "meta" { (&json!(3), &Value::Null) } else { (&Value::Null, &json!("new")) };
                    assert_eq!((&current["size"], &current["value"]), told);
                }
                _ if include == "value" => assert_eq!(current["value_base64"], "/wA="),
                _ => assert_eq!(current["size"], 2),
            }
        }
        assert_eq!(changes(&page).len(), 5);
    }
    Ok(())
}

#[tokio::test]
async fn values_for_which_there_is_no_room_come_with_the_next_page() -> Tested {
    let larder = Larder::start().await?;
    let since = now(&larder).await?;
    // All in one partition, whose share of an answer is the whole of it.
    let ids = (0..).map(|n| larder.id(&format!("large/{n}")));
    let home = Partition::of(&larder.id("large/0"));
    let ids: Vec<_> = ids.filter(|id| Partition::of(id) == home).take(10).collect();
    for id in &ids {
        larder.put(id, "x".repeat(1_000_000)).await?;
    }
    let (mut since, mut sizes, prefix) = (since, Vec::new(), larder.id("").to_string());
    while sizes.iter().sum::<usize>() < 10 {
        let page = ask(&larder, &[("prefix", &prefix), ("since", &since), ("include", "value")]).await?;
        ensure!(
            changes(&page).iter().all(|change| change["current"]["value"].as_str().map(str::len) == Some(1_000_000))
        );
        sizes.push(changes(&page).len());
        since = cursor(&page);
    }
    assert_eq!(sizes, [8, 2]);
    Ok(())
}
