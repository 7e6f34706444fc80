//! What a plain scalar means: the core schema of YAML 1.2, nothing more (`yes` and `on` are texts).
//!
//! Called by the checks of values; never looks at keys.

use super::yaml::{Node, Value};

/// The meaning of a node that is not a collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number; beyond the range of `i128` it saturates.
    Integer(i128),
    /// A number with a fraction or exponent; may be infinite or not a number.
    Real(f64),
    /// Anything else, and everything in quotes.
    Text(&'a str),
}

/// The meaning of a node; `None` for lists and mappings.
pub(crate) fn scalar(node: &Node) -> Option<Scalar<'_>> {
    match &node.value {
        Value::Scalar { text, plain: true } => Some(plain(text)),
        Value::Scalar { text, plain: false } => Some(Scalar::Text(text)),
        Value::List(_) | Value::Map(_) => None,
    }
}

fn plain(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Flag(true),
        "false" | "False" | "FALSE" => return Scalar::Flag(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Real(f64::NAN),
        _ => {}
    }
    let (negative, unsigned) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Scalar::Real(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    // Hexadecimal and octal numbers have no sign in the core schema.
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) =
            text.strip_prefix(prefix).filter(|d| !d.is_empty() && d.chars().all(|c| c.is_digit(radix)))
        {
            return Scalar::Integer(i128::from_str_radix(digits, radix).unwrap_or(i128::MAX));
        }
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        let saturated = if negative { i128::MIN } else { i128::MAX };
        return Scalar::Integer(text.parse().unwrap_or(saturated));
    }
    if is_real(unsigned) { Scalar::Real(text.parse().unwrap_or(f64::NAN)) } else { Scalar::Text(text) }
}

/// Whether an unsigned text is `digits[.digits][e[sign]digits]` with a digit before or after the point.
fn is_real(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for null in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(plain(null), Scalar::Null);
        }
        assert_eq!(plain("TRUE"), Scalar::Flag(true));
        assert_eq!(plain("False"), Scalar::Flag(false));
        for (text, number) in [("12", 12), ("+12", 12), ("-0", 0), ("007", 7), ("0x1F", 31), ("0o17", 15)] {
            assert_eq!(plain(text), Scalar::Integer(number), "{text}");
        }
        for (text, number) in
            [("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("-1e3", -1000.0), ("2E-2", 0.02), ("1e999", f64::INFINITY)]
        {
            assert_eq!(plain(text), Scalar::Real(number), "{text}");
        }
        assert_eq!(plain("-.INF"), Scalar::Real(f64::NEG_INFINITY));
        assert!(matches!(plain(".nan"), Scalar::Real(x) if x.is_nan()));
        assert_eq!(plain(&"9".repeat(60)), Scalar::Integer(i128::MAX));
        for text in [
            "yes", "off", "1_000", "1.2.3", "e5", ".", "-", "+", "1e", "0x", "0xg", "-0x1", "inf", "nan", "NaN",
            "infinity",
        ] {
            assert_eq!(plain(text), Scalar::Text(text));
        }
    }
}
