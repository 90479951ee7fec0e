//! A container of this machine, observed by its name. Without a container engine and a compiler
//! of C the test does nothing.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use highwater_loadgen::{
    access::CertVerification,
    sampling::{SampleTarget, Sampler},
};
use highwater_reports::record::{Interval, Source, SourceRole, names::gauge};

/// Bytes that the container's process, and its child, touch.
const TOUCHED: f64 = 8.0 * 1_048_576.0;

/// A program without libraries of its own, because an image from scratch has none.
const PROGRAM: &str = "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
    int main(void) { fork(); memset(malloc(8 << 20), 1, 8 << 20); pause(); return 0; }\n";

/// A container that is removed with its image when the test is over.
struct Container {
    name: String,
}

impl Container {
    /// Starts a container of two processes; `None` where this machine cannot.
    fn start(folder: &Path) -> Option<Self> {
        let name = format!("highwater-test-{}", std::process::id());
        let source = folder.join("program.c");
        std::fs::write(&source, PROGRAM).unwrap();
        let program = folder.join("program");
        let compiled = Command::new("cc")
            .args(["-static", "-O0", "-o"])
            .args([&program, &source])
            .output()
            .ok()?;
        if !compiled.status.success() || !docker(&["version"])?.status.success() {
            return None;
        }
        let archive = Command::new("tar")
            .arg("-C")
            .args([folder.as_os_str(), "-c".as_ref(), "program".as_ref()])
            .output()
            .ok()?;
        let mut import = Command::new("docker")
            .args(["import", "--change", "CMD [\"/program\"]", "-", &name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        import.stdin.take()?.write_all(&archive.stdout).ok()?;
        import.wait().ok()?;
        // Removed on any way out from here.
        let container = Self { name };
        container.run().then_some(container)
    }

    fn run(&self) -> bool {
        let name = &*self.name;
        let started = docker(&["run", "-d", "--network", "none", "--name", name, name]);
        started.is_some_and(|output| output.status.success())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "-f", &self.name]);
        docker(&["rmi", &self.name]);
    }
}

fn docker(arguments: &[&str]) -> Option<Output> {
    Command::new("docker").args(arguments).output().ok()
}

/// Samples until the sum over both processes is there.
async fn sample_of_both(sampler: &mut Sampler, targets: &[SampleTarget]) -> Interval {
    let sampled = async {
        loop {
            let sample = sampler.sample(0.0, targets).await.remove(0);
            let rss = sample.gauges.get(gauge::RSS);
            if rss.is_some_and(|rss| *rss >= 2.0 * TOUCHED) {
                return sample;
            }
            tokio::task::yield_now().await;
        }
    };
    let sampled = tokio::time::timeout(std::time::Duration::from_secs(30), sampled).await;
    sampled.expect("the memory of two processes")
}

#[tokio::test]
async fn container_is_sampled_with_its_children_and_found_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let Some(container) = Container::start(folder.path()) else {
        return;
    };
    let mut target = SampleTarget::new(Source::new(SourceRole::Node, "app"), None, None);
    target.scope.has_children = true;
    target.scope.container = Some(container.name.clone());
    let targets = [target];
    let mut sampler = Sampler::new(&CertVerification::NoTls).unwrap();

    let sample = sample_of_both(&mut sampler, &targets).await;
    assert_eq!(sample.gauges[gauge::UP], 1.0);
    assert!(sample.gauges.contains_key(gauge::CPU), "{sample:?}");

    docker(&["kill", &container.name]).unwrap();
    let stopped = sampler.sample(1.0, &targets).await.remove(0);
    assert_eq!(stopped.gauges[gauge::UP], 0.0, "{stopped:?}");

    docker(&["start", &container.name]).unwrap();
    sample_of_both(&mut sampler, &targets).await;
}
