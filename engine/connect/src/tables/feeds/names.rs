//! Names that rows refer to by number.

use std::collections::HashMap;

/// Names, numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        match self.numbers.get(name) {
            Some(number) => *number,
            None => self.add(name),
        }
    }

    #[cold]
    fn add(&mut self, name: &str) -> u32 {
        let number = self.all.len() as u32;
        self.all.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    /// A name by its number.
    pub(super) fn name(&self, number: u32) -> &str {
        self.all.get(number as usize).map_or("", |name| name)
    }
}
