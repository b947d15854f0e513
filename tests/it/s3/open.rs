//! What is wrong is said when the store is opened, and what to do about it.

use std::process::Command;

use tidewire_s3::{OpenError, S3Store};
use tidewire_snapshot::Store;
use tidewire_tests::s3::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, serve};

#[test]
fn a_bad_place_or_endpoint_is_refused() {
    let error = S3Store::open("/var/snapshots", None).unwrap_err();
    assert!(matches!(error, OpenError::BadLocation { .. }), "{error}");
    let error = S3Store::open("s3://bucket/x", Some("localhost:9000")).unwrap_err();
    assert!(matches!(error, OpenError::BadEndpoint { .. }), "{error}");
}

/// Not a test: what the others run in a process with another environment.
#[test]
#[ignore = "run by the others"]
fn opens_what_the_environment_says() {
    let location = std::env::var("LOCATION").expect("LOCATION is set");
    match S3Store::open(&location, None) {
        Err(error) => println!("open: {error}"),
        Ok(store) => match store.list("") {
            Err(error) => println!("list: {error}"),
            Ok(found) => println!("found {}", found.len()),
        },
    }
}

fn with(environment: &[(&str, &str)]) -> String {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "s3::open::opens_what_the_environment_says", "--ignored", "--nocapture"]);
    test.env_clear().env("LOCATION", "s3://tidewire/x").env("AWS_EC2_METADATA_DISABLED", "true");
    let output = test.envs(environment.iter().copied()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn nobody_says_who_we_are() {
    let said = with(&[("AWS_REGION", REGION)]);
    assert!(said.contains("no credentials found: set AWS_ACCESS_KEY_ID"), "{said}");
}

#[test]
fn nobody_says_where_the_bucket_is() {
    let said = with(&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
    assert!(said.contains("no region: set AWS_REGION"), "{said}");
}

#[test]
fn the_environment_says_it_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path()).unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)];
    for endpoint in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        let said = with(&[keys[0], keys[1], (endpoint, server.endpoint())]);
        assert!(said.contains("found 0"), "{endpoint}: {said}");
    }
    let said = with(&[keys[0], keys[1], ("AWS_ENDPOINT_URL", "nowhere")]);
    assert!(said.contains("\"nowhere\" is no endpoint"), "{said}");
}
