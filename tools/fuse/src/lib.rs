//! Joins the core modules of a component, so that an instance of it is made faster.
//!
//! The builders for Python and JavaScript link an interpreter the way a system links shared libraries: dozens of core
//! modules that import each other's functions, one memory and one table, put together anew for each instance. For an engine
//! that makes an instance per call this is most of the work: it fills the table of `CPython` with 5,800 functions, one by one,
//! because nobody knows before where in the table each library lies. Everything needed to know is in the component,
//! though. Joined into one module, the table is an image that the engine makes once, and calls between libraries are calls.
//!
//! ```text
//! component.wasm ─▶ module, plan (who imports what from whom) ─▶ join (one module) ─▶ write (the component around it)
//! ```
//!
//! What a component does stays the same, as do its imports and exports. A module stays as it is where joining could change
//! something: one with a start function or a second memory, and one that imports what only exists once the others do (host
//! functions that use their memory). A component inside the component is joined by itself.

mod join;
mod module;
mod plan;
mod write;

use wasmparser::Validator;

/// Why a component could not be joined; it can be used as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FuseError {
    /// It is no component, or a broken one.
    #[error("it cannot be read: {0}")]
    Read(#[from] wasmparser::Error),
    /// It has something that this crate does not know how to keep.
    #[error("it has {0}, which cannot be kept")]
    Unknown(&'static str),
    /// A bug of this crate.
    #[error("joined, it would be broken: {0}")]
    Broken(String),
}

/// A component with fewer core modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fused {
    /// The component.
    pub component: Vec<u8>,
    /// How many core modules are joined with others: into one in each of the components that it is made of.
    pub joined: usize,
}

/// Joins what can be joined. `None`: there are no two modules that can.
///
/// # Errors
/// [`FuseError`]
pub fn fuse(component: &[u8]) -> Result<Option<Fused>, FuseError> {
    // So all numbers in it are those of something.
    Validator::new().validate_all(component)?;
    let plan = plan::Plan::read(component)?;
    let joined = plan.joined_inside + plan.members().count();
    if joined == 0 {
        return Ok(None);
    }
    let module = join::join(&plan, &write::wanted(&plan)?)?;
    let component = write::write(&plan, &module)?;
    let checked = Validator::new().validate_all(&component);
    checked.map_err(|error| FuseError::Broken(error.to_string()))?;
    Ok(Some(Fused { component, joined }))
}
