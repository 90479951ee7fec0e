//! Arguments that are wrong usage.

use expect_test::expect;

use super::check;

#[test]
fn invalid_arguments_are_wrong_usage() {
    check(
        "rnu",
        &expect![[r#"
        error: unrecognized subcommand 'rnu'

        Usage: highwater <COMMAND>

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "run",
        &expect![[r#"
        error: the following required arguments were not provided:
          <SCENARIO>

        Usage: highwater run <SCENARIO>

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "run small.toml --workers 0",
        &expect![[r#"
        error: invalid value '0' for '--workers <N>': 0 is not in 1..=1000

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "completions tcsh",
        &expect![[r#"
        error: invalid value 'tcsh' for '<SHELL>'
          [possible values: bash, elvish, fish, powershell, zsh]

          tip: a similar value exists: 'zsh'

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "man --out small.toml/man",
        &expect![[r#"
        error: cannot write man pages into small.toml/man
          = cause: Not a directory (os error 20)
        exit code 2
    "#]],
    );
}
