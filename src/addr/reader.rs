//! Lists as streams of bytes, in and out.

use rayon::prelude::*;

use super::dual::AddrSet;
use super::family::Address;
use super::interval::Interval;
use super::list::{AddrList, Entry, EntryError, ListErrors, ListOptions, MAPPED};
use super::prefix::Prefix;
use super::set::IntervalSet;
use super::text::TextBuffer;

/// Bytes of a line of the usual length. Room that is not used is never touched and costs nothing.
const USUAL_LINE: usize = 15;
/// Bytes from which on two threads read faster than one.
const PARALLEL_FROM: usize = 1 << 18;

/// Reads a list piece by piece, as it comes from a file or pipe; see [`AddrList::parse`] for what it understands.
///
/// Only the entries are kept, not the text.
///
/// ```
/// use tagwall::addr::{ListOptions, ListReader};
/// let mut reader = ListReader::new(ListOptions::default());
/// reader.push(b"192.0.2.0/25\n192.0.");
/// reader.push(b"2.128/25");
/// let list = reader.finish()?;
/// assert_eq!(list.set.prefixes().next().unwrap().to_string(), "192.0.2.0/24");
/// # Ok::<(), tagwall::addr::ListErrors>(())
/// ```
#[derive(Debug, Default)]
pub struct ListReader {
    options: ListOptions,
    /// What was read, part by part; never put together, which would cost as much as sorting.
    parts: Vec<Lines>,
    /// The beginning of a line whose end has not come yet.
    open: Vec<u8>,
}

impl ListReader {
    /// A reader that has read nothing yet.
    pub fn new(options: ListOptions) -> Self {
        ListReader { options, ..Self::default() }
    }

    /// Reads the next piece. Pieces of some hundred kilobytes or more are read by several threads.
    pub fn push(&mut self, mut piece: &[u8]) {
        if !self.open.is_empty() {
            let end = piece.iter().position(|&b| b == b'\n').map_or(piece.len(), |at| at + 1);
            self.open.extend_from_slice(&piece[..end]);
            piece = &piece[end..];
            if self.open.last() != Some(&b'\n') {
                return;
            }
            let line = std::mem::take(&mut self.open);
            self.read_lines(&line);
        }
        let whole = piece.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        self.read_lines(&piece[..whole]);
        self.open.extend_from_slice(&piece[whole..]);
    }

    /// The list, once everything has been pushed.
    ///
    /// # Errors
    /// [`ListErrors`] with every line that is not understood, up to [`ListErrors::MOST`].
    pub fn finish(mut self) -> Result<AddrList, ListErrors> {
        let line = std::mem::take(&mut self.open);
        self.read_lines(&line);
        let (mut v4, mut v6, mut errors) = (Vec::new(), Vec::new(), ListErrors::default());
        let mut lines = 0;
        for part in self.parts {
            errors.append(part.errors, lines);
            lines += part.lines;
            v4.push(part.v4);
            v6.push(part.v6);
        }
        if errors.total() > 0 {
            return Err(errors);
        }
        let entries = v4.iter().map(Vec::len).sum::<usize>() + v6.iter().map(Vec::len).sum::<usize>();
        let set = AddrSet { v4: IntervalSet::from_parts(v4), v6: IntervalSet::from_parts(v6) };
        Ok(AddrList { set, entries })
    }

    /// Reads whole lines; the last may lack its end.
    fn read_lines(&mut self, mut bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.parts.is_empty() {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let relaxed = self.options.relaxed;
        if bytes.len() < PARALLEL_FROM || rayon::current_num_threads() == 1 {
            // Many small pieces go on with the part that is there.
            if self.parts.is_empty() {
                self.parts.push(Lines::default());
            }
            let part = self.parts.last_mut().expect("there is one now");
            return part.read(bytes, relaxed);
        }
        self.parts.par_extend(split_lines(bytes, rayon::current_num_threads() * 4).into_par_iter().map(
            |part| {
                let mut lines = Lines::default();
                // Room for lines of the usual length at once.
                lines.v4.reserve(part.len() / USUAL_LINE);
                lines.read(part, relaxed);
                lines
            },
        ));
    }
}

/// About `parts` pieces of similar size that end with a line.
fn split_lines(mut bytes: &[u8], parts: usize) -> Vec<&[u8]> {
    let share = bytes.len() / parts + 1;
    let mut out = Vec::with_capacity(parts);
    while bytes.len() > share {
        let end = bytes[share..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| share + at + 1);
        let (part, rest) = bytes.split_at(end);
        out.push(part);
        bytes = rest;
    }
    out.push(bytes);
    out
}

/// What some lines said.
#[derive(Debug, Default)]
struct Lines {
    v4: Vec<Interval<u32>>,
    v6: Vec<Interval<u128>>,
    errors: ListErrors,
    lines: usize,
}

impl Lines {
    fn read(&mut self, mut bytes: &[u8], relaxed: bool) {
        while !bytes.is_empty() {
            self.lines += 1;
            // A guess by the fifth byte saves most IPv6 lines from being tried as IPv4 first; it decides nothing.
            let used = if bytes.get(4) != Some(&b':')
                && let Some((interval, used)) = plain(bytes, relaxed)
            {
                self.v4.push(interval);
                used
            } else if let Some((interval, used)) = plain(bytes, relaxed)
                && !MAPPED.contains(interval.first())
            {
                self.v6.push(interval);
                used
            } else {
                let end = bytes.iter().position(|&b| b == b'\n').unwrap_or(bytes.len());
                self.read_line(&bytes[..end], relaxed);
                (end + 1).min(bytes.len())
            };
            bytes = &bytes[used..];
        }
    }

