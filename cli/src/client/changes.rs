//! Following the changes of a store.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{self, Stream, TryStreamExt as _};
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};
use tokio_util::io::StreamReader;

use super::{Client, Problem};
use crate::failure::Failure;

/// Which changes, and what of them.
#[derive(Clone, Debug)]
pub struct Follow {
    pub prefix: String,
    pub include: Option<Include>,
}

/// What is told of an item that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Include {
    /// All but its value.
    Meta,
    /// The value too.
    Value,
}

/// Something that happened to an item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    pub op: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The item as it is now, null where it is gone; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub current: Option<Value>,
}

/// Without this, a null would be told as if nothing had been asked for.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What a stream of changes tells.
#[derive(Clone, Debug)]
pub enum Event {
    Change(Box<Change>),
    /// All before this has been told.
    Cursor(String),
}

#[derive(Deserialize)]
struct Line {
    cursor: Option<String>,
    problem: Option<Problem>,
}

/// How long to stay away from a store that ended a stream.
const PAUSE: Duration = Duration::from_secs(1);

type Lines = tokio::io::Lines<Pin<Box<dyn AsyncBufRead + Send>>>;

/// Somebody who follows.
struct Follower<'a> {
    client: &'a Client,
    follow: Follow,
    /// All before this has been told.
    cursor: String,
    /// The stream that is being read.
    lines: Option<Lines>,
    /// Changes whose cursor has not come. If the stream is cut off they come again, so they are not told yet.
    unsure: Vec<Event>,
    /// What is to be told next.
    sure: VecDeque<Event>,
}

impl Client {
    /// The cursor of now.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn now(&self) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Page {
            cursor: String,
        }
        let response = self.send(self.request(Method::GET, "/changes"), &[]).await?;
        self.json::<Page>(response).await.map(|page| page.cursor)
    }

    /// All changes from a cursor on, for ever, each once. A stream that ends, or is cut off, goes on where it was.
    ///
    /// It ends with a [`Failure`] that no patience mends: 410 where changes are gone, say.
    pub fn follow(&self, follow: Follow, cursor: String) -> impl Stream<Item = Result<Event, Failure>> + use<'_> {
        let follower = Follower { client: self, follow, cursor, lines: None, unsure: vec![], sure: VecDeque::new() };
        stream::unfold(Some(follower), async |follower| {
            let mut follower = follower?;
            match follower.next().await {
                Ok(event) => Some((Ok(event), Some(follower))),
                Err(failure) => Some((Err(failure), None)),
            }
        })
    }
}

impl Follower<'_> {
    async fn next(&mut self) -> Result<Event, Failure> {
        loop {
            if let Some(event) = self.sure.pop_front() {
                return Ok(event);
            }
            let lines = match &mut self.lines {
                Some(lines) => lines,
                None => self.lines.insert(self.client.lines(&self.follow, &self.cursor).await?),
            };
            match lines.next_line().await {
                Ok(Some(line)) => self.hear(&line)?,
                // It lasts five minutes at most, and networks fail.
                Ok(None) | Err(_) => {
                    (self.lines, self.unsure) = (None, vec![]);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn hear(&mut self, text: &str) -> Result<(), Failure> {
        let stranger = |_| Failure::Stranger { url: self.client.base().to_owned(), status: 200 };
        let line: Line = serde_json::from_str(text).map_err(stranger)?;
        if let Some(problem) = line.problem {
            let failure = Failure::Problem { problem, retry_after: None };
            // The stream ends here; the next one may go on.
            return if failure.is_temporary() { Ok(()) } else { Err(failure) };
        }
        match line.cursor {
            None => self.unsure.push(Event::Change(serde_json::from_str(text).map_err(stranger)?)),
            Some(cursor) => {
                self.cursor.clone_from(&cursor);
                self.sure.extend(self.unsure.drain(..).chain([Event::Cursor(cursor)]));
            }
        }
        Ok(())
    }
}

impl Client {
    /// A stream of lines from a cursor on.
    async fn lines(&self, follow: &Follow, since: &str) -> Result<Lines, Failure> {
        let mut query = vec![("follow", "true"), ("since", since)];
        if !follow.prefix.is_empty() {
            query.push(("prefix", &follow.prefix));
        }
        query.extend(follow.include.map(|include| match include {
            Include::Meta => ("include", "meta"),
            Include::Value => ("include", "value"),
        }));
        let request = self.request(Method::GET, "/changes").query(&query).header(ACCEPT, "application/x-ndjson");
        let bytes = self.send(request, &[]).await?.bytes_stream().map_err(io::Error::other);
        let reader: Pin<Box<dyn AsyncBufRead + Send>> = Box::pin(BufReader::new(StreamReader::new(bytes)));
        Ok(reader.lines())
    }
}
