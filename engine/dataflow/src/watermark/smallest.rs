//! The smallest of many numbers that change one at a time: a tree of the smaller of two.

/// Numbers by index. A change costs the logarithm of their count at most.
#[derive(Debug, Clone)]
pub(super) struct Smallest {
    /// Node 1 is the root, 2n and 2n + 1 stand below n, and the second half are the numbers.
    nodes: Vec<i64>,
}

impl Smallest {
    /// So many numbers, each the largest that there is.
    pub(super) fn new(count: usize) -> Self {
        Self { nodes: vec![i64::MAX; 2 * count.next_power_of_two()] }
    }

    /// The same numbers, and others behind them, up to a count of `count`.
    pub(super) fn grown(self, count: usize) -> Self {
        let mut grown = Self::new(count);
        for (index, number) in self.nodes[self.nodes.len() / 2..].iter().enumerate() {
            grown.set(index, *number);
        }
        grown
    }

    pub(super) fn set(&mut self, index: usize, number: i64) {
        let mut node = self.nodes.len() / 2 + index;
        self.nodes[node] = number;
        while node > 1 {
            let smaller = self.nodes[node].min(self.nodes[node ^ 1]);
            node /= 2;
            if self.nodes[node] == smaller {
                return;
            }
            self.nodes[node] = smaller;
        }
    }

    pub(super) fn smallest(&self) -> i64 {
        self.nodes[1]
    }

    /// The first index that has the smallest.
    pub(super) fn index(&self) -> usize {
        let mut node = 1;
        while 2 * node < self.nodes.len() {
            node = 2 * node + usize::from(self.nodes[2 * node] != self.nodes[node]);
        }
        node - self.nodes.len() / 2
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_smallest(changes in prop::collection::vec((0..20_usize, -9..9_i64), 1..100), grow_at in 0..100_usize) {
            let mut numbers = vec![i64::MAX; 5];
            let mut tree = Smallest::new(5);
            for (at, (index, number)) in changes.into_iter().enumerate() {
                if at == grow_at {
                    tree = tree.grown(20);
                    numbers.resize(20, i64::MAX);
                }
                let index = index % numbers.len();
                numbers[index] = number;
                tree.set(index, number);
                let smallest = numbers.iter().min().copied();
                prop_assert_eq!(Some(tree.smallest()), smallest);
                prop_assert_eq!(Some(tree.index()), numbers.iter().position(|it| Some(*it) == smallest));
            }
        }
    }

    #[test]
    fn one_number_is_a_tree_too() {
        let mut tree = Smallest::new(1);
        tree.set(0, 3);
        assert_eq!((tree.smallest(), tree.index()), (3, 0));
    }
}
