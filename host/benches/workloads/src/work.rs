//! Seven workloads that only compute. Compiled twice from this one source: into the component and into the benchmark.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

/// A few milliseconds of native computing each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    Fib,
    Sha256,
    Xorshift,
    Scan,
    Json,
    Sort,
    Matmul,
}

impl Workload {
    pub(crate) const ALL: [Self; 7] =
        [Self::Fib, Self::Sha256, Self::Xorshift, Self::Scan, Self::Json, Self::Sort, Self::Matmul];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fib => "fib",
            Self::Sha256 => "sha256",
            Self::Xorshift => "xorshift",
            Self::Scan => "scan",
            Self::Json => "json",
            Self::Sort => "sort",
            Self::Matmul => "matmul",
        }
    }

    /// Runs it once and returns a checksum of what it computed.
    pub(crate) fn run(self) -> u64 {
        match self {
            Self::Fib => fib(black_box(30)),
            Self::Sha256 => sha256(&random_bytes(1 << 20)),
            Self::Xorshift => random(4_000_000),
            Self::Scan => scan(&random_bytes(1 << 20)),
            Self::Json => json(),
            Self::Sort => sort(),
            Self::Matmul => matmul(),
        }
    }
}

/// The keys that the key-value benchmark reads in turn.
pub(crate) fn keys() -> Vec<String> {
    (0..100).map(|number| format!("key-{number:02}")).collect()
}

fn fib(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
}

/// Marsaglia's xorshift64.
struct Xorshift(u64);

impl Xorshift {
    fn new() -> Self {
        Self(black_box(0x9e37_79b9_7f4a_7c15))
    }

    fn step(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn random(steps: u32) -> u64 {
    let mut random = Xorshift::new();
    (0..steps).fold(0, |sum, _| random.step() ^ sum)
}

fn random_bytes(length: usize) -> Vec<u8> {
    let mut random = Xorshift::new();
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend_from_slice(&random.step().to_le_bytes());
    }
    bytes
}

/// Counts lines, 64 times over.
fn scan(bytes: &[u8]) -> u64 {
    let count = |newline: u8| bytes.iter().filter(|byte| **byte == newline).count() as u64;
    (0..64).map(|_| count(black_box(b'\n'))).sum()
}

#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
    paid: bool,
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    article: String,
    count: u32,
    price: f64,
}

/// Writes and reads 2,000 orders of four lines.
fn json() -> u64 {
    let line = |n: u32| Line { article: format!("article {n} \"of many\""), count: n % 7, price: f64::from(n) * 0.25 };
    let orders: Vec<Order> = (0..2_000)
        .map(|n| Order {
            id: u64::from(n),
            customer: format!("customer-{}", n % 97),
            paid: n % 3 == 0,
            lines: (n..n + 4).map(line).collect(),
        })
        .collect();
    let text = serde_json::to_vec(&orders).unwrap_or_default();
    let read: Vec<Order> = serde_json::from_slice(black_box(&text)).unwrap_or_default();
    let counted: u64 = read.iter().flat_map(|order| &order.lines).map(|line| u64::from(line.count)).sum();
    counted + read.iter().map(|order| order.id).sum::<u64>() + text.len() as u64
}

fn sort() -> u64 {
    let mut random = Xorshift::new();
    let mut numbers: Vec<u64> = (0..100_000).map(|_| random.step()).collect();
    numbers.sort_unstable();
    numbers.iter().step_by(97).fold(0, |sum, number| sum.rotate_left(3) ^ number)
}

/// Twice the product of two square matrices, row by row.
fn matmul() -> u64 {
    const SIZE: usize = 160;
    let mut random = Xorshift::new();
    let mut matrix = || -> Vec<f64> {
        (0..SIZE * SIZE).map(|_| f64::from((random.step() >> 40) as u32) / f64::from(1 << 24)).collect()
    };
    let (a, b) = (matrix(), matrix());
    let mut product = vec![0.0; SIZE * SIZE];
    for _ in 0..2 {
        for (row, out) in a.chunks_exact(SIZE).zip(product.chunks_exact_mut(SIZE)) {
            for (factor, line) in row.iter().zip(b.chunks_exact(SIZE)) {
                for (sum, value) in out.iter_mut().zip(line) {
                    *sum += factor * value;
                }
            }
        }
    }
    product.iter().fold(0, |sum, value| sum.rotate_left(1) ^ value.to_bits())
}

/// SHA-256 of FIPS 180-4 without the processor's own instructions, which no component can use. The first eight bytes.
fn sha256(message: &[u8]) -> u64 {
    let mut state = fractions(8, 1.0 / 2.0);
    let constants: [u32; 64] = fractions(64, 1.0 / 3.0).try_into().unwrap_or([0; 64]);
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        compress(&mut state, block, &constants);
    }
    u64::from(state[0]) << 32 | u64::from(state[1])
}

/// The first 32 bits of the fractional parts of the roots of the first `count` primes.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction of 1 times 2^32 is never negative and fits"
)]
fn fractions(count: usize, exponent: f64) -> Vec<u32> {
    let is_prime = |n: &u32| (2..*n).all(|divisor| !n.is_multiple_of(divisor));
    let root = |prime: u32| if exponent == 0.5 { f64::from(prime).sqrt() } else { f64::from(prime).cbrt() };
    (2..).filter(is_prime).take(count).map(|prime| (root(prime).fract() * 2_f64.powi(32)) as u32).collect()
}

fn compress(state: &mut [u32], block: &[u8], constants: &[u32; 64]) {
    let mut schedule = [0_u32; 64];
    for (word, bytes) in schedule.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes(bytes.try_into().unwrap_or([0; 4]));
    }
    for t in 16..64 {
        let (w2, w15) = (schedule[t - 2], schedule[t - 15]);
        let s1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10);
        let s0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3);
        schedule[t] = s1.wrapping_add(schedule[t - 7]).wrapping_add(s0).wrapping_add(schedule[t - 16]);
    }
    let mut working: [u32; 8] = (&*state).try_into().unwrap_or([0; 8]);
    for (word, constant) in schedule.iter().zip(constants) {
        let [a, b, c, d, e, f, g, h] = working;
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let t1 = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(*constant).wrapping_add(*word);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        working = [t1.wrapping_add(s0.wrapping_add(majority)), a, b, c, d.wrapping_add(t1), e, f, g];
    }
    for (sum, word) in state.iter_mut().zip(working) {
        *sum = sum.wrapping_add(word);
    }
}
