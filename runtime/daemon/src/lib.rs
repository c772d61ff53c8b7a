//! The binary `playhouse`: daemon, CLI and one-shot runner.
