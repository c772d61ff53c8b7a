//! The floor: what the disk allows to a plain file with one `write` and one `fdatasync` for each group.

use std::{
    fs::File,
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use crate::{Reached, run};

type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// As many writers as `tasks`, each with `bytes` at a time.
pub(crate) async fn measure(
    path: &Path,
    tasks: usize,
    bytes: usize,
    time: Duration,
) -> std::io::Result<Reached> {
    let mut file = File::create(path)?;
    let (inbox, mut waiting) = mpsc::channel::<Waiting>(4096);
    let committer = thread::spawn(move || {
        while let Some(first) = waiting.blocking_recv() {
            let mut group = vec![first];
            while let Ok(next) = waiting.try_recv() {
                group.push(next);
            }
            let bytes: Vec<u8> = group.iter().flat_map(|(bytes, _)| bytes).copied().collect();
            file.write_all(&bytes).and_then(|()| file.sync_data()).expect("written");
            for (_, done) in group {
                let _ = done.send(());
            }
        }
    });
    let reached = run(tasks, |_| append(inbox.clone(), bytes, time)).await;
    drop(inbox);
    committer.join().expect("the committer never panics");
    Ok(reached)
}

async fn append(inbox: mpsc::Sender<Waiting>, bytes: usize, time: Duration) -> Vec<Duration> {
    let end = Instant::now() + time;
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let (done, answer) = oneshot::channel();
        inbox.send((vec![b'x'; bytes], done)).await.expect("the committer lives");
        answer.await.expect("the committer lives");
        times.push(start.elapsed());
    }
    times
}
