//! What the compiler tells an author whose handler is wrong. `TRYBUILD=overwrite cargo test` writes the expected texts anew.

#[test]
fn a_wrong_handler_is_refused_with_an_explanation() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
