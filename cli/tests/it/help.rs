//! Snapshots of the help texts, the completions and the man pages.
//!
//! The help texts are files in `tests/help/`; `UPDATE_EXPECT=1` writes them
//! anew.

use std::{fs, path::Path, process::Stdio};

use expect_test::expect_file;

use crate::harness::highwater;

/// Columns of the narrowest terminal that a help text fits.
const COLUMNS: usize = 80;

fn stdout(arguments: &[&str]) -> String {
    let output = highwater(arguments).output().expect("highwater starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Returns all commands below `above`, as the help text of `above` lists them.
fn commands(above: &[String]) -> Vec<Vec<String>> {
    let arguments: Vec<&str> = above.iter().map(String::as_str).chain(["--help"]).collect();
    let help = stdout(&arguments);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut commands = vec![above.to_vec()];
    for line in listed.take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().expect("a name");
        // The continuation of a description is indented further than a command.
        if line.starts_with("   ") || name == "help" {
            continue;
        }
        commands.extend(self::commands(&[above, &[name.to_owned()]].concat()));
    }
    commands
}

#[test]
fn help_has_examples_and_fits_a_terminal() {
    let commands = commands(&[]);
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        for (flag, name) in [("-h", "short"), ("--help", "long")] {
            let words = command.iter().map(String::as_str);
            let text = stdout(&words.chain([flag]).collect::<Vec<_>>());
            assert!(text.contains("Example"), "{command:?}:\n{text}");
            let wide = text.lines().find(|line| line.chars().count() > COLUMNS);
            assert_eq!(wide, None, "{command:?}");
            let file = match command.as_slice() {
                [] => format!("highwater.{name}.txt"),
                command => format!("{}.{name}.txt", command.join("-")),
            };
            expect_file![Path::new("../help").join(file)].assert_eq(&text);
        }
    }
}

#[test]
fn completions_load_in_bash() {
    use std::{io::Write, process::Command};

    let script = stdout(&["completions", "bash"]);
    let mut bash = Command::new("bash")
        .arg("-c")
        // Sources the script, asks for completions of `highwater ch`, prints them.
        .arg(
            "source /dev/stdin; COMP_WORDS=(highwater ch); COMP_CWORD=1; \
              _highwater highwater ch highwater; echo \"${COMPREPLY[@]}\"",
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash starts");
    let mut stdin = bash.stdin.take().expect("a pipe");
    stdin.write_all(script.as_bytes()).expect("bash reads");
    drop(stdin);
    let output = bash.wait_with_output().expect("bash ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "check");
}

#[test]
fn completions_exist_for_each_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("no-progress"), "{shell}: {script}");
    }
}

#[test]
fn man_page_exists_for_each_command() {
    let main = stdout(&["man"]);
    assert!(main.starts_with(".ie"), "{main}");
    assert!(main.contains(".SH SYNOPSIS"), "{main}");

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man/man1");
    stdout(&["man", "--out", out.to_str().unwrap()]);
    for command in commands(&[]) {
        let page = [&["highwater".to_owned()], command.as_slice()].concat();
        let page = fs::read_to_string(out.join(page.join("-")).with_extension("1")).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
        assert!(page.contains("Example"), "{page}");
    }
}
