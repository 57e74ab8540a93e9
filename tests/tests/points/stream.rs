//! A client that follows the changes: it comes back where it was, as often as the stream ends.

use std::time::{Duration, Instant};

use larder_protocol::{Content, Operation, Write};
use serde_json::Value;

use crate::lane::Lane;
use crate::scenario::{Prepared, Scenario};

/// How long it follows in vain.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long it stays when it has been told, to see that it is not told again.
const LONGER: Duration = Duration::from_millis(150);

/// Follows the item, writes to it beside the component, and answers the revisions of the changes that are told.
pub async fn told(scenario: &Scenario, lane: &Lane, prepared: &Prepared) -> anyhow::Result<Vec<String>> {
    let mut place = Prepared { id: prepared.id.clone(), revision: String::new(), cursor: prepared.cursor.clone() };
    let (mut told, mut has_written, mut deadline) = (vec![], false, Instant::now() + PATIENCE);
    while Instant::now() < deadline {
        let Ok(mut answer) = scenario.request(lane, &place).send().await else { continue };
        if !has_written {
            has_written = true;
            lane.accept(&prepared.id, &put()?).await?;
        }
        let mut text = String::new();
        while let Ok(Ok(Some(bytes))) = tokio::time::timeout_at(deadline.into(), answer.chunk()).await {
            text.push_str(std::str::from_utf8(&bytes)?);
            while let Some((line, rest)) = text.split_once('\n') {
                let line: Value = serde_json::from_str(line)?;
                text = rest.to_owned();
                // Without a cursor behind it, a change is told again: so it counts only with that.
                if let Some(revision) = line["revision"].as_str() {
                    told.push((revision.to_owned(), place.cursor.clone()));
                } else if let Some(cursor) = line["cursor"].as_str() {
                    cursor.clone_into(&mut place.cursor);
                    if !told.is_empty() {
                        deadline = deadline.min(Instant::now() + LONGER);
                    }
                }
            }
        }
        // What came after the last cursor comes again.
        told.retain(|(_, before)| *before != place.cursor);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(told.into_iter().map(|(revision, _)| revision).collect())
}

fn put() -> anyhow::Result<Write> {
    Ok(Operation::Put { content: Content::new(Some("text/plain"), b"told".to_vec())?, ttl: None }.into())
}
