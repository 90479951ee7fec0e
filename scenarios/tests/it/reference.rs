//! The reference is what the tables say.

use expect_test::expect_file;
use highwater_scenarios::reference;

#[test]
fn the_reference_is_up_to_date() {
    expect_file!["../../../docs/scenario-reference.md"].assert_eq(&reference::markdown());
}
