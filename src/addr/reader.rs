//! Lists as streams of bytes, in and out.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use super::dual::AddrSet;
use super::family::Address;
use super::interval::Interval;
use super::list::{AddrList, Entry, EntryError, ListErrors, ListOptions, MAPPED};
use super::prefix::Prefix;
use super::print::TextBuffer;
#[cfg(target_arch = "x86_64")]
use super::scan::vectors;
use super::set::IntervalSet;
use super::words::Words;

/// Bytes of a line of the usual length. Room that is not used is never touched and costs nothing.
const USUAL_LINE: usize = 15;
/// Bytes from which on two threads read faster than one.
const PARALLEL_FROM: usize = 1 << 18;
/// Bytes that one thread takes from a source at once: few enough to stay in its cache until they are read.
const PIECE: usize = 1 << 18;

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
#[derive(Default)]
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
        let whole = after_last_line(piece).unwrap_or(0);
        self.read_lines(&piece[..whole]);
        self.open.extend_from_slice(&piece[whole..]);
    }

    /// Reads everything that `fill` brings: each call puts the next bytes at the front of a buffer and says how many,
    /// none at the end. Lists of more than some hundred kilobytes are read by several threads, which take turns in
    /// filling their buffers; that many buffers, not the whole text, are in memory.
    ///
    /// # Errors
    /// The first that `fill` reports; the list is of no use then.
    ///
    /// ```
    /// use tagwall::addr::{ListOptions, ListReader};
    /// let mut file = "192.0.2.0/25\n192.0.2.128/25".as_bytes();
    /// let mut reader = ListReader::new(ListOptions::default());
    /// reader.read_from(|buffer| std::io::Read::read(&mut file, buffer))?;
    /// assert_eq!(reader.finish().unwrap().entries, 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_from<E: Send>(
        &mut self,
        fill: impl FnMut(&mut [u8]) -> Result<usize, E> + Send,
    ) -> Result<(), E> {
        self.read_pieces(fill, PIECE)
    }

    fn read_pieces<E: Send>(
        &mut self,
        fill: impl FnMut(&mut [u8]) -> Result<usize, E> + Send,
        size: usize,
    ) -> Result<(), E> {
        let open = std::mem::take(&mut self.open);
        let mut source =
            Source { fill, open, fresh: self.parts.is_empty(), ended: false, taken: 0, first: None };
        let mut first = Piece::new(size);
        if source.take(&mut first)? {
            // A list that fits into one buffer is not worth waking anyone.
            let threads = if source.ended { 1 } else { rayon::current_num_threads() };
            source.first = Some(first);
            let source = Mutex::new(&mut source);
            let work = |_| read_turns(&source, size, self.options.relaxed);
            let parts: Result<Vec<_>, E> = match threads {
                1 => work(0).map(|parts| vec![parts]),
                _ => (0..threads).into_par_iter().with_max_len(1).map(work).collect(),
            };
            let mut parts: Vec<_> = parts?.into_iter().flatten().collect();
            parts.sort_unstable_by_key(|&(number, _)| number);
            self.parts.extend(parts.into_iter().map(|(_, lines)| lines));
        }
        self.open = source.open;
        Ok(())
    }

    /// The list, once everything has been pushed.
    ///
    /// # Errors
    /// [`ListErrors`] with every line that is not understood, up to [`ListErrors::MOST`].
    pub fn finish(mut self) -> Result<AddrList, ListErrors> {
        let line = std::mem::take(&mut self.open);
        self.read_lines(&line);
        let (mut v4, mut v6, mut errors) = (Family::new(), Family::new(), ListErrors::default());
        let mut lines = 0;
        for part in self.parts {
            errors.append(part.errors, lines);
            lines += part.lines;
            v4.append(part.v4);
            v6.append(part.v6);
        }
        if errors.total() > 0 {
            return Err(errors);
        }
        let entries = v4.len() + v6.len();
        Ok(AddrList { set: AddrSet { v4: v4.into_set(), v6: v6.into_set() }, entries })
    }

    /// Reads whole lines; the last may lack its end.
    fn read_lines(&mut self, mut bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.parts.is_empty() {
            bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
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
                let mut lines = Lines::with_room_for(part);
                lines.read(part, relaxed);
                lines
            },
        ));
    }
}

