//! The fuzz targets of `fuzz/` that are about this crate, without a fuzzer.

#[path = "../../../../fuzz/src/driver.rs"]
mod driver;
#[path = "../../../../fuzz/src/grants.rs"]
#[expect(unreachable_pub, reason = "to the fuzzer it is a library")]
mod grants_target;

#[test]
fn the_target_grants_holds_on_its_seeds_and_what_is_made_of_them() {
    driver::each("grants", grants_target::one);
}
