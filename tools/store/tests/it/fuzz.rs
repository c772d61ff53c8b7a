//! The fuzz targets of `fuzz/` that are about this crate, without a fuzzer.

#[path = "../../../../fuzz/src/driver.rs"]
mod driver;
#[path = "../../../../fuzz/src/oci.rs"]
#[expect(unreachable_pub, reason = "to the fuzzer it is a library")]
mod oci_target;

#[test]
fn the_target_oci_holds_on_its_seeds_and_what_is_made_of_them() {
    driver::each("oci", oci_target::one);
}
