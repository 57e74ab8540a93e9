//! Any bytes under any id.

use larder_protocol::{ItemId, limits};
use larder_tests::Larder;
use reqwest::{Method, StatusCode};

use crate::Tested;

#[tokio::test]
async fn every_byte_comes_back() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("bytes");
    let value: Vec<u8> = (0..=255).cycle().take(4 * 256 + 3).collect();
    larder.put(&id, value.clone()).await?;
    assert_eq!(larder.get(&id).await?.bytes().await?, value);
    Ok(())
}

#[tokio::test]
async fn every_kind_of_id_names_its_own_item() -> Tested {
    let larder = Larder::start().await?;
    let names = [
        "plain",
        "with space",
        "100%",
        "100%25",
        "a%2Fb",
        "a/b",
        "a/b/",
        "a//b",
        "?query",
        "#fragment",
        "a+b",
        "a&b=c",
        "ümläut",
        "🦀/🍱",
        "{tag}",
        "quote\"'",
        "back\\slash",
        "semi;colon",
        "a:b@c",
        "Case",
        "case",
        " ",
    ];
    let ids: Vec<ItemId> = names.iter().map(|name| larder.id(name)).collect();
    for (id, name) in ids.iter().zip(names) {
        larder.put(id, name).await?;
    }
    for (id, name) in ids.iter().zip(names) {
        assert_eq!(larder.get(id).await?.text().await?, name);
    }
    Ok(())
}

#[tokio::test]
async fn ids_have_512_bytes_at_most() -> Tested {
    let larder = Larder::start().await?;
    let room = limits::MAX_ID_BYTES - larder.id("x").as_str().len();
    // Two bytes a character: the limit counts bytes, before they are percent-encoded.
    let longest = larder.id(&format!("{}{}", "y".repeat(room % 2 + 1), "é".repeat(room / 2)));
    assert_eq!(longest.as_str().len(), limits::MAX_ID_BYTES);
    larder.put(&longest, "x").await?;
    assert_eq!(larder.get(&longest).await?.status(), StatusCode::OK);

    let path = format!("/items/{}z", longest.to_path());
    for method in [Method::GET, Method::PUT] {
        let response = larder.request(method, &path).body("x").send().await?;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.text().await?.contains("513 bytes"));
    }
    Ok(())
}

#[tokio::test]
async fn values_have_one_byte_to_the_limit() -> Tested {
    let larder = Larder::start().await?;
    let most = limits::DEFAULT_MAX_VALUE_BYTES;
    let id = larder.id("a");
    for length in [1, most] {
        let value = vec![b'x'; length];
        larder.put(&id, value.clone()).await?;
        assert_eq!(larder.get(&id).await?.bytes().await?, value);
    }
    let revision = larder.get(&id).await?.headers()["etag"].clone();

    let too_large = [
        larder.item(Method::PUT, &id).body(vec![b'x'; most + 1]),
        larder.item(Method::POST, &id).json(&serde_json::json!({"value": "x".repeat(most + 1)})),
    ];
    for request in too_large {
        let response = request.send().await?;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(response.text().await?.contains("Nothing was written"));
    }
    let empty = larder.item(Method::PUT, &id).body("").send().await?;
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    assert_eq!(larder.get(&id).await?.headers()["etag"], revision, "none of these wrote anything");
    Ok(())
}
