//! [`Prefix`]: an address block in CIDR form, and [`IpPrefix`] for either family.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::family::Address;
use super::interval::Interval;
use super::print::{AddressText, Cursor, PrefixText};
use super::scan::scan_length;

/// A block of `2^(BITS - len)` addresses that share their first `len` bits.
///
/// Invariant: `len <= BITS` and every bit behind the first `len` is zero. Order: by address, then the
/// shorter (wider) prefix first.
///
/// ```
/// use tagwall::addr::Prefix;
/// let p: Prefix<u32> = "203.0.113.0/24".parse()?;
/// assert_eq!(p.first(), 0xcb00_7100);
/// assert_eq!(p.last(), 0xcb00_71ff);
/// assert!("203.0.113.1/24".parse::<Prefix<u32>>().is_err());
/// # Ok::<(), tagwall::addr::PrefixError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix<A> {
    addr: A,
    len: u8,
}

impl<A: Address> Prefix<A> {
    /// The prefix of `len` bits at `addr`.
    ///
    /// # Errors
    /// [`PrefixError::Length`] if `len` is more than the family has bits, [`PrefixError::HostBits`] if `addr`
    /// has bits set behind the prefix.
    pub fn new(addr: A, len: u8) -> Result<Self, PrefixError> {
        let prefix = Self::new_relaxed(addr, len)?;
        if prefix.addr == addr {
            Ok(prefix)
        } else {
            Err(PrefixError::HostBits { canonical: prefix.to_string() })
        }
    }

    /// The prefix of `len` bits that holds `addr`: host bits are cleared.
    ///
    /// # Errors
    /// [`PrefixError::Length`] if `len` is more than the family has bits.
    pub fn new_relaxed(addr: A, len: u8) -> Result<Self, PrefixError> {
        if len > A::BITS {
            return Err(PrefixError::Length { len: u32::from(len), max: A::BITS });
        }
        Ok(Prefix { addr: addr & !A::host_mask(len), len })
    }

    /// The prefix that holds one address only.
    #[inline]
    pub fn host(addr: A) -> Self {
        Prefix { addr, len: A::BITS }
    }

    /// The prefix of every address of the family.
    #[inline]
    pub fn all() -> Self {
        Prefix { addr: A::MIN, len: 0 }
    }

    /// For callers in `addr` that have aligned `addr` already.
    #[inline]
    pub(crate) fn from_aligned(addr: A, len: u8) -> Self {
        debug_assert!(len <= A::BITS && addr & A::host_mask(len) == A::MIN);
        Prefix { addr, len }
    }

    /// The first address, which is also the network address.
    #[inline]
    pub fn first(self) -> A {
        self.addr
    }

    /// The last address, inclusive.
    #[inline]
    pub fn last(self) -> A {
        self.addr | A::host_mask(self.len)
    }

    /// The prefix length in bits.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // a prefix is never empty
    pub fn len(self) -> u8 {
        self.len
    }

    /// The addresses of the prefix as a closed interval.
    #[inline]
    pub fn interval(self) -> Interval<A> {
        Interval::from_ordered(self.first(), self.last())
    }

    /// Whether every address of `other` is in this prefix.
    #[inline]
    pub fn contains(self, other: Self) -> bool {
        self.len <= other.len && other.addr & !A::host_mask(self.len) == self.addr
    }

    /// The prefix one bit shorter, or `None` for the whole space.
    pub fn parent(self) -> Option<Self> {
        let len = self.len.checked_sub(1)?;
        Some(Prefix { addr: self.addr & !A::host_mask(len), len })
    }

    /// Reads `address/length` or a single address. `relaxed` clears host bits instead of refusing them.
    ///
    /// # Errors
    /// What is wrong with the text; see [`PrefixError`].
    #[inline]
    pub fn parse(text: &str, relaxed: bool) -> Result<Self, PrefixError> {
        Self::parse_bytes(text.as_bytes(), relaxed)
    }

    /// [`parse`](Self::parse) of bytes.
    ///
    /// # Errors
    /// What is wrong with the text; see [`PrefixError`].
    #[inline]
    pub fn parse_bytes(text: &[u8], relaxed: bool) -> Result<Self, PrefixError> {
        match Self::quick(text, relaxed) {
            Some(prefix) => Ok(prefix),
            None => Self::parse_slowly(text, relaxed),
        }
    }

    #[inline]
    fn quick(text: &[u8], relaxed: bool) -> Option<Self> {
        let (addr, len) = A::scan_prefix(text)?;
        Self::right(addr, len, relaxed)
    }

