//! The journal on sled passes the suites of both ports.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use common::OnDisk;

playhouse_testkit::journal_suite!(OnDisk::new());
playhouse_testkit::context_suite!(OnDisk::new());
