//! What the document has and the code has not yet.

/// Operations; `None` for all paths.
pub const OPERATIONS: &[(&str, Option<&str>)] = &[
    ("get", Some("/items")),
    ("head", Some("/items")),
    ("post", Some("/items")),
    ("post", Some("/items/get")),
    ("options", None),
];

/// Problems.
pub const PROBLEMS: &[&str] = &[
    "answer-too-large",
    "bulk-too-large",
    "insufficient-scope",
    "invalid-bulk",
    "invalid-cursor",
    "invalid-metadata",
    "outside-prefix",
    "unauthorized",
    "unsupported-content-type",
];
