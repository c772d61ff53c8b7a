//! Guests that use the kit as an author would, for the tests of the host. The code is in `examples/`, one component per
//! file; this library only gives the package a root.
