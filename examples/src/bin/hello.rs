//! Five lines: the shipped agent answers a question with the shipped calculator and the shipped model, which runs
//! in a child process of this program. No key, no network.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

#[tokio::main]
async fn main() -> Result<(), playhouse::Error> {
    playhouse::worker_entry();
    let answer = playhouse::ask("What is 15531 / 31?").await?;
    println!("{answer}");
    assert!(answer.text().contains("501"), "15531 / 31 is 501");
    Ok(())
}