/// Bytes of which some are whole lines.
struct Piece {
    bytes: Vec<u8>,
    lines: Range<usize>,
    number: usize,
}

impl Piece {
    fn new(size: usize) -> Self {
        Piece { bytes: vec![0; size], lines: 0..0, number: 0 }
    }
}

/// Where pieces come from.
struct Source<F> {
    fill: F,
    /// What has come of a line whose end has not.
    open: Vec<u8>,
    /// Nothing was read before; a byte order mark may come.
    fresh: bool,
    ended: bool,
    taken: usize,
    /// A piece that was taken ahead.
    first: Option<Piece>,
}

impl<F> Source<F> {
    /// Puts the next lines into `piece`, as many as fit but at least one; `false` if there is none.
    fn take<E>(&mut self, piece: &mut Piece) -> Result<bool, E>
    where
        F: FnMut(&mut [u8]) -> Result<usize, E>,
    {
        if let Some(first) = self.first.take() {
            *piece = first;
            return Ok(true);
        }
        let bytes = &mut piece.bytes;
        let mut len = self.open.len();
        if bytes.len() < len {
            bytes.resize(len, 0);
        }
        bytes[..len].copy_from_slice(&self.open);
        let mut whole = 0;
        while !self.ended && whole == 0 {
            // A line that is longer than the room so far.
            if len == bytes.len() {
                bytes.resize(len * 2, 0);
            }
            let before = len;
            while !self.ended && len < bytes.len() {
                // Nobody asks a source again that has failed.
                self.ended = true;
                let more = (self.fill)(&mut bytes[len..])?;
                self.ended = more == 0;
                len += more;
            }
            whole = after_last_line(&bytes[before..len]).map_or(0, |at| before + at);
        }
        self.open.clear();
        self.open.extend_from_slice(&bytes[whole..len]);
        let mark = if self.fresh && bytes[..whole].starts_with(MARK) { MARK.len() } else { 0 };
        self.fresh &= whole == 0;
        (piece.lines, piece.number) = (mark..whole, self.taken);
        self.taken += 1;
        Ok(whole > 0)
    }
}

/// Reads pieces until none is left, each with its number; other threads take those between.
fn read_turns<E, F: FnMut(&mut [u8]) -> Result<usize, E>>(
    source: &Mutex<&mut Source<F>>,
    size: usize,
    relaxed: bool,
) -> Result<Vec<(usize, Lines)>, E> {
    let (mut piece, mut parts) = (Piece::new(size), Vec::new());
    while source.lock().expect("whoever panics ends everything").take(&mut piece)? {
        let bytes = &piece.bytes[piece.lines.clone()];
        let mut lines = Lines::with_room_for(bytes);
        lines.read(bytes, relaxed);
        parts.push((piece.number, lines));
    }
    Ok(parts)
}

/// The byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Where the line behind the last whole one begins.
fn after_last_line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|&b| b == b'\n').map(|at| at + 1)
}

impl std::fmt::Debug for ListReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListReader").field("options", &self.options).finish_non_exhaustive()
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

/// The entries of one family, part by part; never put together, which would cost as much as sorting.
struct Family<A: Address> {
    prefixes: Vec<Words<A>>,
    others: Vec<Interval<A>>,
}

impl<A: Address> Family<A> {
    fn new() -> Self {
        Family { prefixes: Vec::new(), others: Vec::new() }
    }

    fn append(&mut self, mut part: Entries<A>) {
        self.prefixes.push(part.prefixes);
        self.others.append(&mut part.others);
    }

    fn len(&self) -> usize {
        self.prefixes.iter().map(Words::len).sum::<usize>() + self.others.len()
    }

    fn into_set(self) -> IntervalSet<A> {
        let prefixes = IntervalSet::from_words(self.prefixes);
        if self.others.is_empty() {
            prefixes
        } else {
            prefixes.union(&IntervalSet::from_intervals(self.others))
        }
    }
}

