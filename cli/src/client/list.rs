//! Listing ids, page by page.

use futures::stream::{self, Stream, TryStreamExt as _};
use larder_protocol::limits::MAX_LIST_LIMIT;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Client, Known};
use crate::failure::Failure;

/// Which ids, and what of them.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub prefix: String,
    pub delimiter: Option<String>,
    /// All that is known of each item but its value.
    pub known: bool,
    /// Tell on the first page from where to follow the changes.
    pub changes: bool,
    /// At most so many on a page; as many as the store gives where it is 0.
    pub limit: usize,
}

/// An item on a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(flatten)]
    pub known: Option<Known>,
}

/// A page of a listing.
#[derive(Debug, Deserialize)]
pub struct Page {
    pub items: Vec<Listed>,
    #[serde(default)]
    pub prefixes: Vec<String>,
    pub cursor: Option<String>,
    pub changes: Option<String>,
}

/// An item, or all whose ids have the delimiter behind the same beginning.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Entry {
    Item(Listed),
    Group { prefix: String },
}

impl Page {
    /// What is on it, in the order of the bytes.
    pub fn entries(self) -> Vec<Entry> {
        let groups = self.prefixes.into_iter().map(|prefix| Entry::Group { prefix });
        let mut entries: Vec<_> = self.items.into_iter().map(Entry::Item).chain(groups).collect();
        entries.sort_by(|a, b| a.name().cmp(b.name()));
        entries
    }
}

impl Entry {
    /// The id, or what the ids of the group begin with.
    pub fn name(&self) -> &str {
        match self {
            Self::Item(item) => &item.id,
            Self::Group { prefix } => prefix,
        }
    }
}

impl Client {
    /// The page behind `cursor`, or the first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn page(&self, wanted: &Wanted, cursor: Option<&str>) -> Result<Page, Failure> {
        let limit = if wanted.limit == 0 { MAX_LIST_LIMIT } else { wanted.limit.min(MAX_LIST_LIMIT) };
        let mut query = vec![("limit", limit.to_string())];
        if !wanted.prefix.is_empty() {
            query.push(("prefix", wanted.prefix.clone()));
        }
        query.extend(wanted.delimiter.clone().map(|delimiter| ("delimiter", delimiter)));
        query.extend(wanted.known.then(|| ("values", "meta".to_owned())));
        query.extend((wanted.changes && cursor.is_none()).then(|| ("changes", "true".to_owned())));
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let response = self.send(self.request(Method::GET, "/items").query(&query), &[]).await?;
        self.json(response).await
    }

    /// All pages behind `cursor`, as they come.
    pub fn pages(&self, wanted: Wanted, cursor: Option<String>) -> impl Stream<Item = Result<Page, Failure>> + use<'_> {
        stream::try_unfold(Some(cursor), move |at| {
            let wanted = wanted.clone();
            async move {
                let Some(cursor) = at else { return Ok(None) };
                let page = self.page(&wanted, cursor.as_deref()).await?;
                let next = page.cursor.clone().map(Some);
                Ok(Some((page, next)))
            }
        })
    }

    /// All ids with this prefix.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ids(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let wanted = Wanted { prefix: prefix.to_owned(), ..Wanted::default() };
        let pages = self.pages(wanted, None);
        pages
            .try_fold(Vec::new(), async |mut ids, page| {
                ids.extend(page.items.into_iter().map(|item| item.id));
                Ok(ids)
            })
            .await
    }
}
