//! What may lie in a folder that a command is granted for writing. The kernel counts for no single folder, so we do: before
//! a call, and again and again while it runs.

use std::{future::pending, path::Path};

use playhouse_tools_disk::{FileError, Folder};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use crate::bounds::{COUNT_REST, COUNT_REST_TIMES};

/// Why nothing may be written to `folder` any more, if more than `most` bytes lie in it. 0: as much as there is room for.
pub(crate) async fn problem(folder: &Path, most: u64) -> Option<String> {
    if most == 0 {
        return None;
    }
    let path = folder.to_owned();
    let counted = spawn_blocking(move || Folder::open(&path, most).map_err(FileError::from)?.bytes()).await;
    let shown = folder.display();
    match counted {
        Ok(Ok(bytes)) if bytes <= most => None,
        Ok(Ok(bytes)) => {
            Some(format!("`{shown}` holds {bytes} bytes, and {most} are allowed: remove something first"))
        }
        Ok(Err(FileError::Limit)) => Some(format!("`{shown}` holds more files than can be counted")),
        // What it made unreadable is not counted, and neither is what is gone meanwhile.
        Ok(Err(error)) => Some(format!("`{shown}` cannot be counted: {error}")),
        Err(_) => Some(format!("`{shown}` cannot be counted: the daemon is stopping")),
    }
}

/// The same, as soon as it is so.
pub(crate) async fn exceeded(folder: Option<&Path>, most: u64) -> String {
    let Some(folder) = folder.filter(|_| most > 0) else { return pending().await };
    let mut rest = COUNT_REST;
    loop {
        sleep(rest).await;
        let begun = Instant::now();
        if let Some(problem) = problem(folder, most).await {
            return problem;
        }
        rest = COUNT_REST.max(begun.elapsed() * COUNT_REST_TIMES);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_folder_is_full_when_more_lies_in_it_than_may() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("below/a"), [0; 100]).unwrap();
        assert_eq!(problem(folder.path(), 100).await, None);
        assert!(problem(folder.path(), 99).await.unwrap().contains("holds 100 bytes, and 99 are allowed"));
        assert_eq!(problem(folder.path(), 0).await, None, "0 is no limit");
        assert!(problem(&folder.path().join("none"), 9).await.unwrap().contains("cannot be counted"));
        assert!(exceeded(Some(folder.path()), 99).await.contains("holds 100 bytes"));
        let never = tokio::time::timeout(Duration::from_millis(50), exceeded(None, 99)).await;
        never.expect_err("there is nothing to count");
    }
}
