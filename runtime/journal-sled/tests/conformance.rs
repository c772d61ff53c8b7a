//! The journal passes the suites of both ports, on sled and on an index in memory.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

mod on_sled {
    use crate::common::OnDisk;

    playhouse_testkit::journal_suite!(OnDisk::new());
    playhouse_testkit::context_suite!(OnDisk::new());
}

mod in_memory {
    use crate::common::OnLog;

    playhouse_testkit::journal_suite!(OnLog::new());
    playhouse_testkit::context_suite!(OnLog::new());
}
