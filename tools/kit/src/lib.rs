//! What a project of a tool author is: a folder with a `tool.toml`, made from a template and built into a component.
//!
//! ```text
//!   create ──▶ NAME/tool.toml, sources, cases.json ──▶ build ──▶ NAME/dist/NAME.wasm
//!              (a template of this crate)              │
//!                                                      ├─ the world: what the tool exports, and what it `uses`
//!                                                      ├─ the language's own builder, pinned, in the project
//!                                                      └─ a component, which the host can look at
//! ```
//!
//! Nothing here runs a tool, and no engine is linked. Builders are programs: each is started with a limit on time, and
//! when one fails, the error says which step it was, what it said last, and what to do.

mod bounds;
mod build;
mod create;
mod error;
mod language;
mod project;
mod sdk;
mod step;
mod template;
mod typescript;
mod world;

pub use build::{build, test_natively};
pub use create::{Created, check_name, create};
pub use error::KitError;
pub use language::Language;
pub use project::{MANIFEST, Project};
pub use step::Progress;
