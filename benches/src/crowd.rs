//! Many jobs, a fixed number of them at once.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::task::JoinSet;

/// Runs `job(0)` to `job(jobs - 1)`, `at_once` of them at a time; gives the results in the order of the jobs.
/// A panic in a job is passed on.
pub async fn run<T, F>(
    jobs: usize,
    at_once: usize,
    job: impl Fn(usize) -> F + Send + Sync + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (job, next) = (Arc::new(job), Arc::new(AtomicUsize::new(0)));
    let mut lanes = JoinSet::new();
    for _ in 0..at_once.clamp(1, jobs.max(1)) {
        let (job, next) = (job.clone(), next.clone());
        lanes.spawn(async move {
            let mut done = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= jobs {
                    return done;
                }
                done.push((n, job(n).await));
            }
        });
    }
    let mut done: Vec<_> = lanes.join_all().await.into_iter().flatten().collect();
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn every_job_runs_once_and_results_keep_their_order() {
        let squares = super::run(5, 3, |n| async move { n * n }).await;
        assert_eq!(squares, [0, 1, 4, 9, 16]);
        assert!(super::run(0, 3, |n| async move { n }).await.is_empty());
    }
}
