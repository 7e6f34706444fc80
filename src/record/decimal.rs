//! Numbers as JSON states them: the shortest text that reads back as the same double, found quickly for the numbers
//! that records are full of: amounts of money, whole numbers, and scores of six digits.
//!
//! A decimal of at most 15 digits that reads back as a double is the shortest text of it, because no two such
//! decimals read as the same double.

/// Powers of ten that scale a score to a whole number.
const TENS: [f64; 13] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// Appends a finite number with the bytes that `serde_json` writes.
pub(super) fn write(buffer: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    match places(size) {
        Some((scaled, places)) => write_decimal(buffer, value.is_sign_negative(), size as u64, scaled, places),
        None => buffer.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes()),
    }
}

/// How many decimal places state the number, not all of which need be used, and the number times that power of ten.
fn places(size: f64) -> Option<(u64, usize)> {
    if size < 1e12 {
        let hundredths = (size * 100.0 + 0.5) as u64;
        if hundredths as f64 / 100.0 == size {
            return Some((hundredths, 2));
        }
    }
    // Below 1e-5 the text has an exponent.
    if !(1e-5..1e6).contains(&size) {
        return None;
    }
    // Six digits, or one or two more, by the binary exponent.
    let exponent = ((size.to_bits() >> 52) as i32) - 1023;
    let places = (6 - ((exponent + 1) * 1233 >> 12)).max(0) as usize;
    let scaled = (size * TENS[places] + 0.5) as u64;
    (scaled as f64 / TENS[places] == size).then_some((scaled, places))
}

fn write_decimal(buffer: &mut Vec<u8>, negative: bool, mut whole: u64, scaled: u64, mut places: usize) {
    // Below 2^32: at most two digits, or a score of at most nine.
    let mut fraction = (scaled - whole * TENS[places] as u64) as u32;
    while places > 1 && fraction % 10 == 0 {
        fraction /= 10;
        places -= 1;
    }
    if places == 0 {
        places = 1;
    }
    // From the last digit to the first.
    let mut text = [0; 32];
    let mut at = text.len();
    let mut put = |byte| {
        at -= 1;
        text[at] = byte;
    };
    for _ in 0..places {
        put(b'0' + (fraction % 10) as u8);
        fraction /= 10;
    }
    put(b'.');
    loop {
        put(b'0' + (whole % 10) as u8);
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    if negative {
        put(b'-');
    }
    buffer.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prediction::accumulate::round6;

    fn check(value: f64) {
        let mut text = Vec::new();
        write(&mut text, value);
        assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn edges_are_written_as_serde_json_writes_them() {
        let edges = [0.0, 1e-5, 9.99999e-6, 1e-4, 0.1, 0.01, 0.005, 1.0, 10.0, 1e6, 999_999.0, 1e12, 1e15, 1e16, 1e17];
        let extremes = [f64::MIN_POSITIVE, f64::MAX, f64::EPSILON, 5e-324, 1.0 / 3.0, 0.3, 0.1 + 0.2, 1e22, 1e23];
        for value in edges.into_iter().chain(extremes) {
            for near in [value.next_down(), value, value.next_up()].into_iter().filter(|near| near.is_finite()) {
                check(near);
                check(-near);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_number_is_written_as_serde_json_writes_it(
            bits in proptest::num::u64::ANY,
            money in -100_000_000_000_000i64..100_000_000_000_000,
            small in -2_000_000i64..2_000_000,
            score in 0.0f64..1.0,
            scale in -9i32..9,
        ) {
            let any = f64::from_bits(bits);
            if any.is_finite() {
                check(any);
                check(round6(any));
            }
            check(money as f64 / 100.0);
            check(small as f64 / 100.0);
            check(small as f64 / 10_000.0);
            check(round6(score * 10f64.powi(scale)));
            check(score * 10f64.powi(scale));
        }
    }
}