    /// Judges what [`quick`](Self::quick) does not know.
    #[cold]
    fn parse_slowly(text: &[u8], relaxed: bool) -> Result<Self, PrefixError> {
        let (addr, len) = match text.iter().position(|&b| b == b'/') {
            None => (text, A::BITS),
            Some(slash) => (&text[..slash], parse_length(&text[slash + 1..], A::BITS)?),
        };
        let addr = A::parse_bytes(addr).ok_or(PrefixError::Address)?;
        if addr.is_mapped(len) {
            return Err(PrefixError::mapped(addr.to_u128() as u32, len));
        }
        if relaxed { Self::new_relaxed(addr, len) } else { Self::new(addr, len) }
    }

    /// Reads a right prefix or address at the start of `text`; also returns how many bytes it takes. What this
    /// quick reader does not know is for [`parse_bytes`](Self::parse_bytes) to judge.
    #[inline]
    pub(crate) fn scan(text: &[u8], relaxed: bool) -> Option<(Self, usize)> {
        let (addr, end) = A::scan(text)?;
        let (len, used) = scan_length(text, end, A::BITS)?;
        Some((Self::right(addr, len, relaxed)?, used))
    }

    /// The prefix, unless `len` is too long, it names IPv4 addresses in IPv6 notation, or host bits are set that are not
    /// to be cleared.
    #[inline]
    pub(crate) fn right(addr: A, len: u8, relaxed: bool) -> Option<Self> {
        if len > A::BITS || addr.is_mapped(len) {
            return None;
        }
        let prefix = Prefix { addr: addr & !A::host_mask(len), len };
        (relaxed || prefix.addr == addr).then_some(prefix)
    }

    /// The prefix as text, `address/length`.
    #[inline]
    pub fn to_text(self) -> AddressText {
        AddressText::of(|out| self.write_to(out))
    }
}

fn parse_length(text: &[u8], max: u8) -> Result<u8, PrefixError> {
    let digits = text.len() <= 3 && !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if !digits || (text.len() > 1 && text[0] == b'0') {
        return Err(PrefixError::LengthText);
    }
    let len = text.iter().fold(0, |len, digit| len * 10 + u32::from(digit - b'0'));
    match u8::try_from(len) {
        Ok(len) if len <= max => Ok(len),
        _ => Err(PrefixError::Length { len, max }),
    }
}

impl<A: Address> PrefixText for Prefix<A> {
    #[inline(always)] // as `TextBuffer::push_line`
    fn write_to(self, out: &mut Cursor<'_>) {
        self.addr.append_to(out);
        out.push_length(self.len);
    }
}

impl<A: Address> Ord for Prefix<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.addr.cmp(&other.addr).then(self.len.cmp(&other.len))
    }
}

impl<A: Address> PartialOrd for Prefix<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A: Address> fmt::Display for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_text().as_str())
    }
}

impl<A: Address> fmt::Debug for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<A: Address> FromStr for Prefix<A> {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text, false)
    }
}

/// Why a text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// The part before the slash is no address of the family.
    #[error("not an IP address or prefix")]
    Address,
    /// The part behind the slash is no plain decimal number.
    #[error("the prefix length is not a number")]
    LengthText,
    /// The length is more than the family has bits.
    #[error("prefix length {len} is more than {max}")]
    Length {
        /// The length as written.
        len: u32,
        /// The most that the family allows.
        max: u8,
    },
    /// Bits are set behind the prefix.
    #[error("host bits are set; the prefix that holds this address is {canonical}")]
    HostBits {
        /// The same prefix with its host bits cleared.
        canonical: String,
    },
    /// IPv4 addresses in IPv6 notation; see [`Address::is_mapped`].
    #[error("IPv4-mapped IPv6 address, which tools take for different things; if {v4} is meant, write that")]
    Mapped {
        /// The IPv4 address or prefix that it hides.
        v4: String,
    },
}

impl PrefixError {
    /// The error for a mapped address that hides `v4`, with its length in IPv6.
    pub(crate) fn mapped(v4: u32, len: u8) -> Self {
        let v4 = match len {
            // A length of IPv6 that is longer than the block leaves one of IPv4.
            97..128 => Prefix { addr: v4 & !u32::host_mask(len - 96), len: len - 96 }.to_string(),
            _ => std::net::Ipv4Addr::from(v4).to_string(),
        };
        PrefixError::Mapped { v4 }
    }
}