    /// Reads a line that may hold anything.
    #[cold]
    fn read_line(&mut self, line: &[u8], relaxed: bool) {
        let end = line.iter().position(|&b| b == b'#' || b == b';').unwrap_or(line.len());
        let Ok(text) = std::str::from_utf8(&line[..end]).map(str::trim) else {
            return self.errors.push(self.lines, &String::from_utf8_lossy(line), EntryError::NotText);
        };
        if text.is_empty() {
            return;
        }
        match Entry::parse(text, relaxed) {
            Ok(Entry::V4(interval)) => self.v4.push(interval),
            Ok(Entry::V6(interval)) => self.v6.push(interval),
            Err(error) => self.errors.push(self.lines, text, error),
        }
    }
}

/// Reads a line that is a right prefix or address of the family and nothing else; also returns how many bytes it
/// takes.
#[inline]
fn plain<A: Address>(bytes: &[u8], relaxed: bool) -> Option<(Interval<A>, usize)> {
    let (prefix, end) = Prefix::scan(bytes, relaxed)?;
    Some((prefix.interval(), line_end(bytes, end)?))
}

/// Where the next line begins if this one ends at `at`.
#[inline]
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at) {
        None => Some(at),
        Some(b'\n') => Some(at + 1),
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => Some(at + 2),
        _ => None,
    }
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The slow twin: every line by the reader that takes anything.
    fn obvious(bytes: &[u8], relaxed: bool) -> Lines {
        let mut lines = Lines::default();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            lines.lines += 1;
            lines.read_line(line.strip_suffix(b"\n").unwrap_or(line), relaxed);
        }
        lines
    }

    fn entry() -> impl Strategy<Value = String> {
        prop_oneof![
            (any::<u32>(), 0..34_u8).prop_map(|(a, l)| format!(
                "{}/{l}",
                std::net::Ipv4Addr::from(a & !u32::host_mask(l.min(32)))
            )),
            (any::<u32>(), 0..33_u8).prop_map(|(a, l)| format!("{}/{l}", std::net::Ipv4Addr::from(a))),
            any::<u32>().prop_map(|a| std::net::Ipv4Addr::from(a).to_string()),
            (any::<u128>(), 0..131_u8).prop_map(|(a, l)| format!(
                "{}/{l}",
                std::net::Ipv6Addr::from(a & !u128::host_mask(l.min(128)))
            )),
            (any::<u32>(), 0..5_u8).prop_map(|(a, l)| format!("::ffff:{a:x}/12{l}")),
            (any::<u32>(), any::<u32>()).prop_map(|(a, b)| format!(
                "{} - {}",
                std::net::Ipv4Addr::from(a),
                std::net::Ipv4Addr::from(b)
            )),
            "[0-9a-f:./-]{0,12}",
            Just("1.2.3.4/024".to_owned()),
            Just("2001:db8::/0128".to_owned()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn fast_lines_as_the_slow_twin(
            entries in prop::collection::vec((entry(), "( |\t|\r| # x| ; y|\u{a0}|\u{0})?", "(\n|\r\n)"), 0..40),
            bom: bool, open_end: bool, relaxed: bool, cut: prop::sample::Index,
        ) {
            let mut bytes = if bom { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
            entries.iter().for_each(|(a, b, c)| bytes.extend([a, b, c].map(|t| t.as_bytes()).concat()));
            if open_end {
                bytes.pop();
            }
            let slow = obvious(&bytes, relaxed);
            let mut reader = ListReader::new(ListOptions { relaxed });
            let cut = cut.index(bytes.len() + 1);
            reader.push(&bytes[..cut]);
            reader.push(&bytes[cut..]);
            match reader.finish() {
                Err(errors) => prop_assert_eq!(errors, slow.errors),
                Ok(list) => {
                    prop_assert_eq!(slow.errors.total(), 0);
                    prop_assert_eq!(list.entries, slow.v4.len() + slow.v6.len());
                    prop_assert_eq!(list.set.v4, IntervalSet::from_intervals(slow.v4));
                    prop_assert_eq!(list.set.v6, IntervalSet::from_intervals(slow.v6));
                }
            }
        }
    }

    #[test]
    fn many_lines_on_many_threads() {
        let mut lines = TextBuffer::new();
        for i in 0..100_000_u32 {
            lines.push_line(Prefix::host(i * 2));
            lines.push_line(Prefix::host(u128::from(i) << 90 | 1 << 100));
        }
        let mut bytes = lines.as_bytes().to_vec();
        let list = AddrList::parse(&bytes, ListOptions::default()).unwrap();
        assert_eq!(list.entries, 200_000);
        let mut out = Vec::new();
        list.set.write_text(|block| std::io::Write::write_all(&mut out, block)).unwrap();
        assert_eq!(AddrList::parse(&out, ListOptions::default()).unwrap().set, list.set);

        let middle = bytes.len() / 2 + bytes[bytes.len() / 2..].iter().position(|&b| b == b'\n').unwrap() + 1;
        let line = bytes[..middle].iter().filter(|&&b| b == b'\n').count() + 1;
        bytes.splice(middle..middle, *b"nonsense\n");
        let errors = AddrList::parse(&bytes, ListOptions::default()).unwrap_err();
        assert_eq!(errors.to_string(), format!("line {line}: nonsense: not an IP address or prefix"));
    }
}
