//! What each event is called as a server-sent event.

use super::Event;

impl Event {
    /// Its `type`, which is also the SSE event name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Started { .. } => "started",
            Self::Resumed {} => "resumed",
            Self::ModelAsked { .. } => "model_asked",
            Self::ModelReplied { .. } => "model_replied",
            Self::ModelFailed { .. } => "model_failed",
            Self::RepairAsked { .. } => "repair_asked",
            Self::ToolAsked { .. } => "tool_asked",
            Self::ToolRefused { .. } => "tool_refused",
            Self::Metered { .. } => "metered",
            Self::Consulted { .. } => "consulted",
            Self::ToolDone { .. } => "tool_done",
            Self::ToolFailed { .. } => "tool_failed",
            Self::ToolRetried { .. } => "tool_retried",
            Self::CheckAsked { .. } => "check_asked",
            Self::WaitBegun { .. } => "wait_begun",
            Self::VerdictAsked { .. } => "verdict_asked",
            Self::Approved { .. } => "approved",
            Self::Denied { .. } => "denied",
            Self::Ruled { .. } => "ruled",
            Self::SignalReceived { .. } => "signal_received",
            Self::SignalTaken { .. } => "signal_taken",
            Self::ChildAsked { .. } => "child_asked",
            Self::ChildEnded { .. } => "child_ended",
            Self::Parked { .. } => "parked",
            Self::Woken {} => "woken",
            Self::Paused { .. } => "paused",
            Self::Unpaused {} => "unpaused",
            Self::DeadlinePassed {} => "deadline_passed",
            Self::CrashedTooOften { .. } => "crashed_too_often",
            Self::Undoing { .. } => "undoing",
            Self::Forked { .. } => "forked",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::Finished(_) => "finished",
        }
    }
}
