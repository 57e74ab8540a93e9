//! Every kind of request: what is there before it, how it is sent, and what it must do.

use anyhow::Context as _;
use larder_api::web::header;
use larder_protocol::{ItemId, Partition};
use larder_tests::eventually;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::lane::{Lane, TOKENS};

/// A kind of request.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// What the item holds before; nothing where it is empty.
    before: &'static str,
    request: Request,
    /// What the item holds afterwards, where it is done.
    pub after: &'static str,
    /// How often it changes the item.
    pub changes: usize,
    /// What it is answered where nothing fails. A waiting write may also be answered with 202.
    pub statuses: &'static [u16],
    /// The same request was sent before.
    pub is_repeat: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Get,
    GetFrom,
    Put,
    PutAndWait,
    Create,
    Replace,
    PutKeyed,
    IncrementKeyed,
    PatchKeyed,
    PatchTest,
    Delete,
    BulkKeyed,
    BulkRead,
    List,
    Changes,
    Stream,
    Outcome,
    Rated,
}

/// How long a waiting request waits, in seconds.
pub const WAIT: u64 = 1;

/// All of them.
pub const ALL: [Scenario; 25] = {
    const fn read(name: &'static str, before: &'static str, request: Request, statuses: &'static [u16]) -> Scenario {
        Scenario { name, before, request, after: before, changes: 0, statuses, is_repeat: false }
    }
    const fn write(
        name: &'static str,
        before: &'static str,
        request: Request,
        after: &'static str,
        statuses: &'static [u16],
    ) -> Scenario {
        Scenario { name, before, request, after, changes: 1, statuses, is_repeat: false }
    }
    const fn again(scenario: Scenario, name: &'static str) -> Scenario {
        Scenario { name, is_repeat: true, ..scenario }
    }
    const PUT_KEYED: Scenario = write("put-keyed", "", Request::PutKeyed, "new", &[201]);
    const INCREMENT: Scenario = write("increment", "41", Request::IncrementKeyed, "42", &[200]);
    const PATCH: Scenario = write("patch", "{\"a\":1}", Request::PatchKeyed, "{\"a\":1,\"b\":2}", &[204]);
    const BULK: Scenario = write("bulk-keyed", "41", Request::BulkKeyed, "43", &[200]);
    [
        read("get", "old", Request::Get, &[200]),
        read("get-missing", "", Request::Get, &[404]),
        read("get-from", "old", Request::GetFrom, &[200]),
        write("put", "", Request::Put, "new", &[202]),
        write("put-over", "old", Request::Put, "new", &[202]),
        write("put-wait", "old", Request::PutAndWait, "new", &[204]),
        write("create", "", Request::Create, "new", &[201]),
        read("create-there", "old", Request::Create, &[412]),
        write("replace", "old", Request::Replace, "new", &[204]),
        read("replace-missing", "", Request::Replace, &[412]),
        PUT_KEYED,
        again(PUT_KEYED, "put-keyed-again"),
        INCREMENT,
        again(INCREMENT, "increment-again"),
        PATCH,
        again(PATCH, "patch-again"),
        read("patch-conflict", "{\"a\":1}", Request::PatchTest, &[409]),
        write("delete", "old", Request::Delete, "", &[204]),
        Scenario { changes: 2, ..BULK },
        read("bulk-read", "old", Request::BulkRead, &[200]),
        read("list", "old", Request::List, &[200]),
        read("changes", "old", Request::Changes, &[200]),
        Scenario { after: "told", changes: 1, ..read("stream", "old", Request::Stream, &[200]) },
        read("outcome", "old", Request::Outcome, &[200]),
        read("rated", "old", Request::Rated, &[200]),
    ]
};

/// A request of a point: to an item of its own.
pub struct Prepared {
    pub id: ItemId,
    /// The revision that the item has before.
    pub revision: String,
    /// From where to follow the changes.
    pub cursor: String,
}

impl Scenario {
    /// Makes what is there before.
    pub async fn prepare(&self, lane: &Lane, id: ItemId) -> anyhow::Result<Prepared> {
        let mut revision = String::new();
        if !self.before.is_empty() {
            let put = lane.request(Method::PUT, &format!("/items/{}", id.to_path())).header("prefer", "wait=30");
            let kind = if self.before.starts_with('{') { "application/json" } else { "text/plain" };
            let put = put.header("content-type", kind).header("idempotency-key", "\"before\"").body(self.before);
            // What the point before this one did to the connections may still be felt.
            revision = eventually("the item is there", async || {
                let answer = put.try_clone().expect("it is a text").send().await?;
                let (is_done, revision) =
                    (answer.status() == StatusCode::CREATED, answer.headers().get(&header::REVISION).cloned());
                anyhow::ensure!(is_done, "{} before {}", answer.text().await?, self.name);
                Ok(revision.context("no revision")?.to_str()?.to_owned())
            })
            .await?;
        }
        let mut cursor = String::new();
        if self.is_stream() {
            lane.drain(&id).await?;
            cursor = eventually("there is a cursor", async || {
                let page: Value = lane.request(Method::GET, "/changes").send().await?.json().await?;
                Ok(page["cursor"].as_str().context("no cursor")?.to_owned())
            })
            .await?;
        }
        let prepared = Prepared { id, revision, cursor };
        if self.is_repeat {
            eventually("it was sent", async || {
                let answer = self.request(lane, &prepared).send().await?;
                let is_done = self.statuses.contains(&answer.status().as_u16());
                anyhow::ensure!(is_done, "{} before {}", answer.text().await?, self.name);
                Ok(())
            })
            .await?;
        }
        Ok(prepared)
    }

