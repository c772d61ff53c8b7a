//! The fuzz targets of `fuzz/` that are about this crate, without a fuzzer.

#[path = "../../../../fuzz/src/description.rs"]
#[expect(unreachable_pub, reason = "to the fuzzer it is a library")]
mod description_target;
#[path = "../../../../fuzz/src/driver.rs"]
mod driver;

#[test]
fn the_target_description_holds_on_its_seeds_and_what_is_made_of_them() {
    driver::each("description", description_target::one);
}
