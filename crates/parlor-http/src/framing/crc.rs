//! The checksum of event streams: CRC-32 as of ISO-HDLC, which zip and Ethernet use too.

/// The polynomial, its bits in reverse.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// How many bytes are taken at a time.
const STRIDE: usize = 8;

/// What each byte does to the remainder when so many bytes follow it in the same stride.
static TABLES: [[u32; 256]; STRIDE] = tables();

const fn tables() -> [[u32; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = (rest >> 1) ^ (POLYNOMIAL & (rest & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = rest;
        byte += 1;
    }
    let mut at = 1;
    while at < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[at - 1][byte];
            tables[at][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        at += 1;
    }
    tables
}

/// The checksum of bytes that come in pieces.
pub(super) struct Crc(u32);

impl Crc {
    pub(super) fn new() -> Self {
        Self(u32::MAX)
    }

    /// The same with more bytes.
    #[must_use]
    pub(super) fn with(self, bytes: &[u8]) -> Self {
        let (strides, rest) = bytes.as_chunks::<STRIDE>();
        let mut sum = self.0;
        for stride in strides {
            let number = u64::from_le_bytes(*stride) ^ u64::from(sum);
            sum = number
                .to_le_bytes()
                .iter()
                .zip(TABLES.iter().rev())
                .fold(0, |sum, (byte, table)| sum ^ table[usize::from(*byte)]);
        }
        let [table, ..] = &TABLES;
        for byte in rest {
            sum = (sum >> 8) ^ table[usize::from(*byte ^ sum.to_le_bytes()[0])];
        }
        Self(sum)
    }

    pub(super) fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_the_catalogue_s() {
        assert_eq!(Crc::new().with(b"123456789").value(), 0xcbf4_3926);
        assert_eq!(Crc::new().value(), 0);
    }

    #[test]
    fn it_is_the_same_however_the_bytes_are_cut() {
        let bytes: Vec<u8> = (0..100_u8).map(|at| at.wrapping_mul(37) ^ 0x5a).collect();
        for length in 0..bytes.len() {
            let expected = crc32fast::hash(&bytes[..length]);
            for cut in [0, 1, 7, 8, 9, length] {
                let (first, second) = bytes[..length].split_at(cut.min(length));
                assert_eq!(Crc::new().with(first).with(second).value(), expected);
            }
        }
    }
}
