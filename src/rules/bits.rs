//! Bit sets as rows of 64-bit words.

/// Bit sets of one length, in one allocation.
#[derive(Debug, Clone)]
pub(super) struct BitRows {
    words: usize,
    rows: usize,
    data: Vec<u64>,
}

impl BitRows {
    /// No rows yet; each will hold `bits` bits.
    pub(super) fn with_bits(bits: usize) -> Self {
        BitRows { words: bits.div_ceil(64), rows: 0, data: Vec::new() }
    }

    /// `rows` empty sets of `bits` bits.
    pub(super) fn zeros(rows: usize, bits: usize) -> Self {
        let words = bits.div_ceil(64);
        BitRows { words, rows, data: vec![0; rows * words] }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Words per row.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    #[inline]
    pub(super) fn row(&self, row: usize) -> &[u64] {
        &self.data[row * self.words..][..self.words]
    }

    #[inline]
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u64] {
        &mut self.data[row * self.words..][..self.words]
    }

    /// Appends a copy of `row`.
    pub(super) fn push(&mut self, row: &[u64]) {
        debug_assert_eq!(row.len(), self.words);
        self.data.extend_from_slice(row);
        self.rows += 1;
    }

    #[inline]
    pub(super) fn set(&mut self, row: usize, bit: usize) {
        self.row_mut(row)[bit / 64] |= 1 << (bit % 64);
    }

    /// For each row of `choice`, the union of the rows of `self` whose numbers are set in it.
    pub(super) fn gathered(&self, choice: &BitRows) -> BitRows {
        let mut out =
            BitRows { words: self.words, rows: choice.rows, data: vec![0; choice.rows * self.words] };
        for row in 0..choice.rows {
            for pick in ones(choice.row(row).iter().copied()) {
                out.row_mut(row).iter_mut().zip(self.row(pick)).for_each(|(out, word)| *out |= word);
            }
        }
        out
    }

    /// The rows as columns: bit `r` of row `b` of the result is bit `b` of row `r` here.
    pub(super) fn transposed(&self, bits: usize) -> BitRows {
        let mut out = BitRows::zeros(bits, self.rows);
        for row in 0..self.rows {
            for bit in ones(self.row(row).iter().copied()) {
                out.set(bit, row);
            }
        }
        out
    }
}

/// The positions of the bits that are set, ascending.
pub(super) fn ones<I: Iterator<Item = u64>>(words: I) -> Ones<I> {
    // The first word taken moves the base to zero.
    Ones { words, base: usize::MAX - 63, word: 0 }
}

/// See [`ones`].
pub(super) struct Ones<I> {
    words: I,
    /// The position of the lowest bit of `word`.
    base: usize,
    /// The bits of the current word that have not been returned.
    word: u64,
}

impl<I: Iterator<Item = u64>> Iterator for Ones<I> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.word = self.words.next()?;
            self.base = self.base.wrapping_add(64);
        }
        let bit = self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(self.base + bit)
    }
}

/// The position of the lowest bit that is set.
pub(super) fn lowest(words: impl Iterator<Item = u64>) -> Option<usize> {
    ones(words).next()
}

/// The lowest `count` bits, all set.
pub(super) fn filled(count: usize) -> Vec<u64> {
    let mut bits = vec![u64::MAX; count.div_ceil(64)];
    if let Some(last) = bits.last_mut()
        && !count.is_multiple_of(64)
    {
        *last = (1 << (count % 64)) - 1;
    }
    bits
}

pub(super) fn is_subset(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a & !b == 0)
}

pub(super) fn overlaps(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}

pub(super) fn is_zero(a: &[u64]) -> bool {
    a.iter().all(|&word| word == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_across_words() {
        let bits = [1 | 1 << 63, 0, 1 << 5];
        assert_eq!(ones(bits.into_iter()).collect::<Vec<_>>(), [0, 63, 133]);
        assert_eq!(lowest([0, 4].into_iter()), Some(66));
        assert_eq!(lowest([].into_iter()), None);
    }

    #[test]
    fn filled_stops_at_the_count() {
        for count in [0, 1, 63, 64, 65, 128] {
            assert_eq!(ones(filled(count).into_iter()).count(), count);
        }
    }

    #[test]
    fn transposing_twice_is_the_identity() {
        let mut rows = BitRows::zeros(3, 70);
        for (row, bit) in [(0, 0), (0, 69), (2, 64)] {
            rows.set(row, bit);
        }
        let twice = rows.transposed(70).transposed(3);
        assert!((0..3).all(|r| twice.row(r) == rows.row(r)));
    }
}
