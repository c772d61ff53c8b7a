//! The composition root without a wire: config in, running tree out.
