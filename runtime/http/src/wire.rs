//! JSON as clients see it: stable, documented, and converted from the runtime's own types here at the edge.
//!
//! A new field or variant of the core does not appear on the wire by itself: the conversions below stop
//! compiling where one is missing, and somebody decides. What a backend keeps for itself in a reply
//! (`provider`), the system prompt of an agent, and a tool's grants do not leave, but in an export: a task can
//! only be replayed whole.

mod catalog;
mod control;
mod event;
mod message;
mod question;
mod session;
mod submit;
mod task;
mod tree;
mod wait;

pub use catalog::{Agent, AgentList, Effect, Model, ModelList, Ready, Tool, ToolList};
pub use control::{Decide, Fork, Pause, Verb};
pub use event::{
    Delta, Event, Finish, Mend, ModelError, ModelErrorKind, Outcome, Progress, Record, Repair, ToolError,
    ToolErrorKind,
};
pub use message::{Malformed, Message, ToolCall};
pub use question::{AnswerForm, Question, QuestionList};
pub use session::{Dropped, Session, Turn};
pub use submit::{Cancel, Limits, Submit};
pub use task::{ForkedFrom, Status, Task, TaskError, TaskErrorKind, TaskList, TaskSummary, Usage};
pub use tree::{Node, NodeKind, NodeStatus};
pub use wait::{Join, Wait, Waiting, WaitingCall};

/// Declares an enum of plain variants with the names of one in the core, converted to and fro one to one.
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

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => Self::$variant,)*
                }
            }
        }
    };
}
pub(crate) use mirror;
