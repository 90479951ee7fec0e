//! The archive of a release: the program without its symbols, man pages, completions, scenarios,
//! and the licences of the crates in it.
//!
//! ```text
//! target/dist/
//!   root/…                                      what the archive and the Debian package hold
//!   highwater-VERSION-ARCH-SYSTEM.tar.gz        the archive
//!   highwater-VERSION-ARCH-SYSTEM.tar.gz.sha256 its checksum, in the form of sha256sum
//! ```

mod third_party;

use std::{
    env::consts::{ARCH, OS},
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::steps::{cargo, step};

const FOLDER: &str = "target/dist";
const PROGRAM: &str = "target/release/highwater";

/// The shells, and the files in which Debian looks for their completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/highwater"),
    ("zsh", "zsh/vendor-completions/_highwater"),
    ("fish", "fish/vendor_completions.d/highwater.fish"),
];

#[derive(Args)]
pub(crate) struct DistOptions {
    /// Features of the program, such as aws,kafka
    #[arg(long, default_value = "")]
    features: String,
}

/// Builds the program and packs the archive.
pub(crate) fn run(options: &DistOptions) -> Result<()> {
    let mut build = cargo("build --release --locked --package highwater --features");
    step("release build", build.arg(&options.features))?;
    let root = Path::new(FOLDER).join("root");
    clear(&root)?;
    let bin = root.join("bin");
    fs::create_dir_all(&bin)?;
    let mut strip = Command::new("strip");
    strip.args([PROGRAM, "-o"]).arg(bin.join("highwater"));
    step("symbols", &mut strip)?;
    lay_out(&root.join("share"))?;
    let licences = third_party::licences(&options.features)?;
    fs::write(root.join("share/doc/highwater/THIRD-PARTY.txt"), licences)?;
    let archive = archive(&root)?;
    eprintln!("{}", archive.display());
    Ok(())
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

/// Writes everything but the program.
fn lay_out(share: &Path) -> Result<()> {
    let mut man = Command::new(PROGRAM);
    man.args(["man", "--out"]).arg(share.join("man/man1"));
    step("man pages", &mut man)?;
    for (shell, file) in COMPLETIONS {
        let file = share.join(file);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        let mut completions = Command::new(PROGRAM);
        completions
            .args(["completions", shell])
            .stdout(File::create(file)?);
        step(&format!("completions of {shell}"), &mut completions)?;
    }
    let doc = share.join("doc/highwater");
    let scenarios = share.join("highwater/scenarios");
    for folder in [&doc, &scenarios] {
        fs::create_dir_all(folder)?;
    }
    for page in ["README.md", "CHANGELOG.md", "LICENSE"] {
        fs::copy(page, doc.join(page)).with_context(|| format!("cannot copy {page}"))?;
    }
    for entry in fs::read_dir("scenarios")? {
        let path = entry?.path();
        let is_scenario = path.extension().is_some_and(|end| end == "toml");
        if let Some(name) = path
            .file_name()
            .filter(|name| is_scenario && *name != "Cargo.toml")
        {
            fs::copy(&path, scenarios.join(name))?;
        }
    }
    Ok(())
}

/// Packs the folder, and writes the checksum beside the archive.
fn archive(root: &Path) -> Result<PathBuf> {
    let name = format!("highwater-{}-{ARCH}-{OS}", env!("CARGO_PKG_VERSION"));
    let file = format!("{name}.tar.gz");
    let path = Path::new(FOLDER).join(&file);
    let mut tar = Command::new("tar");
    // Owner and order do not depend on the machine.
    tar.args([
        "--create",
        "--gzip",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
    ]);
    tar.arg(format!("--transform=s,^\\.,{name},"));
    tar.arg("--file")
        .arg(&path)
        .arg("--directory")
        .arg(root)
        .arg(".");
    step("archive", &mut tar)?;
    let mut sum = Command::new("sha256sum");
    sum.arg(&file).current_dir(FOLDER);
    let output = sum.output().context("cannot start sha256sum")?;
    fs::write(path.with_added_extension("sha256"), output.stdout)?;
    Ok(path)
}
