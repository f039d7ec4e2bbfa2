//! Sets as text.

use super::dual::AddrSet;
use super::family::Address;
use super::interval::Interval;
use super::prefix::Prefix;
use super::print::TextBuffer;

/// Writes one prefix a line.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_prefixes<A: Address>(
    prefixes: impl IntoIterator<Item = Prefix<A>>,
    out: &mut dyn std::fmt::Write,
) -> std::fmt::Result {
    for prefix in prefixes {
        out.write_str(prefix.to_text().as_str())?;
        out.write_char('\n')?;
    }
    Ok(())
}

/// The size of the blocks that text is handed out in.
const BLOCK: usize = 1 << 16;

impl AddrSet {
    /// The fewest prefixes as text, one a line, in blocks of some ten kilobytes: IPv4 first, each family ascending.
    ///
    /// # Errors
    /// The first that `sink` reports; nothing is written behind it.
    ///
    /// ```
    /// use tagwall::addr::AddrSet;
    /// let mut out = Vec::new();
    /// AddrSet::all().write_text(|block| std::io::Write::write_all(&mut out, block))?;
    /// assert_eq!(out, b"0.0.0.0/0\n::/0\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_text<E>(&self, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut block = TextBuffer::new();
        write_family(self.v4.intervals(), &mut block, &mut sink)?;
        write_family(self.v6.intervals(), &mut block, &mut sink)?;
        if block.is_empty() { Ok(()) } else { sink(block.as_bytes()) }
    }
}

fn write_family<A: Address, E>(
    intervals: &[Interval<A>],
    block: &mut TextBuffer,
    sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for interval in intervals {
        for prefix in interval.prefixes() {
            block.push_line(prefix);
            if block.len() >= BLOCK {
                sink(block.as_bytes())?;
                block.clear();
            }
        }
    }
    Ok(())
}
