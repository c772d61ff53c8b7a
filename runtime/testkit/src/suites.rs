//! One suite per port, written once and run on every adapter.
//!
//! ```ignore
//! playhouse_testkit::journal_suite!(MyFixture::new());
//! playhouse_testkit::context_suite!(MyFixture::new());
//! ```
//!
//! Each case gets a fixture of its own. The caller's crate needs `tokio` among its dev-dependencies.

pub mod context;
pub mod journal;
mod sample;

use std::future::Future;

use playhouse_ports::{Context, Journal};

pub use sample::Script;

/// Where a store lives, so that a case can close it and open it again.
pub trait Fixture: Send + Sync {
    /// The adapter under test. Clones share one content.
    type Store: Journal + Context + Clone;

    /// Opens the store: empty the first time, then with what was acknowledged before.
    fn open(&self) -> impl Future<Output = Self::Store> + Send;

    /// Closes a store, so that [`open`](Self::open) works again.
    fn close(&self, store: Self::Store) -> impl Future<Output = ()> + Send;
}

/// Makes one test per case, in a module named after the port.
#[doc(hidden)]
#[macro_export]
macro_rules! suite {
    ($fixture:expr, $port:ident: $($case:ident)+) => {
        mod $port {
            use super::*;
            $(
                // Several threads, so that what claims to be concurrent is.
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::suites::$port::$case(&$fixture).await;
                }
            )+
        }
    };
}

/// What every [`Journal`] must do; takes an expression that makes a fresh [`Fixture`].
#[macro_export]
macro_rules! journal_suite {
    ($fixture:expr) => {
        $crate::suite! { $fixture, journal:
            records_come_back_in_order
            reading_is_bounded_and_starts_anywhere
            a_task_that_never_was_is_empty
            a_stale_writer_is_fenced_and_leaves_no_trace
            of_writers_that_race_one_wins_each_position
            tasks_do_not_disturb_each_other
            what_was_acknowledged_survives_reopening
            a_reopened_journal_still_fences
            a_key_is_used_once
            of_submissions_that_race_for_a_key_one_wins
            large_values_come_back_whole
            numbers_come_back_exactly
            heads_come_newest_first_in_pages
            open_tasks_are_listed_until_they_are_over
            parked_tasks_are_found_by_their_due_time_and_not_among_the_open
            a_task_parked_again_is_due_at_its_new_time_only
            a_parked_task_holds_its_session_until_it_goes_on
            a_wake_stays_until_its_task_has_heard_of_every_child
            a_child_that_was_asked_for_is_looked_for_until_its_end_is_heard_of
            a_wake_of_a_task_that_is_over_is_nothing
            only_finished_tasks_are_forgotten_and_then_entirely
        }
    };
}

/// What every [`Context`] must do; takes an expression that makes a fresh [`Fixture`].
#[macro_export]
macro_rules! context_suite {
    ($fixture:expr) => {
        $crate::suite! { $fixture, context:
            a_turn_is_committed_with_its_task
            a_refused_batch_leaves_no_turn
            turns_come_in_the_order_of_their_tasks
            writing_a_turn_again_replaces_it
            tenants_never_see_each_other
            a_touch_only_moves_forward_and_creates_nothing
            pinned_messages_are_replaced_as_a_whole
            a_dropped_topic_is_gone_and_counted
            a_deleted_session_is_gone_entirely
            sessions_survive_reopening
        }
    };
}
