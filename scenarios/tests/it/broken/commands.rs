//! Problems of `[[commands]]`.

use expect_test::expect;

use super::check;
use crate::diagnostics_of;

#[test]
fn commands_without_devices_are_rejected() {
    let text = "name = \"x\"\nduration = \"1m\"\n[cluster]\n[[commands]]\nusers = 5\n";
    expect![[r#"
        broken.toml:4:1: commands: commands without devices to send them to
          |
        4 | [[commands]]
          | ^^^^^^^^^^^^
          = expected: at least one `[[devices]]`

        1 problem in broken.toml"#]]
    .assert_eq(&diagnostics_of(text));
}

#[test]
fn mixed_load_models_are_rejected() {
    let more = r#"
[[commands]]
name = "neither"
[[commands]]
name = "open"
rate = "5/s"
think = "1s"
[[commands]]
name = "closed"
users = 5
max_in_flight = 5
path = "commands"
"#;
    check(
        more,
        expect![[r#"
        broken.toml:10:1: commands.neither: neither `users` nor `rate`
           |
        10 | [[commands]]
           | ^^^^^^^^^^^^
           = expected: `users` (closed model) or `rate` (open model)

        broken.toml:15:9: commands.open.think: a think time without users
           |
        15 | think = "1s"
           |         ^^^^
           = found: "1s"
           = expected: `think` beside `users`

        broken.toml:19:17: commands.closed.max_in_flight: a limit for arrivals without a rate
           |
        19 | max_in_flight = 5
           |                 ^
           = found: 5
           = expected: `max_in_flight` beside `rate`
           = hint: each user has at most one command in flight

        broken.toml:20:8: commands.closed.path: a path that does not begin with `/`
           |
        20 | path = "commands"
           |        ^^^^^^^^^^
           = found: "commands"
           = expected: a path that begins with `/`, such as "/devices/{device}/commands"

        4 problems in broken.toml"#]],
    );
}

#[test]
fn gate_on_commands_outside_the_steady_phase_is_rejected() {
    let more = r#"
[[commands]]
users = 5
[[gates]]
check = "commands.failed == 0"
during = "ramp"
"#;
    check(
        more,
        expect![[r#"
        broken.toml:14:10: gates[0].during: no commands are sent in the ramp phase
           |
        14 | during = "ramp"
           |          ^^^^^^
           = found: "ramp"
           = expected: "steady" or "run"

        1 problem in broken.toml"#]],
    );
}
