//! Reads the modules of a crate and the paths that each of them names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Item, ItemMod, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

/// Most steps from a path to its module, each through one name.
const MAX_STEPS: usize = 32;

/// The names of the modules from the crate's root down to one module.
type ModulePath = Vec<String>;

/// The modules of a crate, except those of its tests.
#[derive(Default)]
pub(crate) struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

/// The dependencies of one module, not yet resolved.
#[derive(Default)]
struct Module {
    /// The paths as they are written, such as `super::state::Node`.
    paths: Vec<Vec<String>>,
    /// The names that the module re-exports, and the path of each.
    reexports: BTreeMap<String, Vec<String>>,
}

impl Crate {
    /// Reads the modules that the file `root` declares.
    pub(crate) fn read(root: &Path) -> Self {
        let mut source = Self::default();
        let folder = root.parent().expect("a source file has a folder");
        source.read_file(root, folder, Vec::new());
        source
    }

    /// Returns each dependency of a module on another module.
    pub(crate) fn dependencies(&self) -> Vec<(ModulePath, ModulePath)> {
        let mut found = Vec::new();
        for (from, module) in &self.modules {
            for path in &module.paths {
                let target = self.resolve(from, path);
                found.extend(target.filter(|to| to != from).map(|to| (from.clone(), to)));
            }
        }
        found
    }

    fn read_file(&mut self, file: &Path, folder: &Path, path: ModulePath) {
        let text = fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        let parsed = syn::parse_file(&text)
            .unwrap_or_else(|error| panic!("cannot parse {}: {error}", file.display()));
        self.read_items(&parsed.items, folder, path);
    }

    fn read_items(&mut self, items: &[Item], folder: &Path, path: ModulePath) {
        let mut collector = Collector::default();
        for item in items {
            match item {
                Item::Mod(module) => self.read_module(module, folder, &path),
                other => collector.visit_item(other),
            }
        }
        self.modules.insert(path, collector.module);
    }

    fn read_module(&mut self, module: &ItemMod, folder: &Path, parent: &ModulePath) {
        // Tests may use any module.
        if is_test(&module.attrs) {
            return;
        }
        let name = module.ident.to_string();
        let below = folder.join(&name);
        let mut path = parent.clone();
        path.push(name);
        match &module.content {
            Some((_, items)) => self.read_items(items, &below, path),
            None => {
                let file = [below.with_extension("rs"), below.join("mod.rs")]
                    .into_iter()
                    .find(|file: &PathBuf| file.is_file());
                let file = file.unwrap_or_else(|| panic!("no file for {}", below.display()));
                self.read_file(&file, &below, path);
            }
        }
    }

    /// Returns the module that a path leads into, or `None` if that is outside the crate.
    fn resolve(&self, from: &ModulePath, path: &[String]) -> Option<ModulePath> {
        let (mut at, mut rest) = self.start(from, path)?;
        // Two modules may re-export each other's names, so the number of steps is bounded.
        for _ in 0..MAX_STEPS {
            let Some(name) = rest.first() else { break };
            let mut child = at.clone();
            child.push(name.clone());
            if self.modules.contains_key(&child) {
                (at, rest) = (child, rest[1..].to_vec());
                continue;
            }
            match self.modules.get(&at)?.reexports.get(name) {
                Some(full) => match self.start(&at, full) {
                    Some((start, tail)) => {
                        rest = tail.into_iter().chain(rest[1..].iter().cloned()).collect();
                        at = start;
                    }
                    None => break,
                },
                None => break,
            }
        }
        Some(at)
    }

    /// Resolves the leading `crate`, `self` or `super`, or a first name that is a child of
    /// `from`. Returns the module reached and the rest of the path.
    fn start(&self, from: &ModulePath, path: &[String]) -> Option<(ModulePath, Vec<String>)> {
        let first = path.first()?.as_str();
        match first {
            "crate" => Some((Vec::new(), path[1..].to_vec())),
            "self" => Some((from.clone(), path[1..].to_vec())),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let kept = from.len().checked_sub(ups)?;
                Some((from[..kept].to_vec(), path[ups..].to_vec()))
            }
            name => {
                let mut child = from.clone();
                child.push(name.to_owned());
                let is_child = self.modules.contains_key(&child);
                is_child.then(|| (from.clone(), path.to_vec()))
            }
        }
    }
}

/// A visitor that collects the paths of one module.
#[derive(Default)]
struct Collector {
    module: Module,
}

impl Collector {
    fn add_use(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_public: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_use(&path.tree, prefix, is_public);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, prefix, is_public);
                }
            }
            UseTree::Name(name) => self.add_name(prefix, &name.ident, &name.ident, is_public),
            UseTree::Rename(name) => self.add_name(prefix, &name.ident, &name.rename, is_public),
            UseTree::Glob(_) => self.module.paths.push(prefix.clone()),
        }
    }

    fn add_name(
        &mut self,
        prefix: &[String],
        name: &syn::Ident,
        exported: &syn::Ident,
        is_public: bool,
    ) {
        let mut full = prefix.to_vec();
        if name != "self" {
            full.push(name.to_string());
        }
        if is_public {
            let exported = exported.to_string();
            self.module.reexports.insert(exported, full.clone());
        }
        self.module.paths.push(full);
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.add_use(&item.tree, &mut Vec::new(), is_public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        self.module.paths.push(names.collect());
        visit::visit_path(self, path);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|name| name == "test")
    })
}