/// Entries of one family.
struct Entries<A: Address> {
    prefixes: Words<A>,
    /// Ranges, and the whole space.
    others: Vec<Interval<A>>,
}

impl<A: Address> Default for Entries<A> {
    fn default() -> Self {
        Entries { prefixes: Words::default(), others: Vec::new() }
    }
}

impl<A: Address> Entries<A> {
    #[inline]
    fn push(&mut self, prefix: Prefix<A>) {
        if prefix.len() == 0 {
            self.others.push(prefix.interval());
        } else {
            self.prefixes.push(prefix);
        }
    }
}

/// What some lines said.
#[derive(Default)]
struct Lines {
    v4: Entries<u32>,
    v6: Entries<u128>,
    errors: ListErrors,
    lines: usize,
}

impl Lines {
    /// Room for lines of the usual length, of the family of the first.
    fn with_room_for(bytes: &[u8]) -> Self {
        let (mut lines, number) = (Lines::default(), bytes.len() / USUAL_LINE);
        let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        if first.contains(&b':') {
            lines.v6.prefixes.reserve(number);
        } else {
            lines.v4.prefixes.reserve(number);
        }
        lines
    }

    fn read(&mut self, mut bytes: &[u8], relaxed: bool) {
        #[cfg(target_arch = "x86_64")]
        {
            bytes = vectors::lines(bytes, &mut Reading { lines: self, relaxed });
        }
        while !bytes.is_empty() {
            bytes = &bytes[self.read_first(bytes, relaxed)..];
        }
    }

    /// Reads the first line; returns how many bytes it has with its end.
    fn read_first(&mut self, bytes: &[u8], relaxed: bool) -> usize {
        self.lines += 1;
        // A guess by the fifth byte saves most IPv6 lines from being tried as IPv4 first; it decides nothing.
        if bytes.get(4) != Some(&b':')
            && let Some((prefix, used)) = plain(bytes, relaxed)
        {
            self.v4.push(prefix);
            used
        } else if let Some((prefix, used)) = plain::<u128>(bytes, relaxed)
            && !MAPPED.contains(prefix.first())
        {
            self.v6.push(prefix);
            used
        } else {
            let end = bytes.iter().position(|&b| b == b'\n').unwrap_or(bytes.len());
            self.read_line(&bytes[..end], relaxed);
            (end + 1).min(bytes.len())
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
            Ok(Entry::V4(interval)) => self.v4.others.push(interval),
            Ok(Entry::V6(interval)) => self.v6.others.push(interval),
            Err(error) => self.errors.push(self.lines, text, error),
        }
    }
}

/// Lines while they are read by vectors.
#[cfg(target_arch = "x86_64")]
struct Reading<'a> {
    lines: &'a mut Lines,
    relaxed: bool,
}

#[cfg(target_arch = "x86_64")]
impl vectors::Lines for Reading<'_> {
    #[inline]
    fn v4(&mut self, addr: u32, len: u8) -> bool {
        let prefix = Prefix::right(addr, len, self.relaxed);
        self.lines.lines += usize::from(prefix.is_some());
        prefix.map(|prefix| self.lines.v4.push(prefix)).is_some()
    }

    #[inline]
    fn v6(&mut self, addr: u128, len: u8) -> bool {
        let prefix = Prefix::right(addr, len, self.relaxed).filter(|prefix| !MAPPED.contains(prefix.first()));
        self.lines.lines += usize::from(prefix.is_some());
        prefix.map(|prefix| self.lines.v6.push(prefix)).is_some()
    }

    fn other(&mut self, bytes: &[u8]) -> usize {
        self.lines.read_first(bytes, self.relaxed)
    }
}

