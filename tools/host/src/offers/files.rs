//! `files` and `files-write`: folders under the names that the operator gave them.

use std::sync::Arc;

use playhouse_core::grant::{Access, Capability};
use playhouse_tools_disk::{FileError, Folder, Info};

use crate::bindings::v1::playhouse::tool::{files, files_write};
use crate::guest::Guest;

impl files::Host for Guest {
    async fn roots(&mut self) -> wasmtime::Result<Vec<String>> {
        let given = self.host_call()?;
        let names = || given.folders.keys().cloned().collect();
        let roots = if given.withheld(Capability::Files).is_some() { Vec::new() } else { names() };
        Ok(self.hear(roots))
    }

    async fn stat(&mut self, path: String) -> wasmtime::Result<Result<files::Info, files::Error>> {
        let found = self.read_in(&path, |folder, path| folder.stat(path)).await?;
        // A granted folder is called what it is called here, and not what it is called on disk.
        let name = |info: Info| match info.name.is_empty() {
            true => Info { name: path.trim_end_matches('/').to_owned(), ..info },
            false => info,
        };
        Ok(self.bring(found.map(name).map(told).map_err(refused)))
    }

    async fn entries(
        &mut self,
        path: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<files::Info>, files::Error>> {
        let found =
            self.read_in(&path, move |folder, path| folder.entries(path, after.as_deref(), limit)).await?;
        let page = found.map(|page| page.into_iter().map(told).collect::<Vec<_>>());
        Ok(self.bring(page.map_err(refused)))
    }

    async fn read(
        &mut self,
        path: String,
        offset: u64,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, files::Error>> {
        let found = self.read_in(&path, move |folder, path| folder.read(path, offset, max)).await?;
        Ok(self.bring(found.map_err(refused)))
    }
}

impl files_write::Host for Guest {
    async fn write(
        &mut self,
        path: String,
        content: Vec<u8>,
        version: Option<String>,
    ) -> wasmtime::Result<Result<String, files_write::Error>> {
        let bytes = content.len();
        let write = move |folder: &Folder, path: &str| folder.write(path, &content, version.as_deref());
        let written = self.in_folder(Capability::FilesWrite, &path, bytes, write).await?;
        Ok(self.bring(written.map_err(refused_writing)))
    }

    async fn remove(&mut self, path: String) -> wasmtime::Result<Result<(), files_write::Error>> {
        let removed =
            self.in_folder(Capability::FilesWrite, &path, 0, |folder, path| folder.remove(path)).await?;
        Ok(self.bring(removed.map_err(refused_writing)))
    }
}

impl Guest {
    async fn read_in<T: Send + 'static>(
        &mut self,
        path: &str,
        work: impl FnOnce(&Folder, &str) -> Result<T, FileError> + Send + 'static,
    ) -> wasmtime::Result<Result<T, FileError>> {
        self.in_folder(Capability::Files, path, 0, work).await
    }

    /// Does `work`, which writes so many bytes, in the folder that `path` begins with, if it is granted.
    async fn in_folder<T: Send + 'static>(
        &mut self,
        capability: Capability,
        path: &str,
        bytes: usize,
        work: impl FnOnce(&Folder, &str) -> Result<T, FileError> + Send + 'static,
    ) -> wasmtime::Result<Result<T, FileError>> {
        let given = self.reach(path.len() + bytes)?;
        let (root, rest) = path.split_once('/').unwrap_or((path, ""));
        let needed = if capability == Capability::FilesWrite { Access::Write } else { Access::Read };
        let folder = given.folders.get(root).filter(|(_, access)| *access >= needed);
        let (Some((folder, _)), None) = (folder, given.withheld(capability)) else {
            return Ok(Err(FileError::Denied));
        };
        let (folder, rest) = (Arc::clone(folder), rest.to_owned());
        let done = self.blocking(move || work(&folder, &rest)).await?;
        if let Err(FileError::Io(error)) = &done {
            tracing::warn!(%error, tool = given.request.tool, root, "a granted folder cannot be used");
        }
        Ok(done)
    }
}

fn told(info: Info) -> files::Info {
    let Info { name, is_folder, size, modified_ms, version } = info;
    files::Info { name, is_folder, size, modified_ms, version }
}

fn refused(error: FileError) -> files::Error {
    match error {
        FileError::Denied => files::Error::Denied,
        FileError::NotFound => files::Error::NotFound,
        FileError::WrongKind => files::Error::WrongKind,
        FileError::Conflict => files::Error::Conflict,
        FileError::Limit => files::Error::Limit,
        FileError::Io(_) => files::Error::Io,
    }
}

fn refused_writing(error: FileError) -> files_write::Error {
    match error {
        FileError::Denied => files_write::Error::Denied,
        FileError::NotFound => files_write::Error::NotFound,
        FileError::WrongKind => files_write::Error::WrongKind,
        FileError::Conflict => files_write::Error::Conflict,
        FileError::Limit => files_write::Error::Limit,
        FileError::Io(_) => files_write::Error::Io,
    }
}
