//! Whether a job can go on from a snapshot.

use std::fmt::{self, Display};

use super::{Job, Layout, Manifest};

/// Why a job can not go on from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is the state of another job.
    #[error("it is the state of another job{}", list(differences))]
    OtherJob {
        /// In what the two differ, as far as their descriptions say.
        differences: Vec<Difference>,
    },
    /// Its records are laid out otherwise.
    #[error("the layout of its records differs{}", list(differences))]
    OtherLayout {
        /// In what the two differ.
        differences: Vec<Difference>,
    },
}

/// Something that is one way in the snapshot and another way in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// How it is in the snapshot.
    pub snapshot: Option<String>,
    /// How it is in the job.
    pub job: Option<String>,
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "not set".to_owned());
        write!(f, "{} is {} there and {} here", self.what, side(&self.snapshot), side(&self.job))
    }
}

fn list(differences: &[Difference]) -> String {
    let texts: Vec<_> = differences.iter().map(Difference::to_string).collect();
    if texts.is_empty() { String::new() } else { format!(": {}", texts.join(", ")) }
}

impl Manifest {
    /// Says whether a job whose state has this layout can go on from here.
    ///
    /// # Errors
    /// It is another job, or another layout; the differences are named.
    pub fn fits(&self, job: &Job, layout: &Layout) -> Result<(), Refusal> {
        if self.job.fingerprint != job.fingerprint {
            return Err(Refusal::OtherJob { differences: self.job.differences(job) });
        }
        let differences = self.layout.differences(layout);
        if differences.is_empty() { Ok(()) } else { Err(Refusal::OtherLayout { differences }) }
    }
}

impl Job {
    fn differences(&self, job: &Self) -> Vec<Difference> {
        let (there, here) = (&self.description, &job.description);
        let mut what: Vec<_> = there.keys().chain(here.keys()).collect();
        what.sort_unstable();
        what.dedup();
        let differ = what.into_iter().filter(|what| there.get(*what) != here.get(*what));
        let difference = |what: &String| Difference {
            what: what.clone(),
            snapshot: there.get(what).cloned(),
            job: here.get(what).cloned(),
        };
        differ.map(difference).collect()
    }
}

impl Layout {
    fn differences(&self, job: &Self) -> Vec<Difference> {
        let texts = |layout: &Self| {
            [layout.version.to_string(), layout.records.clone(), layout.key_groups.to_string()]
        };
        let names = ["the layout's version", "the encoding of records", "the number of key groups"];
        let pairs = names.into_iter().zip(texts(self).into_iter().zip(texts(job)));
        let differ = pairs.filter(|(_, (there, here))| there != here);
        let difference = |(what, (there, here)): (&str, (String, String))| Difference {
            what: what.to_owned(),
            snapshot: Some(there),
            job: Some(here),
        };
        differ.map(difference).collect()
    }
}