/// A prefix of either family. Order: IPv4 before IPv6, then by address, then the wider first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpPrefix {
    /// An IPv4 prefix.
    V4(Prefix<u32>),
    /// An IPv6 prefix.
    V6(Prefix<u128>),
}

impl IpPrefix {
    /// Reads a prefix or a single address of either family.
    ///
    /// # Errors
    /// What is wrong with the text; see [`PrefixError`].
    #[inline]
    pub fn parse(text: &str, relaxed: bool) -> Result<Self, PrefixError> {
        Self::parse_bytes(text.as_bytes(), relaxed)
    }

    /// [`parse`](Self::parse) of bytes, for readers that have no `str` yet.
    ///
    /// # Errors
    /// What is wrong with the text; see [`PrefixError`].
    #[inline]
    pub fn parse_bytes(text: &[u8], relaxed: bool) -> Result<Self, PrefixError> {
        // A guess by the fifth byte saves most IPv6 prefixes from being tried as IPv4 first; it decides nothing.
        let prefix = if text.get(4) == Some(&b':') {
            Prefix::quick(text, relaxed).map(IpPrefix::V6)
        } else {
            Prefix::quick(text, relaxed).map(IpPrefix::V4)
        };
        match prefix {
            Some(prefix) => Ok(prefix),
            None => Self::parse_slowly(text, relaxed),
        }
    }

    #[cold]
    fn parse_slowly(text: &[u8], relaxed: bool) -> Result<Self, PrefixError> {
        if text.contains(&b':') {
            Prefix::parse_bytes(text, relaxed).map(IpPrefix::V6)
        } else {
            Prefix::parse_bytes(text, relaxed).map(IpPrefix::V4)
        }
    }

    /// The prefix as text, `address/length`.
    #[inline]
    pub fn to_text(self) -> AddressText {
        AddressText::of(|out| self.write_to(out))
    }

    /// Whether this is an IPv4 prefix.
    pub fn is_v4(self) -> bool {
        matches!(self, IpPrefix::V4(_))
    }

    /// The prefix length in bits.
    #[allow(clippy::len_without_is_empty)] // a prefix is never empty
    pub fn len(self) -> u8 {
        match self {
            IpPrefix::V4(p) => p.len(),
            IpPrefix::V6(p) => p.len(),
        }
    }
}

impl PrefixText for IpPrefix {
    #[inline(always)] // as `TextBuffer::push_line`
    fn write_to(self, out: &mut Cursor<'_>) {
        match self {
            IpPrefix::V4(p) => p.write_to(out),
            IpPrefix::V6(p) => p.write_to(out),
        }
    }
}

impl IpPrefix {
    /// The prefix of one address.
    ///
    /// ```
    /// use tagwall::addr::IpPrefix;
    /// assert_eq!(IpPrefix::host("10.0.0.4".parse().unwrap()).to_string(), "10.0.0.4/32");
    /// assert_eq!(IpPrefix::host("2001:db8::1".parse().unwrap()).to_string(), "2001:db8::1/128");
    /// ```
    pub fn host(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => IpPrefix::V4(Prefix::host(address.into())),
            IpAddr::V6(address) => IpPrefix::V6(Prefix::host(address.into())),
        }
    }
}

impl From<Prefix<u32>> for IpPrefix {
    fn from(prefix: Prefix<u32>) -> Self {
        IpPrefix::V4(prefix)
    }
}

impl From<Prefix<u128>> for IpPrefix {
    fn from(prefix: Prefix<u128>) -> Self {
        IpPrefix::V6(prefix)
    }
}

impl FromStr for IpPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text, false)
    }
}

impl fmt::Display for IpPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IpPrefix::V4(p) => p.fmt(f),
            IpPrefix::V6(p) => p.fmt(f),
        }
    }
}

impl fmt::Debug for IpPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Prefix<u32>> for ipnet::Ipv4Net {
    fn from(p: Prefix<u32>) -> Self {
        ipnet::Ipv4Net::new(p.addr.into(), p.len).expect("a prefix length never exceeds 32")
    }
}

impl From<Prefix<u128>> for ipnet::Ipv6Net {
    fn from(p: Prefix<u128>) -> Self {
        ipnet::Ipv6Net::new(p.addr.into(), p.len).expect("a prefix length never exceeds 128")
    }
}

impl From<IpPrefix> for ipnet::IpNet {
    fn from(prefix: IpPrefix) -> Self {
        match prefix {
            IpPrefix::V4(p) => ipnet::IpNet::V4(p.into()),
            IpPrefix::V6(p) => ipnet::IpNet::V6(p.into()),
        }
    }
}

