//! The client: its credentials, its region, its endpoint, and its time-outs.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Credentials, ProvideCredentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::service_config::ServiceConfigKey;
use std::time::Duration;

use crate::error::Chain;
use crate::options::check_endpoint;
use crate::{OpenError, S3Options};

/// Servers and what lies between close a connection that is idle for some seconds; a request that goes out on it then
/// is lost, or hangs.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// What a server of one's own is told when nobody names a region.
const REGION_ANY: &str = "us-east-1";

/// A client that speaks to what `options` say.
pub(crate) async fn connect(options: &S3Options) -> Result<Client, OpenError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.attempt_timeout)
        .operation_attempt_timeout(options.attempt_timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(options.parallel))
        .timeout_config(timeouts);
    if let Some((id, secret)) = &options.credentials {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "options"));
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    check_credentials(&config).await?;

    let endpoint = options.endpoint.clone().or_else(|| configured_endpoint(&config));
    let region = config.region().cloned();
    let region = region.or_else(|| endpoint.is_some().then(|| Region::from_static(REGION_ANY)));
    let mut builder = Builder::from(&config)
        .region(Some(region.ok_or(OpenError::NoRegion)?))
        // Tried again by ourselves, see `retry`; the time-out of an attempt is ours, too, since a part may need more.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(options.connect_timeout).build())
        // Every attempt has an end, its body included, and a slow line is no fault.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Some servers refuse a checksum that they do not know. Objects carry their own.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = endpoint {
        check_endpoint(&endpoint)?;
        builder = builder.endpoint_url(endpoint).force_path_style(true);
    }
    Ok(Client::from_conf(builder.build()))
}

fn http_client(parallel: usize) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(parallel)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// The endpoint of the environment or of the profile; that of S3 goes before that of everything.
fn configured_endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let of_s3 = config.service_config().and_then(|services| services.load_config(key));
    of_s3.or_else(|| config.endpoint_url().map(str::to_owned))
}

async fn check_credentials(config: &SdkConfig) -> Result<(), OpenError> {
    let Some(provider) = config.credentials_provider() else {
        return Err(OpenError::NoCredentials { reason: "no provider".to_owned() });
    };
    let found = provider.provide_credentials().await;
    let nobody = |error| OpenError::NoCredentials { reason: Chain(&error).to_string() };
    found.map(drop).map_err(nobody)
}
