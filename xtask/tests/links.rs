//! The pages lead to each other: every relative link, every anchor and every path that a page
//! names exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

/// A Markdown page without its fenced code, which holds no links.
struct Page {
    /// The path from the root of the repository.
    path: PathBuf,
    prose: String,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn pages() -> Vec<Page> {
    let mut list = Command::new("git");
    list.args(["ls-files", "*.md"]).current_dir(root());
    let output = list.output().expect("git");
    assert!(output.status.success(), "{output:?}");
    let paths = String::from_utf8(output.stdout).expect("paths in UTF-8");
    let exists = |path: &&str| root().join(path).is_file();
    paths.lines().filter(exists).map(Page::read).collect()
}

impl Page {
    fn read(path: &str) -> Self {
        let path = PathBuf::from(path);
        let text = fs::read_to_string(root().join(&path)).expect("a page");
        let prose = without_fenced_code(&text);
        Self { path, prose }
    }

    /// Returns the targets of the links to files and headings of this repository.
    fn links(&self) -> impl Iterator<Item = &str> {
        let behind = self.prose.split("](").skip(1);
        let targets = behind.filter_map(|rest| rest.split([')', ' ', '\n']).next());
        targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
    }

    /// Returns the file that a link names, from the root, and its anchor.
    fn resolve<'l>(&self, link: &'l str) -> (PathBuf, Option<&'l str>) {
        let (path, anchor) = match link.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor)),
            None => (link, None),
        };
        if path.is_empty() {
            return (self.path.clone(), anchor);
        }
        let folder = self.path.parent().expect("a file is in a folder");
        (normalized(&folder.join(path)), anchor)
    }

    /// Returns the anchors that GitHub gives to the headings.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose.lines().filter(|line| line.starts_with('#'));
        let mut anchors = BTreeSet::new();
        for heading in headings {
            let anchor = anchor_of(heading.trim_start_matches('#').trim());
            let numbered = (1..).map(|number| format!("{anchor}-{number}"));
            let mut forms = std::iter::once(anchor.clone()).chain(numbered);
            // A second heading of the same name gets a number.
            let free = forms.find(|form| !anchors.contains(form));
            anchors.extend(free);
        }
        anchors
    }
}

fn without_fenced_code(text: &str) -> String {
    let mut is_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    let prose: Vec<&str> = text.lines().filter(is_prose).collect();
    prose.join("\n")
}

fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}

/// Returns the anchor of a heading: lower case, hyphens for spaces, no punctuation. A link in
/// it counts by its text.
fn anchor_of(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        text += before;
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text += rest;
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .collect::<String>()
        .to_lowercase()
}

/// Returns the forms of a path with `{a,b}` in it.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let Some((choices, after)) = rest.split_once('}') else {
        return vec![path.to_owned()];
    };
    let forms = choices
        .split(',')
        .flat_map(|choice| expanded(&format!("{before}{choice}{after}")));
    forms.collect()
}

#[test]
fn every_link_and_anchor_resolves() {
    let pages = pages();
    let mut dead = Vec::new();
    let mut count = 0;
    for page in &pages {
        for link in page.links() {
            count += 1;
            let (target, anchor) = page.resolve(link);
            let has_anchor = || {
                let linked = pages.iter().find(|page| page.path == target);
                anchor
                    .is_none_or(|anchor| linked.is_none_or(|page| page.anchors().contains(anchor)))
            };
            if !root().join(&target).exists() || !has_anchor() {
                dead.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(
        dead.is_empty(),
        "links that lead nowhere:\n{}",
        dead.join("\n")
    );
    assert!(count > 100, "only {count} links were found");
}

#[test]
fn readme_links_every_page_of_the_documents() {
    let pages = pages();
    let readme = pages
        .iter()
        .find(|page| page.path == Path::new("README.md"));
    let readme = readme.expect("a README");
    let linked: BTreeSet<PathBuf> = readme.links().map(|link| readme.resolve(link).0).collect();
    let documents = pages
        .iter()
        .map(|page| &page.path)
        .filter(|path| path.starts_with("docs"));
    let missing: Vec<&PathBuf> = documents.filter(|path| !linked.contains(*path)).collect();
    assert!(missing.is_empty(), "README.md does not link {missing:?}");
}

#[test]
fn every_path_that_a_page_names_exists() {
    let folders: BTreeSet<String> = fs::read_dir(root())
        .expect("the root")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let mut missing = Vec::new();
    for page in pages() {
        // Every second part is between backquotes.
        let spans = page.prose.split('`').skip(1).step_by(2);
        for span in spans {
            let Some((folder, _)) = span.split_once('/') else {
                continue;
            };
            // `target/` is the build's, and a name in capitals stands for any name.
            let is_pattern = span.contains([' ', '*', '<', ':']) || has_placeholder(span);
            if folder == "target" || !folders.contains(folder) || is_pattern {
                continue;
            }
            let gone = expanded(span)
                .into_iter()
                .filter(|path| !root().join(path).exists());
            missing.extend(gone.map(|path| format!("{}: {path}", page.path.display())));
        }
    }
    assert!(
        missing.is_empty(),
        "paths that do not exist:\n{}",
        missing.join("\n")
    );
}

/// Whether a part of a path is written in capitals, as `MODULE`, except for file names such as
/// `README.md`.
fn has_placeholder(path: &str) -> bool {
    let mut parts = path.split(['/', '.']).filter(|part| !part.is_empty());
    let is_capital = |part: &str| part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    !path.ends_with(".md") && parts.any(is_capital)
}

#[test]
fn anchors_are_formed_as_github_forms_them() {
    for (heading, anchor) in [
        ("Minute 9: your own system", "minute-9-your-own-system"),
        ("`[[devices]]`", "devices"),
        ("From [k6](a.md), Artillery", "from-k6-artillery"),
        ("Schema 1 and schema 2", "schema-1-and-schema-2"),
    ] {
        assert_eq!(anchor_of(heading), anchor);
    }
}
