//! Serves a folder by the protocol of S3, to try snapshots there without an account:
//! `cargo run -p tidewire-tests --features s3 --bin s3_server -- FOLDER [--port N]`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use tidewire_tests::s3::{ACCESS_KEY_ID, BUCKET, Conditions, REGION, SECRET_ACCESS_KEY, Server};

const USAGE: &str = "usage: s3_server FOLDER [--port N]";

fn arguments() -> Option<(String, u16)> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().filter(|it| !it.starts_with('-'))?;
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Some((folder, 0)),
        (Some("--port"), Some(port), None) => Some((folder, port.parse().ok()?)),
        _ => None,
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]
fn main() -> ExitCode {
    let Some((folder, port)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let server = match Server::start(Path::new(&folder), port, Conditions::Honoured) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{folder} can not be served: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("export AWS_ENDPOINT_URL={}", server.endpoint());
    println!("export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID}");
    println!("export AWS_SECRET_ACCESS_KEY={SECRET_ACCESS_KEY}");
    println!("export AWS_REGION={REGION}");
    println!("# the bucket is s3://{BUCKET}; it serves until it is killed");
    loop {
        std::thread::park();
    }
}
