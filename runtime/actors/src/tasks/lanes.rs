//! The session that a task belongs to, as the schedule knows it.

use playhouse_core::{
    schedule::Lane,
    task::{Head, TaskSpec},
};

pub(super) fn lane(spec: &TaskSpec) -> Lane {
    spec.session.clone().map(|session| (spec.tenant.clone(), session))
}

pub(super) fn lane_of_head(head: &Head) -> Lane {
    head.session.clone().map(|session| (head.tenant.clone(), session))
}
