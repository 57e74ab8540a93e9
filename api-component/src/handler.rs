//! One request, one response: finds the resource and the method, asks what the request may do, and
//! turns every failure into its problem document.

mod record;

use std::pin::pin;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ALLOW, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, Response, StatusCode};

use crate::access::{Access, Denied};
use crate::config::Config;
use crate::context::{Context, quota};
use crate::route::{self, MethodNotAllowed, Methods, Route};
use crate::service::{console, health, openapi};
use crate::store::Timed;
use crate::store::redis::Redis;
use crate::web::body::{self, RequestBody};
use crate::web::log::Log;
use crate::web::problem::Problem;
use crate::web::{head, header};
use crate::writes::outcome;
use crate::{items, many};

pub use many::changes::Follower;

use self::record::Record;

/// Answers a request. An answer that goes on has a [`Follower`] among its extensions, which tells what comes
/// after its body. What was refused or failed goes to the log, and all else too where the operator wants it.
pub async fn handle(request: Request<impl RequestBody>, config: &Config, redis: &impl Redis) -> Response<Bytes> {
    let told = config.origins.told(&request);
    let mut record = Record::begin(&request, config);
    let redis = Timed::new(redis);
    let is_discardable = body::is_discardable(request.headers());
    let (head, body) = request.into_parts();
    let mut body = pin!(body);
    let mut response = match answer(Request::from_parts(head, body.as_mut()), config, &redis, &mut record).await {
        Ok(response) => {
            record.answered(response.status(), &redis);
            response
        }
        Err(problem) => {
            record.refused(&problem, &redis);
            if is_discardable {
                body::discard(body).await;
            }
            problem.into()
        }
    };
    response.headers_mut().extend(record::timing(&redis));
    // What clients stored is in the values, and in lists and messages too.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, header::NO_SNIFF);
    if let Some(told) = told {
        told.tell(&mut response);
    }
    response
}

async fn answer<'a>(
    request: Request<impl RequestBody>,
    config: &'a Config,
    redis: &impl Redis,
    record: &mut Record<'a>,
) -> Result<Response<Bytes>, Problem> {
    head::check(&request)?;
    let route = Route::of(request.uri().path())?;
    let access = config.tokens.admit(request.headers(), SystemTime::now);
    record.is_by(&access);
    let log = record.log();
    let quota = match &access {
        Ok(access) if route.takes_token() && request.method() != Method::OPTIONS => {
            quota::take(access, redis, log).await?
        }
        _ => None,
    };
    let answer = dispatch(request, route, access, config, redis, log).await;
    let Some(quota) = quota else { return answer };
    match answer {
        Ok(mut response) => {
            quota.tell(response.headers_mut());
            Ok(response)
        }
        Err(problem) => Err(quota.tell_with(problem)),
    }
}

async fn dispatch(
    request: Request<impl RequestBody>,
    route: Route,
    access: Result<Access<'_>, Denied>,
    config: &Config,
    redis: &impl Redis,
    log: Log,
) -> Result<Response<Bytes>, Problem> {
    let methods = route.methods();
    let context = access.clone().map(|access| Context { access, config, redis, log });
    match (request.method(), route) {
        (_, Route::Console(_)) if !config.console => Err(console::NoConsole::Off.into()),
        (&Method::GET | &Method::HEAD, Route::Console(file)) => console::get(&request, file),
        (&Method::GET | &Method::HEAD, Route::Items) => many::listing::get(&request, &context?).await,
        (&Method::POST, Route::Items) => many::bulk::write(request, &context?).await,
        (&Method::POST, Route::Item(id)) if id.as_str() == route::BULK_READ => {
            many::bulk::read(request, &context?).await
        }
        (&Method::GET | &Method::HEAD, Route::Item(id)) => items::read::get(&request, &id, &context?).await,
        (&Method::PUT, Route::Item(id)) => items::write::put(request, &id, &context?).await,
        (&Method::POST, Route::Item(id)) => items::write::post(request, &id, &context?).await,
        (&Method::PATCH, Route::Item(id)) => items::patch::patch(request, &id, &context?).await,
        (&Method::DELETE, Route::Item(id)) => items::write::delete(&request, &id, &context?).await,
        (&Method::GET | &Method::HEAD, Route::Changes) => many::changes::get(&request, &context?).await,
        (&Method::GET | &Method::HEAD, Route::Write(revision)) => outcome::get(&request, revision, &context?).await,
        (&Method::GET | &Method::HEAD, Route::Live) => health::live(&request),
        // A load balancer has no token.
        (&Method::GET | &Method::HEAD, Route::Ready) => {
            health::ready(&request, &access.unwrap_or(Access::Stranger), redis).await
        }
        (&Method::GET | &Method::HEAD, Route::OpenApi) => openapi::get(&request),
        (&Method::OPTIONS, route) => Ok(options(&route, methods)),
        _ => Err(MethodNotAllowed(methods).into()),
    }
}

/// What a resource answers (RFC 9110 section 9.3.7), for everybody.
fn options(route: &Route, methods: Methods) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, methods.into());
    if matches!(route, Route::Item(_)) {
        response.headers_mut().insert(header::ACCEPT_PATCH, header::PATCH_FORMS);
    }
    response
}
