//! The document and the code have the same limits.

use anyhow::Context;
use larder_protocol::limits;
use larder_tests::openapi::Document;
use serde_json::json;

use crate::Tested;
use crate::code::{at, text};

/// A number of four or five digits, as people write it.
fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}

#[test]
fn the_limits_are_those_of_the_code() -> Tested {
    for (pointer, limit) in [
        ("/components/schemas/ItemId/maxLength", json!(limits::MAX_ID_BYTES)),
        ("/components/schemas/ContentType/maxLength", json!(limits::MAX_CONTENT_TYPE_BYTES)),
        ("/components/schemas/Ttl/maximum", json!(limits::MAX_TTL_SECONDS)),
        ("/components/parameters/Ttl/schema/maximum", json!(limits::MAX_TTL_SECONDS)),
        ("/components/headers/RetryAfter/schema/const", json!(limits::RETRY_AFTER.as_secs())),
        (
            "/components/examples/value-too-large/x-larder-request/body_bytes",
            json!(limits::DEFAULT_MAX_VALUE_BYTES + 1),
        ),
        ("/components/parameters/Limit/schema/maximum", json!(limits::MAX_LIST_LIMIT)),
        ("/components/parameters/Limit/schema/default", json!(limits::DEFAULT_LIST_LIMIT)),
        ("/components/parameters/Prefix/schema/maxLength", json!(limits::MAX_ID_BYTES)),
        ("/components/parameters/Delimiter/schema/maxLength", json!(limits::MAX_DELIMITER_BYTES)),
        ("/components/parameters/MetaOwner/schema/maxLength", json!(limits::MAX_METADATA_BYTES - "owner".len())),
        ("/components/schemas/Page/properties/items/maxItems", json!(limits::MAX_LIST_LIMIT)),
        ("/components/schemas/Page/properties/prefixes/maxItems", json!(limits::MAX_LIST_LIMIT)),
        ("/components/schemas/Changes/properties/changes/maxItems", json!(limits::MAX_LIST_LIMIT)),
        ("/components/examples/bulk-too-large/x-larder-request/body_lines", json!(limits::MAX_BULK_OPERATIONS + 1)),
        ("/components/examples/target-too-long/x-larder-request/query_bytes", json!(limits::MAX_TARGET_BYTES + 1)),
        ("/components/examples/headers-too-large/x-larder-request/header_bytes", json!(limits::MAX_HEADER_BYTES + 1)),
    ] {
        assert_eq!(*at(pointer)?, limit, "{pointer}");
    }
    for path in ["/items", "/items/get"] {
        let body = Document::get().find("post", path).and_then(|operation| operation.node.get("requestBody"));
        for (media_type, media) in body.context("a body")?.entries_of("content") {
            assert_eq!(media["schema"]["maxItems"], limits::MAX_BULK_OPERATIONS, "{path} {media_type}");
        }
    }
    let hours = |duration: std::time::Duration| duration.as_secs() / 3600;
    for (pointer, says) in [
        ("/components/parameters/ItemId/description", format!("1 to {} bytes", limits::MAX_ID_BYTES)),
        ("/components/schemas/ItemId/description", format!("1 to {} bytes", limits::MAX_ID_BYTES)),
        ("/components/parameters/Prefer/description", format!("{} by default", limits::DEFAULT_MAX_WAIT_SECONDS)),
        ("/components/parameters/Prefer/description", format!("{} at most", limits::MAX_CONFIGURABLE_WAIT_SECONDS)),
        ("/components/parameters/Prefer/description", format!("waits {} s", limits::CONDITIONAL_WAIT_SECONDS)),
        ("/components/parameters/WriteIfMatch/description", format!("at most {} rev", limits::MAX_ENTITY_TAGS)),
        ("/components/parameters/IdempotencyKey/description", format!("{} bytes", limits::MAX_IDEMPOTENCY_KEY_BYTES)),
        ("/components/parameters/IdempotencyKey/description", format!("{} hours", hours(limits::IDEMPOTENCY_KEPT))),
        (
            "/components/parameters/IdempotencyKey/schema/pattern",
            format!("{{1,{}}}", limits::MAX_IDEMPOTENCY_KEY_BYTES),
        ),
        ("/paths/~1items~1{id}/put/description", format!("{} MiB", limits::DEFAULT_MAX_VALUE_BYTES / 1024 / 1024)),
        ("/paths/~1items~1{id}/put/description", format!("{} bytes", limits::MAX_CONTENT_TYPE_BYTES)),
        ("/paths/~1health~1ready/get/description", format!("within {} s", limits::HEARTBEAT_EXPIRY.as_secs())),
        ("/paths/~1health~1ready/get/description", format!("more than {} s", limits::READY_MAX_LAG.as_secs())),
        ("/components/parameters/MetaOwner/description", format!("{} bytes", thousands(limits::MAX_METADATA_BYTES))),
        ("/components/schemas/Metadata/description", format!("{} bytes", thousands(limits::MAX_METADATA_BYTES))),
        ("/components/responses/TargetTooLong/description", format!("{} bytes", thousands(limits::MAX_TARGET_BYTES))),
        ("/components/responses/HeadersTooLarge/description", format!("{} bytes", thousands(limits::MAX_HEADER_BYTES))),
        ("/paths/~1items/post/description", format!("{} operations", thousands(limits::MAX_BULK_OPERATIONS))),
        ("/paths/~1items/post/description", format!("{} MiB", limits::MAX_BULK_BYTES / 1024 / 1024)),
        ("/paths/~1items~1get/post/description", format!("{} ids", thousands(limits::MAX_BULK_OPERATIONS))),
        ("/paths/~1items~1get/post/description", format!("{} MiB", limits::MAX_BULK_BYTES / 1024 / 1024)),
    ] {
        assert!(text(at(pointer)?.value()).contains(&says), "{pointer} does not say {says:?}");
    }
    assert_eq!(hours(limits::OUTCOME_KEPT), 1, "the document says \"an hour\"");
    Ok(())
}
