//! One idea per file, all runnable without keys.
