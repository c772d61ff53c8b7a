//! ToolBox on wasmtime.
