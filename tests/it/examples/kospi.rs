//! Quotes in the order of their accept times.

use tidewire::prelude::*;
use tidewire_tests::shared_capture;

use super::kospi_reorder::{quotes, reorder};

#[test]
fn quotes_come_out_as_in_the_golden_file() {
    let name = |kind| format!("kospi/kospi200_20110216_0900_30s.{kind}.zst");
    let Some(unsorted) = shared_capture(&name("unsorted")) else { return };
    let Some(golden) = shared_capture(&name("sorted_by_accept_time.golden")) else { return };
    let golden = zstd::decode_all(std::fs::File::open(golden).unwrap()).unwrap();
    let (quotes, broken) = quotes(&unsorted).unwrap();
    assert_eq!((quotes.len(), broken), (16_004, 0));
    for threads in [Threads::Inline, Threads::Shards(1), Threads::Shards(2), Threads::Shards(5)] {
        let options = Options { threads, ..Options::default() };
        let (written, late) = reorder(quotes.clone(), Vec::new(), &options).unwrap();
        assert_eq!(late, 0);
        assert!(written == golden, "{threads:?}: not the bytes of the golden file");
    }
}
