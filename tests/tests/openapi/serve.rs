//! The document as it comes over HTTP: compressed for those who take that, whole for the others, and not again for
//! those who have it.

use flate2::read::GzDecoder;
use larder_tests::Larder;
use reqwest::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
use reqwest::{Method, Response, StatusCode};

use crate::Tested;

/// The document as it is written.
const WRITTEN: &str = include_str!("../../../api-component/openapi.json");

async fn ask(larder: &Larder, method: Method, headers: &[(&str, &str)]) -> anyhow::Result<Response> {
    let request = larder.request(method, "/openapi.json");
    Ok(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await?)
}

#[tokio::test]
async fn who_takes_gzip_gets_it_and_the_others_get_the_document() -> Tested {
    let larder = Larder::start().await?.unwitnessed()?;
    let (gzip, none) = ((ACCEPT_ENCODING.as_str(), "br, gzip"), (ACCEPT_ENCODING.as_str(), "br, gzip;q=0"));
    let mut tags = vec![];
    for (headers, is_packed) in [(&[][..], false), (&[none][..], false), (&[gzip][..], true)] {
        let head = ask(&larder, Method::HEAD, headers).await?;
        let answer = ask(&larder, Method::GET, headers).await?;
        assert_eq!((head.status(), answer.status()), (StatusCode::OK, StatusCode::OK));
        for name in ["content-type", "content-encoding", "content-length", "etag", "vary", "cache-control"] {
            assert_eq!(head.headers().get(name), answer.headers().get(name), "{name}");
        }
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let coding = answer.headers().get("content-encoding").map(|coding| coding.to_str()).transpose()?;
        assert_eq!(coding, is_packed.then_some("gzip"));
        tags.push(answer.headers()["etag"].to_str()?.to_owned());
        let body = answer.bytes().await?;
        let text = if is_packed {
            std::io::read_to_string(GzDecoder::new(&body[..]))?
        } else {
            String::from_utf8(body.into())?
        };
        assert!(text == WRITTEN, "{} bytes of {}", text.len(), WRITTEN.len());
    }
    // They are other bytes under the same address.
    assert!(tags[0] == tags[1] && tags[1] != tags[2], "{tags:?}");

    for (accepted, own, other) in [(none, &tags[0], &tags[2]), (gzip, &tags[2], &tags[0])] {
        for (known, status) in [(own, StatusCode::NOT_MODIFIED), (other, StatusCode::OK)] {
            let answer = ask(&larder, Method::GET, &[accepted, (IF_NONE_MATCH.as_str(), known.as_str())]).await?;
            assert_eq!((answer.status(), &answer.headers()["etag"]), (status, &own.parse()?), "{accepted:?} {known}");
            assert_eq!(answer.headers()["vary"], "accept-encoding");
            assert_eq!(answer.bytes().await?.is_empty(), status == StatusCode::NOT_MODIFIED);
        }
    }
    Ok(())
}
