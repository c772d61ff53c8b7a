//! The fuzz targets of `fuzz/` that are about this crate, without a fuzzer.

#[path = "../../../../fuzz/src/arguments.rs"]
#[expect(unreachable_pub, reason = "to the fuzzer it is a library")]
mod arguments_target;
#[path = "../../../../fuzz/src/driver.rs"]
mod driver;

#[test]
fn the_target_arguments_holds_on_its_seeds_and_what_is_made_of_them() {
    driver::each("arguments", arguments_target::one);
}
