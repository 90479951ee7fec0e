//! Data files, logins and placeholders: accepted, rejected, and resolved.

use std::time::Duration;

use expect_test::{Expect, expect};
use highwater_scenarios::{
    Diagnostic, Diagnostics, HostResources, Plan, describe, parse_with_files,
    plan::{LoginBody, LoginMethod, TakeSource},
};

/// Returns a scenario with more keys in its target and its pool of three devices.
fn text(target: &str, pool: &str) -> String {
    format!(
        "name = \"login\"\nduration = \"5s\"\n[target]\ndialect = \"plain\"\n{target}\n\
         [[devices]]\nname = \"phone\"\ncount = 3\nramp = \"1/s\"\n{pool}\n"
    )
}

/// Parses a scenario beside the files `users.csv` and `short.csv`.
fn parse(text: &str) -> Result<Plan, Diagnostics> {
    let read = |file: &str| match file {
        "users.csv" => Ok(b"user,pass\na,1\nb,\"pw2,\"\nc,3\nd,4\n".to_vec()),
        "short.csv" => Ok(b"user\na\n".to_vec()),
        "ragged.csv" => Ok(b"user,pass\na,1\nb\n".to_vec()),
        _ => Err(Diagnostic {
            message: format!("cannot read {file}: no such file"),
            expected: None,
            hint: None,
        }),
    };
    parse_with_files("login.toml", text, &[], &read).map(highwater_scenarios::Matrix::into_first)
}