/// Reads a line that is a right prefix or address of the family and nothing else; also returns how many bytes it
/// takes.
#[inline]
fn plain<A: Address>(bytes: &[u8], relaxed: bool) -> Option<(Prefix<A>, usize)> {
    let (prefix, end) = Prefix::scan(bytes, relaxed)?;
    Some((prefix, line_end(bytes, end)?))
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
    use std::convert::Infallible;

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

    /// Line by line, as on a machine without vectors.
    fn portably(bytes: &[u8], relaxed: bool) -> Result<AddrList, ListErrors> {
        let mut lines = Lines::default();
        let mut bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
        while !bytes.is_empty() {
            bytes = &bytes[lines.read_first(bytes, relaxed)..];
        }
        ListReader { parts: vec![lines], ..ListReader::default() }.finish()
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
            (any::<u16>(), 0..9_u8).prop_map(|(a, l)| format!("0000::ffff:{a:x}:0/12{l}")),
            (any::<u16>(), 0..9_u8).prop_map(|(a, l)| format!("0000::ffff:1:{a:x}/12{l}")),
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

    /// Brings at most seven bytes at once.
    fn slowly(mut bytes: &[u8]) -> impl FnMut(&mut [u8]) -> Result<usize, Infallible> + Send {
        move |buffer| {
            let len = bytes.len().min(buffer.len()).min(7);
            buffer[..len].copy_from_slice(&bytes[..len]);
            bytes = &bytes[len..];
            Ok(len)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn fast_lines_as_the_slow_twin(
            entries in prop::collection::vec((entry(), "( |\t|\r| # x| ; y|\u{a0}|\u{0})?", "(\n|\r\n)"), 0..40),
            bom: bool, open_end: bool, relaxed: bool, cut: prop::sample::Index, size in prop::option::of(1..200_usize),
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
            match size {
                None => reader.push(&bytes[cut..]),
                Some(size) => reader.read_pieces(slowly(&bytes[cut..]), size).unwrap(),
            }
            let list = reader.finish();
            prop_assert_eq!(&portably(&bytes, relaxed), &list);
            match list {
                Err(errors) => prop_assert_eq!(errors, slow.errors),
                Ok(list) => {
                    prop_assert_eq!(slow.errors.total(), 0);
                    prop_assert_eq!(list.entries, slow.v4.others.len() + slow.v6.others.len());
                    prop_assert_eq!(list.set.v4, IntervalSet::from_intervals(slow.v4.others));
                    prop_assert_eq!(list.set.v6, IntervalSet::from_intervals(slow.v6.others));
                }
            }
        }
    }

    #[test]
    fn a_source_that_fails_or_never_ends_its_line() {
        let text = "192.0.2.0/24\n".repeat(100_000);
        for good in [0, 1, 20, 4000] {
            let mut left = good;
            let mut fine = slowly(text.as_bytes());
            let mut reader = ListReader::new(ListOptions::default());
            let failed = reader.read_pieces(
                |buffer| {
                    left -= 1;
                    assert!(left >= -1, "asked again");
                    if left < 0 {
                        Err("the disk is gone")
                    } else {
                        fine(buffer).map_err(|never| match never {})
                    }
                },
                64,
            );
            assert_eq!(failed, Err("the disk is gone"));
        }
        // Behind a source may come more, also of the same line.
        let mut reader = ListReader::new(ListOptions::default());
        reader.push(b"192.0.2.0");
        reader.read_pieces(slowly(b"/25\n192.0.2.1"), 64).unwrap();
        reader.read_pieces(slowly(b""), 64).unwrap();
        reader.read_pieces(slowly(b"28/2"), 1).unwrap();
        reader.push(b"5");
        assert_eq!(reader.finish().unwrap().set.prefixes().next().unwrap().to_string(), "192.0.2.0/24");
        // A byte order mark is one at the very beginning only.
        let mut reader = ListReader::new(ListOptions::default());
        reader.read_pieces(slowly("\u{feff}1.0.0.0/8\n\u{feff}2.0.0.0/8\n".as_bytes()), 13).unwrap();
        assert_eq!(reader.finish().unwrap_err().lines()[0].line, 2);
        let long = format!("192.0.2.0/24{}# a comment\n192.0.3.0/24", " ".repeat(300_000));
        let mut reader = ListReader::new(ListOptions::default());
        reader.read_pieces(slowly(long.as_bytes()), 64).unwrap();
        assert_eq!(reader.finish().unwrap().set.prefixes().next().unwrap().to_string(), "192.0.2.0/23");
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
