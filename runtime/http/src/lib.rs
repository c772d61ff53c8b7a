//! RuntimeApi over HTTP and SSE.
