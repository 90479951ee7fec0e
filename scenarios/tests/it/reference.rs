//! The reference page is made from the declarations of the keys.

use expect_test::expect_file;
use highwater_scenarios::reference;

#[test]
fn reference_page_is_up_to_date() {
    expect_file!["../../../docs/scenario-reference.md"].assert_eq(&reference::markdown());
}
