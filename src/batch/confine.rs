//! Keeps a panic to the run in which it happened.
//!
//! A confined panic prints nothing: a hook notes its message and place, and the caller gets them as a value. Panics
//! elsewhere in the process are none of this module's business and go to whatever hook was there before.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::Path;
use std::sync::Once;

thread_local! {
    static CONFINED: Cell<bool> = const { Cell::new(false) };
    static NOTED: RefCell<Option<Defect>> = const { RefCell::new(None) };
}

/// A defect of this program, as a panic told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What went wrong.
    pub message: String,
    /// Source file and line.
    pub place: String,
}

impl fmt::Display for Defect {
    /// One line, whatever the message was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.message.split_whitespace().collect();
        write!(f, "{} ({})", words.join(" "), self.place)
    }
}

impl Defect {
    /// A defect that another run had, and that ends this one as well.
    pub(super) fn of_another_run(why: &dyn std::error::Error) -> Defect {
        Defect { message: why.to_string(), place: "another run".to_owned() }
    }

    fn of(info: &PanicHookInfo<'_>) -> Defect {
        let place = info.location().map_or_else(
            || "unknown place".to_owned(),
            |place| {
                // Where a dependency lies differs from machine to machine; its file's name says enough.
                let file = Path::new(place.file());
                let file =
                    if file.is_absolute() { file.file_name().unwrap_or(file.as_os_str()) } else { file.as_os_str() };
                format!("{}:{}", file.to_string_lossy().replace('\\', "/"), place.line())
            },
        );
        Defect { message: info.payload_as_str().unwrap_or("a panic without a message").to_owned(), place }
    }
}

/// Does some work whose panic must not spread.
///
/// What the work borrows may be left half-changed by a panic: the caller throws it away or only reads what is
/// sound after each statement.
///
/// # Errors
/// The defect, when the work panicked.
pub(super) fn confine<T>(work: impl FnOnce() -> T) -> Result<T, Defect> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(
            move |info| {
                if CONFINED.get() { NOTED.set(Some(Defect::of(info))) } else { others(info) }
            },
        ));
    });
    let outer = CONFINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CONFINED.set(outer);
    result.map_err(|_| {
        // Only `resume_unwind` by hand gets past the hook.
        NOTED.take().unwrap_or_else(|| Defect { message: "an unreported panic".into(), place: "unknown place".into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_value_with_its_message_and_place() {
        assert_eq!(confine(|| 7), Ok(7));
        let defect = confine(|| panic!("one {}\n  two", 1)).unwrap_err();
        assert_eq!(defect.message, "one 1\n  two");
        assert!(defect.to_string().starts_with("one 1 two (src/batch/confine.rs:"), "{defect}");
        let inner = confine(|| {
            let _: Result<(), Defect> = confine(|| panic!("inner"));
            panic!("outer")
        });
        assert_eq!(
            inner.map_err(|defect: Defect| defect.message),
            Err::<(), _>("outer".into()),
            "nesting keeps its place"
        );
    }
}
