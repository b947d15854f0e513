//! Many calls under a seeded plan of faults: whatever is told is compared with the server's folder.

use std::collections::BTreeMap;

use tidewire_snapshot::{Published, Store};
use tidewire_tests::s3::{Fault, seeded};

use super::{PART, Place, bytes, write};

const FAULTS: [Fault; 6] = [
    Fault::InternalError,
    Fault::ErrorAfter,
    Fault::SlowDown,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Truncate,
];

#[test]
fn whatever_is_told_is_true() {
    let (mut ok, mut failed) = (0, 0);
    for seed in 0..8 {
        let place = Place::healthy();
        place.proxy.set_plan(seeded(seed, 35, FAULTS.to_vec()));
        // What lies there for certain; a name whose last call failed is not certain.
        let mut certain = BTreeMap::new();
        for step in 0..40 {
            let name = format!("o-{}", step * 7 % 5);
            let length = if step % 10 == 3 { 2 * PART + step } else { step * 211 };
            let sent = bytes(length, seed << 32 | step as u64);
            let told = match (step + seed as usize) % 5 {
                0 | 1 => {
                    let told = write(&place.store, &name, &sent).map(|()| Some(sent));
                    changed(&mut certain, &name, told)
                }
                2 => {
                    let told = place.store.delete(&name).map(|()| None);
                    changed(&mut certain, &name, told)
                }
                3 => match place.store.put_new(&name, &sent) {
                    Ok(Published::Created) => {
                        let before = certain.insert(name.clone(), Some(sent));
                        assert!(
                            !matches!(before, Some(Some(_))),
                            "seed {seed}, {step}: it was there"
                        );
                        true
                    }
                    Ok(Published::Existed) => {
                        assert!(
                            certain.get(&name).is_none_or(Option::is_some),
                            "seed {seed}, {step}"
                        );
                        true
                    }
                    Err(_) => {
                        certain.remove(&name);
                        false
                    }
                },
                _ => {
                    let lies = place.object(&name);
                    let read = place.store.read(&name);
                    assert!(read.as_ref().map_or(true, |it| *it == lies), "seed {seed}, {step}");
                    let fetched = place.fetched(&name);
                    assert!(fetched.as_ref().map_or(true, |it| *it == lies), "seed {seed}, {step}");
                    let list = place.store.list(&name);
                    let length = lies.as_ref().map(|it| it.len() as u64);
                    let listed =
                        |it: &Vec<tidewire_snapshot::Stored>| it.first().map(|it| it.bytes);
                    assert!(
                        list.as_ref().map_or(true, |it| listed(it) == length),
                        "{seed}, {step}"
                    );
                    read.is_ok() && fetched.is_ok() && list.is_ok()
                }
            };
            if told {
                ok += 1
            } else {
                failed += 1
            }
            for (name, expected) in &certain {
                assert!(place.object(name) == *expected, "seed {seed}, step {step}: {name}");
            }
        }
    }
    assert!(ok > 5 * failed, "{ok} went well, {failed} failed");
}

type Certain = BTreeMap<String, Option<Vec<u8>>>;

fn changed<E>(certain: &mut Certain, name: &str, told: Result<Option<Vec<u8>>, E>) -> bool {
    let is_told = told.is_ok();
    match told {
        Ok(lies) => certain.insert(name.to_owned(), lies),
        Err(_) => certain.remove(name),
    };
    is_told
}
