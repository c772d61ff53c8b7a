//! Reading a log back, damaged or not.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use super::{COPY, segment_name};
use crate::{
    disk::{Disk, list_if_any, read_if_any},
    frame::{self, At, Frame},
};

/// What a walk through a log found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The last commit that was reached without a gap.
    pub(crate) at: At,
    /// The highest commit seen anywhere.
    pub(crate) highest: u64,
    /// Whether the log holds the commit the walk began at, or ties in with it.
    pub(crate) ties_in: bool,
    /// What is damaged or missing, and where.
    pub(crate) faults: Vec<String>,
    /// The disk refused to read: what the walk did not find may be there all the same.
    pub(crate) unread: Option<io::Error>,
    /// A file that ends in the middle of a frame, and how much of it is whole: what a crash leaves of a
    /// commit that nobody was told about.
    pub(crate) torn: Option<(PathBuf, u64)>,
    /// Commits that only the second copy had.
    pub(crate) from_copy: Vec<Frame>,
    /// The first segment's number.
    pub(crate) first: u32,
    /// The last segment's number.
    pub(crate) last: u32,
    /// Bytes in all segments but the last.
    pub(crate) closed: u64,
}

impl Walk {
    /// Whether commits were seen that cannot be reached.
    pub(crate) fn has_gap(&self) -> bool {
        self.at.commit < self.highest
    }

    /// Whether the log is whole: all it lacks is what a crash tore off its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.faults.is_empty() && self.ties_in && !self.has_gap()
    }
}

/// Numbers of the segments in `dir`, ascending.
pub(crate) fn segments(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<u32>> {
    let names = list_if_any(disk, dir)?;
    let number = |name: &String| name.strip_suffix(".log")?.parse::<u32>().ok();
    Ok(names.iter().filter_map(number).collect())
}

/// The first frame of segment `number`, if it begins with a whole one.
pub(crate) fn first_frame(disk: &dyn Disk, dir: &Path, number: u32) -> io::Result<Option<Frame>> {
    let bytes = disk.read(&dir.join(segment_name(number)))?;
    Ok(frame::decode(&bytes).map(|(frame, _)| frame))
}

/// How many of the segments `all` come before the log's first commit, the one after `base`: they were cleaned, and
/// are not gone yet. `None` if no segment begins with that commit.
fn begin(disk: &dyn Disk, dir: &Path, all: &[u32], base: At) -> io::Result<Option<usize>> {
    for (place, number) in all.iter().enumerate() {
        match first_frame(disk, dir, *number)? {
            Some(frame) if frame.before == base => return Ok(Some(place)),
            Some(frame) if base.commit < frame.before.commit => break,
            _ => {}
        }
    }
    Ok(None)
}

/// Segments in `dir` that come before the log's first commit, the one after `base`.
pub(crate) fn cleaned(disk: &dyn Disk, dir: &Path, base: At) -> io::Result<Vec<u32>> {
    let mut all = segments(disk, dir)?;
    all.truncate(begin(disk, dir, &all, base)?.unwrap_or(0));
    Ok(all)
}

/// Where reading must begin to meet the commit after `commit`: the last segment that begins at or before it.
fn first_segment(disk: &dyn Disk, dir: &Path, all: &[u32], commit: u64) -> usize {
    let begins = |number: &u32| Some(first_frame(disk, dir, *number).ok()??.at.commit);
    all.iter().rposition(|number| begins(number).is_some_and(|first| first <= commit)).unwrap_or(0)
}

/// Reads the log in `dir`, whose first commit follows `base`, from the commit after `from`, and hands every commit
/// that follows without a gap to `apply`. Errors are `apply`'s own; what cannot be read is in the [`Walk`].
pub(crate) fn walk<E>(
    disk: &dyn Disk,
    dir: &Path,
    [base, from]: [At; 2],
    mut apply: impl FnMut(Frame) -> Result<(), E>,
) -> Result<Walk, E> {
    let mut state = Walk { at: from, ..Walk::default() };
    let mut all = state.or_unread(segments(disk, dir));
    let mut copies = state.or_unread(Copies::read(disk, dir));
    match state.or_unread(begin(disk, dir, &all, base)) {
        Some(cleaned) => drop(all.drain(..cleaned)),
        None => state.miss_begin(disk, dir, &all, base),
    }
    let start = first_segment(disk, dir, &all, from.commit);
    let holes = all.windows(2).filter(|pair| pair[0] + 1 != pair[1]);
    state.faults.extend(holes.map(|pair| format!("{} is missing", segment_name(pair[0] + 1))));
    state.first = all.first().copied().unwrap_or(1);
    state.last = all.last().copied().unwrap_or(1);
    for number in &all[start..] {
        let path = dir.join(segment_name(*number));
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                state.unread = Some(error);
                continue;
            }
        };
        if *number != state.last {
            state.closed += bytes.len() as u64;
        }
        let mut pos = 0;
        while pos < bytes.len() {
            if let Some((frame, used)) = frame::decode(&bytes[pos..]) {
                state.meet(frame, &mut copies, &mut apply)?;
                pos += used;
                continue;
            }
            let next = frame::find(&bytes[pos + 1..]).map(|found| pos + 1 + found);
            if next.is_none() && *number == state.last {
                state.torn = Some((path.clone(), pos as u64));
            } else {
                state.faults.push(format!("{} is damaged at byte {pos}", segment_name(*number)));
            }
            pos = next.unwrap_or(bytes.len());
        }
    }
    for number in &all[..start] {
        // Their sizes count, their content was not asked for.
        state.closed += disk.len(&dir.join(segment_name(*number))).unwrap_or(0);
    }
    state.highest = state.highest.max(copies.highest());
    state.fill(&mut copies, &mut apply)?;
    state.ties_in |= state.at.commit != from.commit;
    Ok(state)
}

