//! A client that looks at each answer before the test does.

use futures::future::{BoxFuture, FutureExt as _};
use reqwest::{Client, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Next, Result};

use super::Document;

/// Puts a witness into `client`: an answer that is not as the document has it is a panic of the
/// test that got it. Where the answer breaks off, the request is the error.
#[must_use]
pub fn witness(client: Client) -> ClientWithMiddleware {
    ClientBuilder::new(client).with(pass).build()
}

fn pass<'a>(request: Request, extensions: &'a mut http::Extensions, next: Next<'a>) -> BoxFuture<'a, Result<Response>> {
    async move { look(next, request, extensions).await }.boxed()
}

async fn look(next: Next<'_>, request: Request, extensions: &mut http::Extensions) -> Result<Response> {
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = next.run(request, extensions).await?;
    let (status, headers, version) = (response.status(), response.headers().clone(), response.version());
    let body = response.bytes().await?;
    if let Err(error) = Document::get().check(&method, url.path(), status, &headers, &body) {
        panic!("{method} {url}: {status} {headers:?} {}: {error:#}", String::from_utf8_lossy(&body));
    }
    let mut seen = http::Response::builder().status(status).version(version).url(url);
    seen.headers_mut().expect("a status and a version are no error").extend(headers);
    Ok(seen.body(body).expect("a status and a version are no error").into())
}
