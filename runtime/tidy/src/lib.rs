//! Tests of the code itself: arrows, headers, lengths.
