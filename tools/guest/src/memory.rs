//! An allocator that never gives anything back.
//!
//! An instance lives for one call of some microseconds and is then dropped with all its memory, so freeing is work for
//! nothing. And memory that never grows lets the host hand the same pages to the next instance without a system call,
//! which is most of what a call costs. Hence: bump a pointer through a static arena inside the initial memory. Only a
//! call that needs more than the arena asks the host for pages, and the host's limit answers.
//!
//! ```text
//!   | stack | data | ARENA ......next→............ | pages from memory.grow (rarely) |
//! ```

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;

/// Enough for arguments and results of some 64 KiB with room for copies; larger calls grow the memory.
const ARENA_BYTES: usize = 256 * 1024;
/// The unit of `memory.grow`.
const PAGE_BYTES: usize = 64 * 1024;

#[repr(align(16))]
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

#[expect(unsafe_code, reason = "wasm32 without threads: there is one thread, so nothing is shared")]
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; ARENA_BYTES]));

/// Where the next block starts and where the current stretch of memory ends; zero until the first allocation.
struct Bump(UnsafeCell<(usize, usize)>);

#[expect(unsafe_code, reason = "as above: one thread")]
unsafe impl Sync for Bump {}

#[global_allocator]
static BUMP: Bump = Bump(UnsafeCell::new((0, 0)));

#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
// SAFETY: blocks are carved from the arena, or from pages that `memory.grow` made, strictly upwards; none overlaps
// another, each is aligned, and none is handed out twice because none is ever taken back.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and nothing below calls back into the allocator.
        let (next, end) = unsafe { &mut *self.0.get() };
        if *end == 0 {
            *next = ARENA.0.get() as usize;
            *end = *next + ARENA_BYTES;
        }
        let Some(start) = next.checked_next_multiple_of(layout.align()) else { return core::ptr::null_mut() };
        if let Some(stop) = start.checked_add(layout.size()).filter(|stop| *stop <= *end) {
            *next = stop;
            return start as *mut u8;
        }
        let pages = layout.size().div_ceil(PAGE_BYTES);
        let before = core::arch::wasm32::memory_grow(0, pages);
        if before == usize::MAX {
            return core::ptr::null_mut();
        }
        // New pages are aligned to 64 KiB, which is more than any layout here asks for. What was left of the old
        // stretch is abandoned.
        let start = before * PAGE_BYTES;
        *next = start + layout.size();
        *end = start + pages * PAGE_BYTES;
        start as *mut u8
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, wanted: usize) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let (next, end) = unsafe { &mut *self.0.get() };
        let start = block as usize;
        let is_last = start + layout.size() == *next;
        if is_last && start.checked_add(wanted).is_some_and(|stop| stop <= *end) {
            // The block at the top grows in place: a string that is pushed to costs no copies.
            *next = start + wanted;
            return block;
        }
        // SAFETY: the size was valid for the caller's `realloc`, and the two blocks do not overlap.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(wanted, layout.align()));
            if !moved.is_null() {
                core::ptr::copy_nonoverlapping(block, moved, layout.size().min(wanted));
            }
            moved
        }
    }
}
