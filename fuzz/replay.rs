//! The fuzz targets' seeds, and with them everything they ever found, on a stable
//! compiler. Each crate's tests include this file.

use std::{
    fs::{self, DirEntry},
    path::Path,
};

/// A test for each target: a function that takes any bytes.
macro_rules! replay_seeds {
    ($of:ident: $($target:ident),+ $(,)?) => {
        $(
            #[test]
            fn $target() {
                replay::replay(stringify!($target), $of::$target);
            }
        )+
    };
}
pub(crate) use replay_seeds;

/// Runs a target on each of its seeds.
pub(crate) fn replay(target: &str, run: fn(&[u8])) {
    // Crates lie at different depths.
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("fuzz/seeds").join(target))
        .find(|seeds| seeds.is_dir())
        .expect("a folder of seeds");
    let files: Vec<DirEntry> = fs::read_dir(&seeds)
        .and_then(Iterator::collect)
        .expect("seeds that can be listed");
    assert!(!files.is_empty(), "{} is empty", seeds.display());
    for file in files {
        run(&fs::read(file.path()).expect("a seed that can be read"));
    }
}
