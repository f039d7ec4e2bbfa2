//! Lists as streams of bytes: cut into pieces of whole lines, which several threads read.

#[cfg(test)]
mod borders;
mod lines;
mod pieces;
#[cfg(test)]
mod tests;

use std::sync::Mutex;

use rayon::prelude::*;

use super::dual::AddrSet;
use super::entry::EntryError;
use super::list::{AddrList, Cleared, ListErrors, ListOptions};
use lines::{Family, Lines};
use pieces::{Decoding, MARK, Piece, Source, after_last_line, beginning, split_lines};

/// Bytes from which on two threads read faster than one.
const PARALLEL_FROM: usize = 1 << 18;
/// Bytes that one thread takes from a source at once: few enough to stay in its cache until they are read.
const PIECE: usize = 1 << 18;

/// Bytes of the longest line. No entry has a thousandth of it, but tables have cells with thousands of entries.
const MOST_LINE: usize = 4 << 20;

/// Reads a list piece by piece, as it comes from a file or pipe; see [`AddrList::parse`] for what it understands.
///
/// Only the entries are kept, not the text. A line that does not end within some megabytes ends the reading, so that
/// memory is bounded whatever comes.
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
    decoding: Decoding,
    /// The beginning of a line that did not end; nothing behind it is read.
    endless: Option<String>,
}

impl ListReader {
    /// A reader that has read nothing yet.
    pub fn new(options: ListOptions) -> Self {
        ListReader { options, ..Self::default() }
    }

    /// Reads the next piece. Pieces of some hundred kilobytes or more are read by several threads.
    pub fn push(&mut self, piece: &[u8]) {
        if self.endless.is_none() {
            let text = self.decoding.push(piece);
            self.push_text(&text);
        }
    }

    fn push_text(&mut self, mut piece: &[u8]) {
        if !self.open.is_empty() {
            let end = piece.iter().position(|&b| b == b'\n').map_or(piece.len(), |at| at + 1);
            self.open.extend_from_slice(&piece[..end]);
            piece = &piece[end..];
            if self.open.last() != Some(&b'\n') {
                return self.stop_if_endless();
            }
            let line = std::mem::take(&mut self.open);
            self.read_lines(&line);
        }
        let whole = after_last_line(piece).unwrap_or(0);
        self.read_lines(&piece[..whole]);
        self.open.extend_from_slice(&piece[whole..]);
        self.stop_if_endless();
    }

    fn stop_if_endless(&mut self) {
        if self.open.len() >= MOST_LINE {
            self.endless = Some(beginning(&self.open));
            self.open = Vec::new();
        }
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
        if self.endless.is_some() {
            return Ok(());
        }
        let open = std::mem::take(&mut self.open);
        let fill = std::mem::take(&mut self.decoding).around(fill);
        let mut source = Source::new(fill, open, self.parts.is_empty(), MOST_LINE);
        let mut first = Piece::new(size);
        if source.take(&mut first)? {
            // A list that fits into one buffer is not worth waking anyone.
            let threads = if source.ended() { 1 } else { rayon::current_num_threads() };
            source.put_back(first);
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
        (self.open, self.endless, self.decoding) = source.end();
        Ok(())
    }

    /// The list, once everything has been pushed.
    ///
    /// # Errors
    /// [`ListErrors`] with every line that is not understood, up to [`ListErrors::MOST`].
    pub fn finish(mut self) -> Result<AddrList, ListErrors> {
        if self.endless.is_none() {
            let rest = self.decoding.finish();
            self.push_text(&rest);
        }
        let line = std::mem::take(&mut self.open);
        self.read_lines(&line);
        let (mut v4, mut v6, mut errors) = (Family::new(), Family::new(), ListErrors::default());
        let (mut lines, mut cleared) = (0, Cleared::default());
        for part in self.parts {
            errors.append(part.errors, lines);
            cleared.append(part.cleared, lines);
            lines += part.lines;
            v4.append(part.v4);
            v6.append(part.v6);
        }
        if let Some(start) = self.endless {
            errors.push(lines + 1, &start, EntryError::TooLong { most: MOST_LINE });
        }
        if errors.total() > 0 {
            return Err(errors);
        }
        let entries = v4.len() + v6.len();
        Ok(AddrList { set: AddrSet { v4: v4.into_set(), v6: v6.into_set() }, entries, cleared })
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

impl std::fmt::Debug for ListReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListReader").field("options", &self.options).finish_non_exhaustive()
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
        let mut lines = Lines::with_room_for(piece.lines());
        lines.read(piece.lines(), relaxed);
        parts.push((piece.number(), lines));
    }
    Ok(parts)
}

impl AddrList {
    /// Reads a list.
    ///
    /// Each line holds a prefix (`192.0.2.0/24`), a range (`192.0.2.1-192.0.2.9`, both ends inclusive) or a single
    /// address. Blank lines, remarks (`#` or `;` to the end of the line), a byte order mark, CRLF line ends and UTF-16
    /// are understood. Both families may mix. So are many forms in which lists meet us: masks in place of lengths,
    /// tables with the address first, several prefixes in a line, lines of registries and sets; `docs/lists.md` has
    /// them all.
    ///
    /// # Errors
    /// [`ListErrors`] with every line that is not understood or may mean two things, up to [`ListErrors::MOST`];
    /// nothing is widened or left out silently.
    ///
    /// ```
    /// use tagwall::addr::{AddrList, ListOptions};
    /// let list = AddrList::parse(b"192.0.2.0/25 # first half\r\n192.0.2.128-192.0.2.255\n", ListOptions::default())?;
    /// assert_eq!(list.entries, 2);
    /// assert_eq!(list.set.prefixes().next().unwrap().to_string(), "192.0.2.0/24");
    ///
    /// let errors = AddrList::parse(b"10.0.0.1/24\nfoo\n", ListOptions::default()).unwrap_err();
    /// assert_eq!(errors.to_string(), "\
    /// line 1: 10.0.0.1/24: host bits are set; the prefix that holds this address is 10.0.0.0/24
    /// line 2: foo: not an IP address or prefix");
    /// # Ok::<(), tagwall::addr::ListErrors>(())
    /// ```
    pub fn parse(bytes: &[u8], options: ListOptions) -> Result<Self, ListErrors> {
        let mut reader = ListReader::new(options);
        reader.push(bytes);
        reader.finish()
    }
}
