//! The bytes of a list in pieces of whole lines, in UTF-8 whatever they came in.

use std::borrow::Cow;
use std::ops::Range;

use crate::text::{Encoding, Utf16};

/// Bytes of which some are whole lines.
pub(super) struct Piece {
    bytes: Vec<u8>,
    lines: Range<usize>,
    number: usize,
}

impl Piece {
    pub(super) fn new(size: usize) -> Self {
        Piece { bytes: vec![0; size], lines: 0..0, number: 0 }
    }

    /// The whole lines.
    pub(super) fn lines(&self) -> &[u8] {
        &self.bytes[self.lines.clone()]
    }

    /// How many pieces came before.
    pub(super) fn number(&self) -> usize {
        self.number
    }
}

/// Where pieces come from.
pub(super) struct Source<F> {
    fill: Decoded<F>,
    /// What has come of a line whose end has not.
    open: Vec<u8>,
    /// Nothing was read before; a byte order mark may come.
    fresh: bool,
    ended: bool,
    taken: usize,
    /// A piece that was taken ahead.
    first: Option<Piece>,
    /// Bytes of the longest line.
    most: usize,
    /// The beginning of a line that did not end.
    endless: Option<String>,
}

impl<F> Source<F> {
    /// `open` is the beginning of a line that was read before; a mark may come if the text is `fresh`.
    pub(super) fn new(fill: Decoded<F>, open: Vec<u8>, fresh: bool, most: usize) -> Self {
        Source { fill, open, fresh, ended: false, taken: 0, first: None, most, endless: None }
    }

    /// Whether everything was taken.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Gives back a piece that the next call of [`take`](Self::take) gets.
    pub(super) fn put_back(&mut self, piece: Piece) {
        self.first = Some(piece);
    }

    /// The beginning of a line without end, that of one which is too long, and how the text goes on.
    pub(super) fn end(self) -> (Vec<u8>, Option<String>, Decoding) {
        (self.open, self.endless, self.fill.decoding)
    }

    /// Puts the next lines into `piece`, as many as fit but at least one; `false` if there is none.
    pub(super) fn take<E>(&mut self, piece: &mut Piece) -> Result<bool, E>
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
                let more = self.fill.next(&mut bytes[len..])?;
                self.ended = more == 0;
                len += more;
            }
            whole = after_last_line(&bytes[before..len]).map_or(0, |at| before + at);
            if whole == 0 && len >= self.most {
                self.endless = Some(beginning(bytes));
                (self.ended, len) = (true, 0);
            }
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

/// The byte order mark.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// Where the line behind the last whole one begins.
pub(super) fn after_last_line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|&b| b == b'\n').map(|at| at + 1)
}

/// About `parts` pieces of similar size that end with a line.
pub(super) fn split_lines(mut bytes: &[u8], parts: usize) -> Vec<&[u8]> {
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

/// What is shown of a line that does not end.
pub(super) fn beginning(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned()
}

/// How the text is written: known once two bytes have come.
pub(super) enum Decoding {
    /// At most one byte.
    Start(Vec<u8>),
    Plain,
    Wide(Utf16),
}

impl Default for Decoding {
    fn default() -> Self {
        Decoding::Start(Vec::new())
    }
}

impl Decoding {
    /// The next bytes in UTF-8.
    pub(super) fn push<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Decoding::Plain => Cow::Borrowed(piece),
            Decoding::Wide(decoder) => {
                let mut text = Vec::with_capacity(piece.len());
                decoder.push(piece, &mut text);
                Cow::Owned(text)
            }
            Decoding::Start(held) => {
                held.extend_from_slice(&piece[..piece.len().min(2)]);
                let Some(encoding) = Encoding::of(held) else { return Cow::Borrowed(&[]) };
                // What was there before this piece, if anything, is read with it.
                let rest = &piece[piece.len().min(2)..];
                let start = std::mem::take(held);
                *self = Utf16::new(encoding).map_or(Decoding::Plain, Decoding::Wide);
                match (&self, start.len() == 2) {
                    (Decoding::Plain, true) if piece.starts_with(&start) => Cow::Borrowed(piece),
                    _ => Cow::Owned(self.push(&[&start, rest].concat()).into_owned()),
                }
            }
        }
    }

    /// What the end of the text leaves.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match std::mem::replace(self, Decoding::Plain) {
            Decoding::Start(held) => held,
            Decoding::Plain => Vec::new(),
            Decoding::Wide(decoder) => {
                let mut text = Vec::new();
                decoder.finish(&mut text);
                text
            }
        }
    }

    /// The text that `fill` brings, in UTF-8.
    pub(super) fn around<F>(self, fill: F) -> Decoded<F> {
        Decoded { fill, decoding: self, text: Vec::new(), ended: false }
    }
}

/// A source of bytes, decoded. What is in UTF-8 goes straight to who asks.
pub(super) struct Decoded<F> {
    fill: F,
    decoding: Decoding,
    /// Text that was decoded and not taken yet.
    text: Vec<u8>,
    ended: bool,
}

impl<F> Decoded<F> {
    /// Puts the next bytes at the front of `buffer` and says how many; none at the end.
    fn next<E>(&mut self, buffer: &mut [u8]) -> Result<usize, E>
    where
        F: FnMut(&mut [u8]) -> Result<usize, E>,
    {
        while self.text.is_empty() {
            let count = if self.ended { 0 } else { (self.fill)(buffer)? };
            self.ended = count == 0;
            if self.ended || matches!(self.decoding, Decoding::Plain) {
                return Ok(count);
            }
            let text = match self.decoding.push(&buffer[..count]) {
                Cow::Borrowed(text) if text.len() == count => return Ok(count),
                text => text.into_owned(),
            };
            self.text = text;
        }
        let count = self.text.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        Ok(count)
    }
}