    /// How many changes it may still make: one that is repeated has made its own.
    pub fn changes_left(&self) -> usize {
        if self.is_repeat { 0 } else { self.changes }
    }

    /// The request.
    pub fn request(&self, lane: &Lane, Prepared { id, revision, cursor }: &Prepared) -> RequestBuilder {
        let path = format!("/items/{}", id.to_path());
        let item = |method| lane.request(method, &path);
        let put = || item(Method::PUT).header("content-type", "text/plain").body("new");
        let waits = |request: RequestBuilder| request.header("prefer", format!("wait={WAIT}"));
        let keyed = |request: RequestBuilder| waits(request).header("idempotency-key", "\"key\"");
        let query = |path: &str, name: &str, value: &str| lane.request(Method::GET, path).query(&[(name, value)]);
        let add = json!({"op": "increment", "id": id.as_str()});
        match self.request {
            Request::Get => item(Method::GET),
            Request::GetFrom => waits(item(Method::GET)).header(header::MIN_REVISION, revision.as_str()),
            Request::Put => put(),
            Request::PutAndWait => waits(put()),
            Request::Create => waits(put()).header("if-none-match", "*"),
            Request::Replace => waits(put()).header("if-match", "*"),
            Request::PutKeyed => keyed(put()),
            Request::IncrementKeyed => keyed(item(Method::POST).query(&[("op", "increment")])),
            Request::PatchKeyed => {
                keyed(item(Method::PATCH)).header("content-type", "application/merge-patch+json").body("{\"b\":2}")
            }
            Request::PatchTest => waits(item(Method::PATCH))
                .header("content-type", "application/json-patch+json")
                .body("[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]"),
            Request::Delete => waits(item(Method::DELETE)),
            Request::BulkKeyed => keyed(lane.request(Method::POST, "/items")).json(&json!([add, add])),
            Request::BulkRead => lane.request(Method::POST, "/items/get").json(&json!([id.as_str()])),
            Request::List => query("/items", "prefix", id.as_str()),
            Request::Changes => lane.request(Method::GET, "/changes").query(&[("since", "0"), ("prefix", id.as_str())]),
            Request::Stream => lane
                .request(Method::GET, "/changes")
                .query(&[("since", cursor.as_str()), ("prefix", id.as_str()), ("follow", "true")])
                .header("accept", "application/x-ndjson"),
            Request::Outcome => query(&format!("/writes/{revision}"), "id", id.as_str()),
            Request::Rated => lane.request_as(TOKENS[1], Method::GET, &path),
        }
    }

    /// Whether it waits for its outcome.
    pub fn waits(&self) -> bool {
        !matches!(self.request, Request::Put | Request::Stream)
            && (self.changes > 0 || self.statuses == [412] || self.statuses == [409])
    }

    /// Whether it is followed, while something else writes.
    pub fn is_stream(&self) -> bool {
        matches!(self.request, Request::Stream)
    }

    /// Whether it may be sent again and counts once.
    pub fn is_keyed(&self) -> bool {
        matches!(self.request, Request::PutKeyed | Request::IncrementKeyed | Request::PatchKeyed | Request::BulkKeyed)
    }

    /// Whether the answer to a read shows what is there.
    pub fn shows(&self, text: &str, Prepared { id, .. }: &Prepared) -> bool {
        match self.request {
            Request::Get if self.before.is_empty() => true,
            Request::Get | Request::GetFrom | Request::Rated => text == self.before,
            Request::BulkRead => text.contains(&format!("\"value\":\"{}\"", self.before)),
            Request::List | Request::Changes => text.contains(id.as_str()),
            Request::Outcome => text.contains("\"outcome\":\"applied\""),
            _ => true,
        }
    }
}

/// An id that no other point has, in a partition of the first few: so points meet what others left.
pub fn id(number: u64) -> ItemId {
    let ids = (0..).map(|n: u32| ItemId::new(format!("point-{number}-{n}")).expect("it is an id"));
    { ids }.find(|id| Partition::of(id).index() < 8).expect("there are many")
}
