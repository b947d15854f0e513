//! Flink is the judge: our answers to its queries are those that it gave.

mod judge;

use tidewire::runtime::{Options, Threads};

use self::judge::{answer, compare, queries};

#[test]
fn answers_are_those_of_flink() {
    let only = std::env::var("TIDEWIRE_QUERY").unwrap_or_default();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for name in queries().iter().filter(|name| name.contains(&only)) {
        judged += 1;
        let options = Options { threads: Threads::Inline, ..Options::default() };
        if let Err(difference) = compare(name, &answer(name, &options)) {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    println!("{judged} queries");
    assert!(wrong.is_empty(), "{} of {judged} queries:\n{}", wrong.len(), wrong.join("\n"));
}
