//! Writes the seeds of every fuzz body: `fuzz_seeds CORPUS` makes `CORPUS/<body>/seed-<n>`, and prints the bodies' names.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::{env, fs};

use tidewire_tests::fuzz::{BODIES, seeds};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = env::args_os().nth(1).ok_or("where to? give the folder of the corpora")?;
    for &(body, _) in BODIES {
        let folder = Path::new(&corpus).join(body);
        fs::create_dir_all(&folder)?;
        println!("{body}");
        for (number, seed) in seeds(body).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
