//! Flink is the judge: our answers to its queries are those that it gave, or those of `tests/flink/differs`.
//!
//! `TIDEWIRE_QUERY=44` asks one query only; `TIDEWIRE_KEEP=1` keeps what differs, for a reason to be written.

mod judge;

use tidewire::runtime::{Options, Threads};

use self::judge::{answer, compare, keep, queries};

#[test]
fn answers_are_those_of_flink() {
    let only = std::env::var("TIDEWIRE_QUERY").unwrap_or_default();
    let keeps = std::env::var_os("TIDEWIRE_KEEP").is_some();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for name in queries().iter().filter(|name| name.contains(&only)) {
        judged += 1;
        let options = Options { threads: Threads::Inline, ..Options::default() };
        let ours = answer(name, &options);
        if let Err(difference) = compare(name, &ours) {
            if keeps {
                keep(name, &ours);
            }
            wrong.push(format!("{name}: {difference}"));
        }
    }
    println!("{judged} queries");
    assert!(wrong.is_empty(), "{} of {judged} queries:\n{}", wrong.len(), wrong.join("\n"));
}