impl Walk {
    fn or_unread<T: Default>(&mut self, read: io::Result<T>) -> T {
        read.unwrap_or_else(|error| {
            self.unread = Some(error);
            T::default()
        })
    }

    /// No segment begins with the commit after `base`. That is as it should be of a log that never had a whole one.
    fn miss_begin(&mut self, disk: &dyn Disk, dir: &Path, all: &[u32], base: At) {
        let is_begun = match all {
            [only] => self.or_unread(first_frame(disk, dir, *only)).is_some(),
            _ => true,
        };
        if is_begun {
            self.faults.push(format!("the segment that begins after commit {} is missing", base.commit));
        }
    }

    fn meet<E>(
        &mut self,
        frame: Frame,
        copies: &mut Copies,
        apply: &mut impl FnMut(Frame) -> Result<(), E>,
    ) -> Result<(), E> {
        self.highest = self.highest.max(frame.at.commit);
        if frame.at.commit <= self.at.commit {
            self.ties_in |= frame.at == self.at;
            return Ok(());
        }
        if frame.before.commit != self.at.commit {
            self.fill(copies, apply)?;
        }
        if frame.before == self.at {
            self.at = frame.at;
            self.ties_in = true;
            apply(frame)?;
        }
        Ok(())
    }

    /// Goes on with the second copy as far as that leads.
    fn fill<E>(
        &mut self,
        copies: &mut Copies,
        apply: &mut impl FnMut(Frame) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(frame) = copies.after(self.at) {
            self.at = frame.at;
            self.from_copy.push(frame.clone());
            apply(frame)?;
        }
        Ok(())
    }
}

/// What the second copy has.
#[derive(Default)]
struct Copies(BTreeMap<u64, Frame>);

impl Copies {
    fn read(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        let bytes = read_if_any(disk, &dir.join(COPY))?.unwrap_or_default();
        let mut frames = BTreeMap::new();
        let mut pos = 0;
        while let Some(found) = bytes.get(pos..).and_then(frame::find) {
            let (frame, used) = frame::decode(&bytes[pos + found..]).expect("it was just found");
            frames.insert(frame.at.commit, frame);
            pos += found + used;
        }
        Ok(Self(frames))
    }

    fn highest(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(commit, _)| *commit)
    }

    fn after(&mut self, at: At) -> Option<Frame> {
        let next = self.0.get(&(at.commit + 1)).filter(|frame| frame.before == at)?;
        Some(next.clone())
    }
}
