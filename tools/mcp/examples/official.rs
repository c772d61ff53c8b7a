//! A server on the official SDK over stdio, for the tests of the client.

#[path = "../tests/it/official.rs"]
mod official;

use rmcp::{ServiceExt, transport::stdio};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    official::Official::default().serve(stdio()).await?.waiting().await?;
    Ok(())
}
