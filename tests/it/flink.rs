//! Flink is the judge: our answers to its queries are those that it gave, or those of `tests/flink/differs`.
//!
//! `TIDEWIRE_QUERY=44` asks one query only; `TIDEWIRE_KEEP=1` keeps what differs, for a reason to be written.

pub(crate) mod judge;

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

/// Queries with every kind of state.
const WITH_STATE: [&str; 16] = [
    "40-tumble-late",
    "41-tumble-aggregates",
    "44-hop",
    "46-cumulate",
    "47-session",
    "48-session-global",
    "49-having",
    "51-grouping-sets",
    "55-cascade",
    "60-over-range",
    "61-over-rows",
    "63-over-late-unbounded-rows",
    "64-lag",
    "87-distinct-in-window",
    "88-cascade-twice",
    "109-session-then-tumble",
];

#[test]
fn answers_do_not_depend_on_the_number_of_shards() {
    for name in WITH_STATE {
        let answer_on = |threads| answer(name, &Options { threads, ..Options::default() });
        let inline = answer_on(Threads::Inline);
        assert!(inline.as_ref().is_ok_and(|rows| rows.len() > 2), "{name}: {inline:?}");
        for shards in 1..=3 {
            assert_eq!(inline, answer_on(Threads::Shards(shards)), "{name} on {shards} shards");
        }
    }
}
