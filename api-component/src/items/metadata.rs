//! `Larder-Meta-<name>`: what a client says about an item, in the headers of its write.

use http::HeaderMap;
use larder_protocol::Metadata;
use larder_protocol::metadata::InvalidMetadata;

use crate::web::header;

/// Reads the metadata of a write.
pub fn of(headers: &HeaderMap) -> Result<Metadata, InvalidMetadata> {
    // A value that is not visible ASCII becomes a text that is refused under its name.
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or("\u{fffd}").to_owned();
    let named = |name: &http::HeaderName| name.as_str().strip_prefix(header::METADATA_PREFIX).map(str::to_owned);
    let texts: Vec<_> = headers.iter().filter_map(|(name, value)| Some((named(name)?, text(value)))).collect();
    Metadata::new(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}