impl TryFrom<ipnet::Ipv4Net> for Prefix<u32> {
    type Error = PrefixError;

    /// Fails where `net` has host bits set, which `ipnet` allows.
    fn try_from(net: ipnet::Ipv4Net) -> Result<Self, PrefixError> {
        Prefix::new(net.addr().into(), net.prefix_len())
    }
}

impl TryFrom<ipnet::Ipv6Net> for Prefix<u128> {
    type Error = PrefixError;

    /// Fails where `net` has host bits set, which `ipnet` allows.
    fn try_from(net: ipnet::Ipv6Net) -> Result<Self, PrefixError> {
        Prefix::new(net.addr().into(), net.prefix_len())
    }
}

impl TryFrom<ipnet::IpNet> for IpPrefix {
    type Error = PrefixError;

    /// Fails where `net` has host bits set, which `ipnet` allows.
    fn try_from(net: ipnet::IpNet) -> Result<Self, PrefixError> {
        match net {
            ipnet::IpNet::V4(net) => Prefix::try_from(net).map(IpPrefix::V4),
            ipnet::IpNet::V6(net) => Prefix::try_from(net).map(IpPrefix::V6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_refuses_what_relaxed_clears() {
        let strict = Prefix::<u32>::parse("10.0.0.1/24", false);
        assert_eq!(strict, Err(PrefixError::HostBits { canonical: "10.0.0.0/24".into() }));
        assert_eq!(Prefix::<u32>::parse("10.0.0.1/24", true).unwrap().to_string(), "10.0.0.0/24");
    }

    #[test]
    fn odd_texts_are_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0/8",
            "10.0.0.0/8 ",
            "010.0.0.0/8",
        ] {
            assert!(text.parse::<Prefix<u32>>().is_err(), "{text:?}");
        }
        for text in ["::/129", "::1/64", "fe80::%1/64", "1::2::3/64", ":::/0"] {
            assert!(text.parse::<Prefix<u128>>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_judged_by_the_slow_reader_as_by_the_quick_one() {
        // Dotted decimal in IPv6 is only known to the slow one.
        assert_eq!("::0.0.0.0/0".parse::<Prefix<u128>>().unwrap().to_string(), "::/0");
        assert_eq!("::0.0.0.0/8".parse::<Prefix<u128>>().unwrap().to_string(), "::/8");
        for text in ["", "a", "+8", "08", "00", "0128", "1234"] {
            assert_eq!(
                format!("::/{text}").parse::<Prefix<u128>>(),
                Err(PrefixError::LengthText),
                "{text:?}"
            );
            assert_eq!(
                format!("0.0.0.0/{text}").parse::<Prefix<u32>>(),
                Err(PrefixError::LengthText),
                "{text:?}"
            );
        }
        assert_eq!("0.0.0.0/:".parse::<Prefix<u32>>(), Err(PrefixError::LengthText));
        let long = Err(PrefixError::Length { len: 129, max: 128 });
        assert_eq!("::/129".parse::<Prefix<u128>>(), long);
        assert_eq!("::ffff:192.0.2.1/129".parse::<Prefix<u128>>(), long);
        let mapped = Err(PrefixError::Mapped { v4: "192.0.3.0/24".to_owned() });
        assert_eq!("::ffff:192.0.3.9/120".parse::<Prefix<u128>>(), mapped);
    }

    #[test]
    fn parents_hold_both_halves_and_halves_no_parent() {
        let halves = ["198.18.0.0/16", "198.19.0.0/16"].map(|text| text.parse::<Prefix<u32>>().unwrap());
        let parent: Prefix<u32> = "198.18.0.0/15".parse().unwrap();
        for half in halves {
            assert_eq!(half.parent(), Some(parent));
            assert!(parent.contains(half) && !half.contains(parent));
        }
        assert!(!halves[0].contains(halves[1]) && !halves[1].contains(halves[0]));
        let beside: Prefix<u32> = "198.20.0.0/24".parse().unwrap();
        assert!(!parent.contains(beside) && !beside.contains(parent));
    }

    #[test]
    fn containment_at_the_ends() {
        let all = Prefix::<u32>::all();
        let top: Prefix<u32> = "255.255.255.255/32".parse().unwrap();
        assert!(all.contains(top) && !top.contains(all) && top.contains(top));
        assert_eq!(all.last(), u32::MAX);
        assert_eq!(all.parent(), None);
    }
}
