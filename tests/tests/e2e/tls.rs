//! Redis over TLS, with a certificate authority of the test's own.

use std::path::PathBuf;
use std::time::Duration;

use larder_system::{Output, Port, System, SystemBuilder, WorkerProcess, built};
use larder_tests::{Larder, eventually};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use crate::Tested;

/// A certificate for 127.0.0.1, its key, and the authority that signed it, as files.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> anyhow::Result<Self> {
        // Two subjects: OpenSSL takes a certificate for self-signed whose subject is its issuer's.
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "An authority of Larder's tests");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut certificate = CertificateParams::new(["127.0.0.1".to_owned()])?;
        certificate.distinguished_name.push(DnType::CommonName, "A Redis of Larder's tests");
        let certificate = certificate.signed_by(&key, &authority)?;
        let made = Self(TempDir::new()?);
        std::fs::write(made.file("ca.crt"), authority.pem())?;
        std::fs::write(made.file("redis.crt"), certificate.pem())?;
        std::fs::write(made.file("redis.key"), key.serialize_pem())?;
        Ok(made)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// A system whose Redis also listens on `port`, where it speaks TLS only.
    fn redis(&self, port: &Port) -> SystemBuilder {
        System::builder().redis_args(&[
            "--tls-port",
            &port.number().to_string(),
            "--tls-cert-file",
            &self.text("redis.crt"),
            "--tls-key-file",
            &self.text("redis.key"),
            "--tls-ca-cert-file",
            &self.text("ca.crt"),
            "--tls-auth-clients",
            "no",
        ])
    }
}

fn url(port: &Port) -> String {
    format!("rediss://127.0.0.1:{}", port.number())
}

#[tokio::test]
async fn component_and_worker_reach_redis_over_tls() -> Tested {
    let (certificates, port) = (Certificates::make()?, Port::reserve()?);
    let builder = certificates
        .redis(&port)
        .variable("redis_address", &url(&port))
        .api_env("SSL_CERT_FILE", &certificates.text("ca.crt"))
        .worker_env("LARDER_REDIS", &url(&port))
        .worker_env("LARDER_REDIS_CA", &certificates.text("ca.crt"));
    let Some(larder) = Larder::own_alone(builder).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "secret").await?;
    assert_eq!(larder.get(&id).await?.text().await?, "secret");
    Ok(())
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() -> Tested {
    let (certificates, port) = (Certificates::make()?, Port::reserve()?);
    let stranger = Certificates::make()?;
    let builder = certificates
        .redis(&port)
        .workers(0)
        .variable("redis_address", &url(&port))
        .api_env("SSL_CERT_FILE", &stranger.text("ca.crt"));
    let Some(mut larder) = Larder::own_alone(builder).await? else { return Ok(()) };
    let response = larder.item(Method::GET, &larder.id("a")).send().await?;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let log = larder.system().api.output().text();
    // What is behind it are the words of the host.
    assert!(log.contains("cannot connect to Redis: "), "{log}");

    let log = Output::File(certificates.file("worker.log"));
    let environment = [("LARDER_REDIS_CA", stranger.text("ca.crt"))];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let worker = WorkerProcess::start(&url(&port), &environment, &[], log)?;
    eventually("the worker says why", async || {
        let log = worker.output().text();
        anyhow::ensure!(log.contains("Redis is unreachable") && log.contains("certificate"), "{log}");
        Ok(())
    })
    .await
}

/// A client that speaks TLS waits for a greeting that never comes.
#[tokio::test]
async fn a_redis_without_tls_is_said_by_the_worker() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().workers(0)).await? else { return Ok(()) };
    let logs = TempDir::new()?;
    let log = Output::File(logs.path().join("worker.log"));
    let url = larder.system().redis.url().replace("redis://", "rediss://");
    let mut worker = WorkerProcess::start(&url, &[], &[], log)?;
    eventually("the worker says so", async || {
        let log = worker.output().text();
        anyhow::ensure!(log.contains("Redis is unreachable"), "{log}");
        Ok(())
    })
    .await?;
    worker.terminate(Duration::from_secs(5)).await?;
    Ok(())
}

#[test]
fn an_authority_that_is_none_is_refused_in_words() -> Tested {
    let certificates = Certificates::make()?;
    for (redis, file, says) in [
        ("rediss://127.0.0.1", "redis.key", "it has no certificate"),
        ("rediss://127.0.0.1", "nothing", "cannot read it"),
        ("redis://127.0.0.1", "ca.crt", "rediss://"),
        ("rediss://127.0.0.1/#insecure", "ca.crt", "--redis-ca"),
    ] {
        let mut command = std::process::Command::new(built("larder-worker")?);
        let output = command.args(["--redis", redis, "--redis-ca"]).arg(certificates.file(file)).output()?;
        assert_eq!(output.status.code(), Some(2), "{redis} {file}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(says), "{message}");
    }
    Ok(())
}
