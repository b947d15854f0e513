//! S3 without an account: a server over a folder, and a proxy that lets things go wrong on the way to it.

mod plan;
mod proxy;
mod server;

pub use plan::{Fault, Plan, Request, always, healthy, script, seeded};
pub use proxy::Proxy;
pub use server::{ACCESS_KEY_ID, BUCKET, Conditions, REGION, SECRET_ACCESS_KEY, Server, serve};
