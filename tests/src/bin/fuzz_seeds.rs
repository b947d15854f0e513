//! Writes the seeds of every fuzz target: `fuzz_seeds CORPUS` makes `CORPUS/<target>/seed-<n>`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::{env, fs};

use tidewire_tests::fuzz::{BODIES, seeds};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = env::args_os().nth(1).ok_or("where to? give the folder of the corpora")?;
    for (body, _) in BODIES {
        let folder = Path::new(&corpus).join(body);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds(body).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
