//! Which world the crash points of this thread belong to.
//!
//! The hook is one for the whole process; worlds are one per thread.

use std::{cell::RefCell, sync::Arc};

use playhouse_ports::crash::{self, Point, Side};

use crate::world::World;

thread_local! {
    static HERE: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

/// While it lives, crash points that this thread passes belong to its world.
pub(crate) struct Here;

impl Here {
    /// Makes `world` the one of this thread.
    pub(crate) fn enter(world: &Arc<World>) -> Self {
        crash::arm(pass);
        HERE.with_borrow_mut(|here| *here = Some(world.clone()));
        Self
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        HERE.with_borrow_mut(|here| *here = None);
    }
}

fn pass(point: Point, side: Side) {
    // Cloned, so that nothing is borrowed while the world acts.
    if let Some(world) = HERE.with_borrow(Clone::clone) {
        world.pass(point, side);
    }
}
