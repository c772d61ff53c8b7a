//! JSON as clients see it: stable, documented, and converted from the runtime's own types here at the edge.
//!
//! A new field or variant of the core does not appear on the wire by itself: the conversions below stop
//! compiling where one is missing, and somebody decides. What a backend keeps for itself in a reply
//! (`provider`), the system prompt of an agent, and a tool's grants never leave.

mod catalog;
mod event;
mod message;
mod session;
mod submit;
mod task;
mod tree;

pub use catalog::{Agent, AgentList, Effect, Model, ModelList, Ready, Tool, ToolList};
pub use event::{
    Delta, Event, Finish, ModelError, ModelErrorKind, Outcome, Record, ToolError, ToolErrorKind,
};
pub use message::{Malformed, Message, ToolCall};
pub use session::{Dropped, Session, Turn};
pub use submit::{Cancel, Limits, Submit};
pub use task::{Status, Task, TaskError, TaskErrorKind, TaskList, TaskSummary, Usage};
pub use tree::{Node, NodeKind, NodeStatus};

/// Declares an enum of plain variants with the names of one in the core, converted from it one to one.
macro_rules! mirror {
    (
        $(#[$doc:meta])*
        $name:ident from $core:path, $case:literal { $($(#[$variant_doc:meta])* $variant:ident,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = $case)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                use $core as Core;
                match value {
                    $(Core::$variant => Self::$variant,)*
                }
            }
        }
    };
}
pub(crate) use mirror;
