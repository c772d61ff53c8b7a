//! What an MCP server writes to its stdout.

use playhouse_tools_mcp::fuzz::{Read, read};

/// Reads messages until there are no more.
pub fn one(data: &[u8]) {
    let Read { messages, why } = read(data);
    let lines = data.split(|byte| *byte == b'\n').count();
    assert!(messages <= lines, "{messages} messages in {lines} lines");
    // The end of what there is to read is said, as every end is.
    assert!(!why.is_empty());
    // However it comes in pieces, it is the same.
    let half = data.len() / 2;
    if half > 0 {
        assert_eq!(playhouse_tools_mcp::fuzz::read_in_pieces(data, half), Read { messages, why });
    }
}
