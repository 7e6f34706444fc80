//! What there is to say of one key: where it stands, what it takes, what holds without it, what becomes of it.

use crate::config::settings::OnMalformed;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number in a range, both ends included.
    Integer(u64, u64),
    /// A finite number in a range, both ends included.
    Real(f64, f64),
    /// A number from 0 to 1.
    Probability,
    /// An amount of money in currency units with at most two decimals, both ends included.
    Money(i64, i64),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text of 1 to so many characters, without control characters.
    Line(usize),
    /// A text of at most so many characters, line breaks allowed.
    Prose(usize),
    /// 1 to 64 letters, digits, dots, underscores and hyphens, not starting with a dot.
    Name,
    /// 64 hexadecimal digits.
    DrawKey,
    /// So many hexadecimal digits.
    Digits(usize),
    /// `rejected`, or `reask(k)` with k from 0 to [`OnMalformed::MOST`].
    OnMalformed,
    /// A list of different whole numbers from 1 to this, not empty.
    Windows(u64),
    /// A list of keys and sections in any spelling.
    Paths,
    /// A list of two numbers in a range, the first not larger than the second.
    Range(f64, f64),
    /// A list of two numbers, each in a range of its own.
    Pair((f64, f64), (f64, f64)),
    /// A list of different names of what is registered, or one of these words, which stand for a whole list. One name
    /// alone is a list of it. Which names there are is known where the plugins are, and checked by the plan.
    Names(&'static [&'static str]),
    /// One of these words, or a map of weights by names of what is registered.
    Mix(&'static [&'static str]),
}

impl Kind {
    /// Whether one value of the key is a list.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Kind::Windows(_) | Kind::Paths | Kind::Range(..) | Kind::Pair(..) | Kind::Names(_))
    }

    /// What the key takes, for "expected …".
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Real(low, high) => format!("a number from {low} to {high}"),
            Kind::Probability => "a probability from 0 to 1".to_owned(),
            Kind::Money(low, high) => format!("an amount of money from {low} to {high} with at most two decimals"),
            Kind::Flag => "true or false".to_owned(),
            Kind::Word([only]) => (*only).to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Line(most) => format!("a text of 1 to {most} characters on one line"),
            Kind::Prose(most) => format!("a text of at most {most} characters"),
            Kind::Name => "1 to 64 letters, digits, dots, underscores or hyphens, not starting with a dot".to_owned(),
            Kind::DrawKey => "64 hexadecimal digits".to_owned(),
            Kind::Digits(number) => format!("{number} hexadecimal digits"),
            Kind::OnMalformed => format!("rejected, or reask(k) with k from 0 to {}", OnMalformed::MOST),
            Kind::Windows(most) => format!("a list of different whole numbers from 1 to {most}, such as [10, 100]"),
            Kind::Paths => "a list of keys or sections, such as [pe_induction]".to_owned(),
            Kind::Range(low, high) => format!("a list of two numbers from {low} to {high}, smaller one first"),
            Kind::Pair((a, b), (c, d)) => {
                format!("a list of two numbers, the first from {a} to {b}, the second from {c} to {d}")
            }
            Kind::Names([]) => "a list of different names, such as [looping]".to_owned(),
            Kind::Names(alone) => format!("{}, or a list of different names, such as [looping]", alone.join(", ")),
            Kind::Mix(words) => {
                format!("one of {}, or weights by family, such as {{temporal: 1, quantity: 2}}", words.join(", "))
            }
        }
    }
}

/// What holds where no file names the key. Texts are YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The key must be given.
    Required,
    /// This value.
    Value(&'static str),
    /// This value, which `null` also stands for.
    NullFor(&'static str),
    /// Nothing, or what the key's documentation says.
    Null,
}

/// What becomes of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Part of every run's configuration.
    Used,
    /// Decides the value of another key.
    Resolved,
    /// Means something to the batch, nothing to a run.
    Batch,
    /// Found in older files; accepted, checked and reported as unused.
    Unused,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Canonical dotted path.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it.
    pub default: DefaultValue,
    /// What becomes of it.
    pub status: Status,
    /// What it means, in one line.
    pub doc: &'static str,
}

impl Entry {
    /// Whether `null` may be written.
    #[must_use]
    pub fn takes_null(&self) -> bool {
        matches!(self.default, DefaultValue::Null | DefaultValue::NullFor(_))
    }

    /// What the key takes, for "expected …".
    #[must_use]
    pub fn expected(&self) -> String {
        let kind = self.kind.expected();
        if self.takes_null() { format!("{kind}, or null") } else { kind }
    }

    /// Why a grid may not run over this key, if so.
    #[must_use]
    pub fn no_axis(&self) -> Option<&'static str> {
        match self.status {
            Status::Unused => Some("this key is not used, so an axis over it would only repeat runs"),
            Status::Batch => Some("this key belongs to the batch as a whole and cannot be a grid axis"),
            _ if self.path.starts_with("experiment.") && self.path != "experiment.seed" => {
                Some("this key belongs to the experiment as a whole and cannot be a grid axis")
            }
            Status::Used | Status::Resolved => None,
        }
    }
}

pub(super) const fn used(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Entry {
    Entry { path, kind, default: DefaultValue::Value(default), status: Status::Used, doc }
}

pub(super) const fn entry(
    path: &'static str,
    kind: Kind,
    default: DefaultValue,
    status: Status,
    doc: &'static str,
) -> Entry {
    Entry { path, kind, default, status, doc }
}