fn plan(target: &str, pool: &str) -> Plan {
    parse(&text(target, pool)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(target: &str, pool: &str) -> String {
    match parse(&text(target, pool)) {
        Ok(_) => panic!("no problem in {target}\n{pool}"),
        Err(problems) => problems.to_string(),
    }
}

fn check(target: &str, pool: &str, expected: Expect) {
    expected.assert_eq(&problems(target, pool));
}

const WS: &str = "ws = \"ws://h/{device}\"";

#[test]
fn data_file_is_read_with_the_scenario_and_stays_out_of_its_record() {
    let plan = plan(
        "ws = \"ws://h/{n}?u={user}\"\nheaders = { A = \"{pass}-{worker}\" }",
        "data = \"users.csv\"",
    );
    let data = plan.devices[0].data.clone().unwrap();
    assert_eq!(
        (data.rows, data.columns),
        (4, vec!["user".to_owned(), "pass".to_owned()])
    );
    assert_eq!(data.table.0.value(1, 1), Some("pw2,"));
    assert_eq!(data.sha256.len(), 64);
    let record = serde_json::to_string(&plan).unwrap();
    assert!(record.contains("\"sha256\"") && !record.contains("pw2"));
    let read: Plan = serde_json::from_str(&record).unwrap();
    let read = read.devices[0].data.clone().unwrap();
    assert_eq!((read.rows, read.table.0.rows()), (4, 0));
    assert!(!format!("{plan:?}").contains("pw2"));
}

#[test]
fn problem_of_a_data_file_is_one_of_the_scenario() {
    check(
        WS,
        "data = \"short.csv\"",
        expect![[r#"
        login.toml:10:8: devices.phone.data: short.csv has 1 row for 3 devices
           |
        10 | data = "short.csv"
           |        ^^^^^^^^^^^
           = expected: a row for each device of the pool
           = hint: add 2 rows, or write count = 1

        1 problem in login.toml"#]],
    );
    check(
        WS,
        "data = \"ragged.csv\"",
        expect![[r#"
        login.toml:10:8: devices.phone.data: ragged.csv:3: 1 value in the row
           |
        10 | data = "ragged.csv"
           |        ^^^^^^^^^^^^
           = expected: 2, as many as the first line has names
           = hint: a value with a comma in it stands in double quotes

        1 problem in login.toml"#]],
    );
    check(
        WS,
        "data = \"none.csv\"",
        expect![[r#"
        login.toml:10:8: devices.phone.data: cannot read none.csv: no such file
           |
        10 | data = "none.csv"
           |        ^^^^^^^^^^

        1 problem in login.toml"#]],
    );
    check(
        WS,
        "data = \"users.txt\"",
        expect![[r#"
        login.toml:10:8: devices.phone.data: neither a `.csv` nor a `.jsonl` file
           |
        10 | data = "users.txt"
           |        ^^^^^^^^^^^
           = found: "users.txt"
           = expected: the path of a `.csv` or `.jsonl` file, seen from the scenario's folder

        1 problem in login.toml"#]],
    );
}

#[test]
fn login_is_resolved() {
    let plan = plan(
        "ws = \"wss://${HOST}/\"\nheaders = { Cookie = \"s={session}\" }",
        "data = \"users.csv\"\nlogin = { post = \"https://${HOST}/login?u={user}\", \
         json = { user = \"{user}\", pins = [1, 2.5, true], deep = { p = \"{pass}\" } }, \
         expect = 302, timeout = \"3s\", headers = { Content-Type = \"text/x\" }, \
         take = { session = \"cookie:sid\", csrf = \"json:/a/b\", h = \"header:X-A\", \
         r = \"regex:t=(.*)\" } }",
    );
    let login = plan.devices[0].login.clone().unwrap();
    assert_eq!(login.method, LoginMethod::Post);
    assert_eq!(login.url, "https://${HOST}/login?u={user}");
    assert_eq!((login.expect, login.timeout), (302, Duration::from_secs(3)));
    assert_eq!(login.headers[0].name, "Content-Type");
    let Some(LoginBody::Json(json)) = login.body else {
        panic!("{:?}", login.body);
    };
    assert_eq!(
        json.to_string(),
        r#"{"deep":{"p":"{pass}"},"pins":[1,2.5,true],"user":"{user}"}"#
    );
    let sources: Vec<_> = login.take.into_iter().map(|take| take.from).collect();
    assert_eq!(
        sources,
        [
            TakeSource::Cookie("sid".to_owned()),
            TakeSource::Json("/a/b".to_owned()),
            TakeSource::Header("X-A".to_owned()),
            TakeSource::Regex("t=(.*)".to_owned()),
        ]
    );
    let names = highwater_scenarios::frames::ValueNames::of_pool(&plan.devices[0]);
    assert_eq!(names.columns, ["user", "pass"]);
    assert_eq!(names.taken, ["session", "csrf", "h", "r"]);
    let texts = plan.texts_with_variables();
    let places: Vec<_> = texts.iter().map(|text| text.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "the address wss://${HOST}/",
            "the address https://${HOST}/login?u={user}",
            "the header field Cookie",
            "the login of phone",
            "the login of phone",
        ]
    );
    let page = describe(
        &plan,
        &HostResources {
            files_per_process: 1_024,
            memory: None,
        },
    );
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "Each device of phone has a row of users.csv (4 rows: user, pass) and a login \
                    with POST https://${HOST}/login?u={user}, which gives session, csrf, h, r.";
    assert!(words.contains(expected), "{page}");
}

#[test]
fn secrets_of_a_login_are_masked_in_records() {
    let plan = plan(
        WS,
        "login = { post = \"http://h/\", headers = { A = \"s3cr3t {n}\" }, \
         json = { user = \"{device}\", pass = \"s3cr3t\", pin = 4711, grant = \"Bearer s3cr3t\" } }",
    );
    assert_eq!(
        plan.literal_secrets(),
        [
            "the value of the header field A",
            "the field pass in the login of phone",
            "the field pin in the login of phone",
        ]
    );
    let record = serde_json::to_string(&plan.without_secrets()).unwrap();
    assert!(
        !record.contains("s3cr3t") && !record.contains("4711"),
        "{record}"
    );
    assert!(
        record.contains("***{n}") && record.contains("\"{device}\""),
        "{record}"
    );
}

#[test]
fn literal_secrets_of_logins_and_queries_are_named_without_their_values() {
    let ws = "ws = [\"ws://a/{device}?key=s3cr3t&EIO=4\", \"ws://b/{device}?key=s3cr3t\"]";
    let data = "data = \"users.csv\"\n";
    for (target, login, places) in [
        (
            ws,
            "post = \"http://h/?token=s3cr3t&u={n}\"",
            &[
                "the value of the query parameter key",
                "the value of the query parameter token",
            ][..],
        ),
        (
            WS,
            "post = \"http://h/?token=${TOKEN}&room=lobby\", \
             form = { user = \"u-{n}\", password = \"{pass}\", grant_type = \"password\" }",
            &[],
        ),
        (
            WS,
            "post = \"http://h/\", form = { user = \"u-{n}\", apiKey = \"s3cr3t-{n}\" }",
            &["the field apiKey in the login of phone"],
        ),
        (
            WS,
            "post = \"http://h/\", body = \"user={device}&password=s3cr3t\"",
            &["the body in the login of phone"],
        ),
        (
            WS,
            "post = \"http://h/\", body = \"user={user}&password={pass}\"",
            &[],
        ),
    ] {
        let plan = plan(target, &format!("{data}login = {{ {login} }}"));
        assert_eq!(plan.literal_secrets(), places, "{login}");
        assert!(!plan.literal_secrets().join(" ").contains("s3cr3t"));
    }
}

#[test]
fn login_that_does_not_fit_together_is_rejected() {
    for (pool, what) in [
        (
            "login = { }",
            "devices.phone.login: a login without an address",
        ),
        (
            "login = { post = \"http://h/\", put = \"http://h/\" }",
            "devices.phone.login.put: a login with several addresses",
        ),
        (
            "login = { get = \"http://h/\", body = \"x\" }",
            "devices.phone.login.body: a body in a GET request",
        ),
        (
            "login = { post = \"http://h/\", body = \"x\", json = { a = 1 } }",
            "devices.phone.login.body: a login with several bodies",
        ),
        (
            "login = { post = \"http://h/\", expect = 101 }",
            "devices.phone.login.expect: out of range",
        ),
        (
            "login = { post = \"ws://h/\" }",
            "devices.phone.login.post: unknown scheme `ws`",
        ),
        (
            "login = { post = \"http://h/\", json = { at = 2020-01-01 } }",
            "devices.phone.login.json: a value that JSON does not have: a date or time",
        ),
        (
            "login = { post = \"http://h/\", take = { a = \"body\" } }",
            "devices.phone.login.take: `body` is not a place in an answer",
        ),
        (
            "login = { post = \"http://h/\", take = { device = \"cookie:a\" } }",
            "devices.phone.login.take: `device` hides the placeholder",
        ),
        (
            "login = { post = \"http://h/\", take = { a = \"regex:b\" } }",
            "devices.phone.login.take: a regular expression without a group",
        ),
        (
            "login = { post = \"http://{n}.h/\" }",
            "devices.phone.login.post: a host that differs from device to device",
        ),
        (
            "login = { post = \"http://h/{session}\", take = { session = \"cookie:a\" } }",
            "devices.phone.login.post: an unknown placeholder `{session}`",
        ),
        (
            "login = { post = \"http://h/\", json = { a = \"{nonce}\" } }",
            "devices.phone.login.json: `{nonce}` outside of a message",
        ),
        (
            "login = { post = \"http://h/\", form = { a = 1 } }",
            "devices.phone.login.form: not text in quotes",
        ),
    ] {
        let text = problems(WS, pool);
        assert!(
            text.contains(what) && text.contains("1 problem in"),
            "{pool}: {text}"
        );
    }
}

#[test]
fn placeholder_without_a_value_is_rejected_with_the_nearest_name() {
    check(
        "ws = \"ws://h/{usr}\"\nhttp = \"http://h/{pas}\"",
        "data = \"users.csv\"",
        expect![[r#"
            login.toml:5:6: target.ws: an unknown placeholder `{usr}`, in pool `phone`
              |
            5 | ws = "ws://h/{usr}"
              |      ^^^^^^^^^^^^^^
              = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`, `user`, `pass`
              = hint: did you mean `user`?

            login.toml:6:8: target.http: an unknown placeholder `{pas}`, in pool `phone`
              |
            6 | http = "http://h/{pas}"
              |        ^^^^^^^^^^^^^^^^
              = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`, `user`, `pass`
              = hint: did you mean `pass`?

            2 problems in login.toml"#]],
    );
    let pools = "[[devices]]\nname = \"other\"\ncount = 1\nramp = \"1/s\"";
    check(
        "ws = \"ws://h/{user}\"",
        &format!("data = \"users.csv\"\n{pools}"),
        expect![[r#"
            login.toml:5:6: target.ws: an unknown placeholder `{user}`, in pool `other`
              |
            5 | ws = "ws://h/{user}"
              |      ^^^^^^^^^^^^^^^
              = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`
              = hint: the text itself is written `{{user}`

            1 problem in login.toml"#]],
    );
}

#[test]
fn cluster_takes_no_data_and_no_login() {
    let text = "name = \"c\"\nduration = \"5s\"\n[cluster]\nnodes = 1\n[[devices]]\nname = \"a\"\n\
                count = 1\nramp = \"1/s\"\ndata = \"users.csv\"\nlogin = { post = \"http://h/\" }\n";
    let problems = parse(text).unwrap_err().to_string();
    for key in ["data", "login"] {
        let what = format!("devices.a.{key}: `{key}` for a cluster that the harness starts");
        assert!(problems.contains(&what), "{problems}");
    }
}

#[test]
fn publishers_over_http_need_an_address_without_a_device() {
    let publish = "[[publish]]\nname = \"p\"\npool = \"phone\"\ntopic = \"t\"\nfrom = \"rest\"\n\
                   rate = \"1/s\"\n";
    let target = "ws = \"ws://h/{device}\"\nhttp = \"http://h/{device}\"";
    let text = text(target, publish).replace("plain", "highwater");
    let problems = parse(&text).unwrap_err().to_string();
    let what = "target.http: a base address that differs from device to device";
    assert!(problems.contains(what), "{problems}");
}

#[test]
fn gate_on_logins_needs_a_login() {
    let gate = "[[gates]]\ncheck = \"login.failed == 0\"";
    let text = problems(WS, gate);
    let what = "login.failed cannot be measured here: no pool of the scenario logs in";
    assert!(text.contains(what), "{text}");
    plan(WS, &format!("login = {{ get = \"http://h/\" }}\n{gate}"));
}
