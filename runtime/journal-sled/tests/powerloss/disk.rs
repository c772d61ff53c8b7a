//! A directory on a disk whose power can be cut: see `shim.c`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
};

const PAGE: usize = 4096;
const CONTROL: &str = "control";

/// What a process below the shim is told while it runs; the order is that of `struct control`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Knob {
    /// Bytes the directory may occupy; 0 is without limit.
    Limit = 0,
    /// So many syncs fail.
    FailSyncs = 1,
    /// So many writes fail.
    FailWrites = 2,
    /// How long a sync takes, in milliseconds.
    DelayMs = 3,
    /// Syncs so far.
    Syncs = 4,
}

/// Compiles the shim into `dir`.
pub(crate) fn build(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/powerloss/shim.c");
    let library = dir.join("shim.so");
    let mut cc = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library).arg(source);
    let status = cc.args(["-ldl", "-lpthread"]).status().expect("a C compiler, `cc` or $CC");
    assert!(status.success(), "the shim does not compile");
    library
}

/// A data directory and its shadow.
#[derive(Debug)]
pub(crate) struct Disk {
    base: PathBuf,
    library: PathBuf,
}

impl Disk {
    /// An empty one below `base`, which must not exist yet.
    pub(crate) fn new(base: &Path, library: &Path) -> Self {
        fs::create_dir_all(base.join("data")).unwrap();
        let disk = Self { base: base.to_owned(), library: library.to_owned() };
        disk.mount();
        disk
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    fn shadow(&self) -> PathBuf {
        self.base.join("shadow")
    }

    /// Takes everything that is there for durable.
    pub(crate) fn mount(&self) {
        let _ = fs::remove_dir_all(self.shadow());
        fs::create_dir(self.shadow()).unwrap();
        fs::write(self.base.join(CONTROL), [0; 8 * 5]).unwrap();
        self.keep(&self.data());
    }

    fn keep(&self, dir: &Path) {
        let mut names = String::new();
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let found = entry.metadata().unwrap();
            let kind = if found.is_dir() { 'd' } else { 'f' };
            names += &format!("{} {kind} {}\n", found.ino(), entry.file_name().display());
            if found.is_dir() {
                self.keep(&entry.path());
            } else {
                fs::copy(entry.path(), self.shadow().join(format!("f{}", found.ino()))).unwrap();
            }
        }
        fs::write(self.shadow().join(format!("d{}", inode(dir))), names).unwrap();
    }

    /// Puts `command` on this disk.
    pub(crate) fn preload(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        command.env("SHIM_DIR", self.data()).env("SHIM_SHADOW", self.shadow());
        command.env("SHIM_CONTROL", self.base.join(CONTROL));
    }

    /// Turns `knob`; the process sees it at once.
    pub(crate) fn set(&self, knob: Knob, value: i64) {
        let file = fs::OpenOptions::new().write(true).open(self.base.join(CONTROL)).unwrap();
        file.write_all_at(&value.to_ne_bytes(), 8 * knob as u64).unwrap();
    }

    pub(crate) fn get(&self, knob: Knob) -> i64 {
        let bytes = fs::read(self.base.join(CONTROL)).unwrap();
        i64::from_ne_bytes(bytes[8 * knob as usize..][..8].try_into().unwrap())
    }

    /// What the disk holds once its power was cut, as a new disk below `base`: what was synced. With `torn`,
    /// also a random part of what was not, page by page and directory by directory.
    pub(crate) fn cut(self, base: &Path, torn: Option<fastrand::Rng>) -> Self {
        let disk = Self { base: base.to_owned(), library: self.library.clone() };
        let mut real = HashMap::new();
        directories(&self.data(), &mut real);
        Ruins { shadow: self.shadow(), real, torn }.rebuild(inode(&self.data()), &disk.data());
        fs::remove_dir_all(&self.base).unwrap();
        disk.mount();
        disk
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// Every directory as the process last saw it, by inode.
fn directories(dir: &Path, found: &mut HashMap<u64, PathBuf>) {
    found.insert(inode(dir), dir.to_owned());
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            directories(&entry.path(), found);
        }
    }
}

struct Ruins {
    shadow: PathBuf,
    real: HashMap<u64, PathBuf>,
    torn: Option<fastrand::Rng>,
}

impl Ruins {
    fn is_lucky(&mut self) -> bool {
        self.torn.as_mut().is_some_and(fastrand::Rng::bool)
    }

    fn rebuild(&mut self, dir: u64, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for (ino, is_dir, name) in self.names(dir) {
            if is_dir {
                self.rebuild(ino, &to.join(name));
            } else {
                let bytes = self.bytes(ino);
                fs::write(to.join(name), bytes).unwrap();
            }
        }
    }

    fn names(&mut self, dir: u64) -> Vec<(u64, bool, String)> {
        if self.is_lucky()
            && let Some(real) = self.real.get(&dir)
        {
            let entries = fs::read_dir(real).unwrap().map(Result::unwrap);
            let name = |entry: fs::DirEntry| {
                let found = entry.metadata().unwrap();
                (found.ino(), found.is_dir(), entry.file_name().into_string().unwrap())
            };
            return entries.map(name).collect();
        }
        let lines = fs::read_to_string(self.shadow.join(format!("d{dir}"))).unwrap_or_default();
        let name = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap();
            (word().parse().unwrap(), word() == "d", word().to_owned())
        };
        lines.lines().map(name).collect()
    }

    fn bytes(&mut self, ino: u64) -> Vec<u8> {
        let read = |kind| fs::read(self.shadow.join(format!("{kind}{ino}")));
        let mut durable = read('f').unwrap_or_default();
        // A file that was not opened since is as durable as it was.
        let Ok(real) = read('h') else { return durable };
        if self.is_lucky() {
            durable.resize(real.len(), 0);
        }
        for (durable, real) in durable.chunks_mut(PAGE).zip(real.chunks(PAGE)) {
            if self.is_lucky() {
                let common = durable.len().min(real.len());
                durable[..common].copy_from_slice(&real[..common]);
            }
        }
        durable
    }
}
