//! Network namespaces for tests that change the network.

use std::{
    env,
    process::{Command, Stdio},
};

/// Says that this process is in the namespace of its test.
const INSIDE: &str = "HIGHWATER_TEST_NAMESPACE";

/// Runs `body` in a network namespace of its own: it starts this test binary anew there, with
/// nothing but the test of this full name, which calls this function once more.
///
/// The shell script `prepare` runs in the namespace before. `body` may create further namespaces.
///
/// # Errors
/// The reason why this machine has no such namespace. The test is to be skipped then.
///
/// # Panics
/// If the test fails in the namespace.
pub fn run_in_namespace(test: &str, prepare: &str, body: impl FnOnce()) -> Result<(), String> {
    if env::var_os(INSIDE).is_some() {
        body();
        return Ok(());
    }
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let prepared = in_namespace(prepare).stdout(Stdio::null()).output();
    let prepared = prepared.map_err(|error| format!("cannot start unshare: {error}"))?;
    if !prepared.status.success() {
        let error = String::from_utf8_lossy(&prepared.stderr);
        return Err(format!("no network namespaces here: {error}"));
    }
    let script = format!("{{ {prepare}; }} >&2 && exec \"$0\" --exact {test} --nocapture");
    let mut inside = in_namespace(&script);
    let output = inside.arg(program).env(INSIDE, "1").output();
    let output = output.map_err(|error| format!("cannot start unshare: {error}"))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}");
    // A name that no test has would pass as well.
    assert!(text.contains("1 passed"), "{text}");
    Ok(())
}

/// A shell in a namespace in which it may do anything.
fn in_namespace(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]);
    command
}
