//! Commands with requests of the scenario's own.

use expect_test::expect;
use highwater_scenarios::plan::{CommandMethod, MatchSpec, ReplyMode};

use super::{check, plan};

#[test]
fn request_of_a_command_resolves() {
    let plan = plan(
        r#"[[commands]]
users = 5
pool = "phone"
method = "PUT"
path = "/inbox/{n}"
body = '{"to":"{device}","text":"{nonce}"}'
headers = { "Content-Type" = "text/plain", "X-Key" = "${KEY}" }
expect = [200, 202]
reply = { frame = { json = { id = "{nonce}" } } }
[[commands]]
users = 5
method = "GET"
"#,
    );
    let load = &plan.commands[0];
    assert_eq!(load.method, CommandMethod::Put);
    assert_eq!(load.headers[0].name, "Content-Type");
    assert!(matches!(&load.reply, ReplyMode::Frame(MatchSpec::Json(_))));
    assert!(load.expects(202) && !load.expects(204) && load.is_own_request());
    assert!(load.is_for("phone") && !load.is_for("lamp"));
    // A GET has no body unless the scenario gives one.
    assert_eq!(plan.commands[1].body.as_deref(), Some(""));
    assert!(plan.commands[1].expects(204) && !plan.commands[1].expects(302));
}

#[test]
fn command_without_keys_of_its_own_leaves_the_dialect_as_it_was() {
    let plan = crate::plan_of("[[commands]]\nusers = 5\n");
    assert!(!plan.commands[0].is_own_request());
    assert_eq!(plan.commands[0].body, None);
}

#[test]
fn requests_that_fit_no_command_are_rejected() {
    check(
        r#"[[commands]]
name = "nameless"
users = 1
path = "/{devise}"
method = "post"
expect = [99]
reply = "frame"
[[commands]]
name = "anonymous"
users = 1
pool = "lamp"
body = "x"
reply = { frame = { text = "done {nonce}" } }
[[commands]]
name = "mute"
users = 1
reply = { frame = { text = "done" } }
[[commands]]
name = "counted"
users = 1
body = "{ref}"
headers = { "Content-Length" = "5" }
[[commands]]
name = "stream"
users = 1
reply = "sse"
expect_body = { text = "ok" }
"#,
        &expect![[r#"
            broken.toml:13:8: commands.nameless.path: an unknown placeholder `{devise}`
               |
            13 | path = "/{devise}"
               |        ^^^^^^^^^^^
               = found: "/{devise}"
               = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`
               = hint: did you mean `device`?

            broken.toml:14:10: commands.nameless.method: not one of the values known here
               |
            14 | method = "post"
               |          ^^^^^^
               = found: "post"
               = expected: "GET" or "POST" or "PUT" or "PATCH" or "DELETE"

            broken.toml:15:10: commands.nameless.expect: 99 is not an HTTP status
               |
            15 | expect = [99]
               |          ^^^^
               = found: a list
               = expected: a status such as 202, or a list of up to 16, each from 100 to 599

            broken.toml:16:9: commands.nameless.reply: not one of the values known here
               |
            16 | reply = "frame"
               |         ^^^^^^^
               = found: "frame"
               = expected: "rest", "sse", or a table such as { frame = { json = { id = "{nonce}" } } }

            broken.toml:20:8: commands.anonymous.pool: no pool of devices has this name
               |
            20 | pool = "lamp"
               |        ^^^^^^
               = found: "lamp"
               = expected: `phone`

            broken.toml:26:9: commands.mute.reply: a reply that does not show which command it answers
               |
            26 | reply = { frame = { text = "done" } }
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: a matcher with `{nonce}`
               = hint: send `{nonce}` in `body` and let the device's frame carry it back

            broken.toml:30:8: commands.counted.body: a command has no `{ref}`
               |
            30 | body = "{ref}"
               |        ^^^^^^^
               = found: "{ref}"
               = hint: write `{nonce}`

            broken.toml:31:11: commands.counted.headers: `Content-Length` is written by the harness itself
               |
            31 | headers = { "Content-Length" = "*" }
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: a table of names and texts, such as { Content-Type = "text/plain" }

            broken.toml:36:15: commands.stream.expect_body: the body of an event stream
               |
            36 | expect_body = { text = "ok" }
               |               ^^^^^^^^^^^^^^^
               = found: a table
               = expected: `expect_body` with `reply = "rest"` or a `frame`

            9 problems in broken.toml"#]],
    );
}
