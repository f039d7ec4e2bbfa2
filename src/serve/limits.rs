//! [`Limits`]: what is granted to clients, and who has used it up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is granted to clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time of one client; an IPv6 client is a /64.
    pub connections_per_client: usize,
    /// Requests a second of one client, twice as many at once; 0 for any number.
    pub rate: u32,
    /// How long the head of a request may take, from the moment that it is waited for.
    pub head: Duration,
    /// How long a client may take nothing of an answer.
    pub stall: Duration,
    /// How many bytes the head of a request may have.
    pub head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 1_000,
            connections_per_client: 100,
            rate: 200,
            head: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            head_bytes: 16 << 10,
        }
    }
}

/// How many clients are remembered at most; more than that only come with forged addresses or from everywhere.
const REMEMBERED: usize = 20_000;

/// Who has used how much.
pub(super) struct Limiter {
    pub(super) limits: Limits,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
    open: Arc<Mutex<Open>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A connection that counts as long as it lives.
pub(super) struct Slot {
    open: Arc<Mutex<Open>>,
    client: Option<IpAddr>,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Limiter { limits, buckets: Mutex::default(), open: Arc::default() }
    }

    /// Whether a client may ask now; else after how many seconds. Nobody is counted who has no address.
    pub(super) fn ask(&self, client: Option<IpAddr>, now: Instant) -> Result<(), u32> {
        let rate = f64::from(self.limits.rate);
        let Some(client) = client.map(one_client).filter(|_| self.limits.rate > 0) else { return Ok(()) };
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= REMEMBERED {
            buckets.retain(|_, bucket| bucket.refilled(rate, now) < rate * 2.0);
            if buckets.len() >= REMEMBERED {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(client).or_insert(Bucket { left: rate * 2.0, at: now });
        *bucket = Bucket { left: bucket.refilled(rate, now), at: now };
        if bucket.left < 1.0 {
            return Err(1);
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// Room for a further connection, if there is some.
    pub(super) fn connect(&self, client: Option<IpAddr>) -> Option<Slot> {
        let client = client.map(one_client);
        let mut open = lock(&self.open);
        (open.all < self.limits.connections).then_some(())?;
        if let Some(client) = client {
            let own = open.by_client.entry(client).or_default();
            (*own < self.limits.connections_per_client).then_some(())?;
            *own += 1;
        }
        open.all += 1;
        Some(Slot { open: self.open.clone(), client })
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        lock(&self.open).all
    }
}

impl Bucket {
    fn refilled(&self, rate: f64, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + passed * rate).min(rate * 2.0)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all -= 1;
        let Some(client) = self.client else { return };
        if let Some(own) = open.by_client.get_mut(&client) {
            *own -= 1;
            if *own == 0 {
                open.by_client.remove(&client);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client has a whole /64 of IPv6.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_asks_too_often_waits_and_others_do_not() {
        let limiter = Limiter::new(Limits { rate: 2, ..Limits::default() });
        let (one, other) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        let start = Instant::now();
        let asked = (0..6).filter(|_| limiter.ask(one, start).is_ok()).count();
        assert_eq!(asked, 4);
        assert_eq!(limiter.ask(one, start), Err(1));
        assert_eq!(limiter.ask(other, start), Ok(()));
        assert_eq!(limiter.ask(None, start), Ok(()));
        assert_eq!(limiter.ask(one, start + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn connections_count_as_long_as_they_live() {
        let limits = Limits { connections: 3, connections_per_client: 2, ..Limits::default() };
        let limiter = Limiter::new(limits);
        let (one, same, other) =
            ("2001:db8::1".parse().ok(), "2001:db8::2".parse().ok(), "2001:db8:1::1".parse().ok());
        let first = limiter.connect(one).unwrap();
        let second = limiter.connect(same).unwrap();
        assert!(limiter.connect(one).is_none(), "the client has two");
        let third = limiter.connect(other).unwrap();
        assert!(limiter.connect(None).is_none(), "there are three");
        drop((first, third));
        assert_eq!(limiter.connections(), 1);
        let again = limiter.connect(same).unwrap();
        assert!(limiter.connect(one).is_none());
        drop((second, again));
        assert_eq!(limiter.connections(), 0);
        assert!(lock(&limiter.open).by_client.is_empty());
    }
}
