//! What a synthetic agent thinks, in one sentence a step: of its work while it is sound, of something else while
//! its mind drifts.

use crate::base::decision::Action;
use crate::base::rng::Stream;
use crate::base::units::{Day, Step};

use super::field;

/// How a sentence begins.
const OPENERS: &[&str] = &["Day {day}:", "It is day {day}:", "On day {day},", "Now, on day {day},"];

const WHO: &[&str] = &[
    "a lighthouse",
    "grandmother's piano",
    "the violet harbour",
    "an unfinished cathedral",
    "a comet",
    "some mirror",
    "granite",
    "the frozen orchard",
    "a paper elephant",
    "my childhood",
    "a telescope",
    "the moon's accordion",
];
const DOES: &[&str] = &[
    "forgets",
    "whispers with",
    "folds",
    "translates",
    "dreams about",
    "paints",
    "quarrels with",
    "swallows",
    "remembers",
    "climbs over",
    "hums to",
    "knits",
];
const WHAT: &[&str] = &[
    "seven quiet names",
    "violins in February",
    "slow green butter",
    "whales beneath glass",
    "lonely galaxies",
    "a staircase made of thunder",
    "silver letters",
    "clouds and umbrellas",
    "the attic's winter",
    "blue geometry",
    "kings without shadows",
    "bread that sings",
];
const WHERE: &[&str] = &[
    "until evening laughs",
    "because nobody taught rivers to whistle",
    "behind every mountain",
    "beyond language",
    "while foxes argue",
    "as if velvet could breathe",
    "in a museum of rain",
    "far below hungry constellations",
    "although dragons disagree",
    "between two mirrors",
    "where maps dissolve",
    "like bees made from glass",
];

/// Steps from onset after which no thought is about the work any more.
const ADRIFT_AFTER: Step = 8;

/// A thought about the action that is taken.
pub(super) fn of_work(sentences: &[&str], action: &Action, day: Day, step: Step, stream: &mut Stream) -> String {
    let opener = pick(OPENERS, stream, step, field::OPENER).replace("{day}", &day.to_string());
    let mut sentence = pick(sentences, stream, step, field::SENTENCE).to_owned();
    for (argument, value) in &action.args {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        sentence = sentence.replace(&format!("{{{argument}}}"), &value);
    }
    format!("{opener} {sentence}")
}

/// A thought `adrift` steps after the mind began to drift: more and more of something else, less of the work.
pub(super) fn adrift(
    sentences: &[&str],
    action: &Action,
    day: Day,
    step: Step,
    adrift: Step,
    stream: &mut Stream,
) -> String {
    let mut clause = |fields: u64| {
        let word = |words: &[&'static str], at: u64, stream: &mut Stream| pick(words, stream, step, fields + at);
        let who = word(WHO, 0, stream);
        let does = word(DOES, 1, stream);
        let what = word(WHAT, 2, stream);
        let place = word(WHERE, 3, stream);
        format!("{who} {does} {what} {place}")
    };
    if adrift < ADRIFT_AFTER {
        let other = clause(field::DRIFT);
        return format!("{} And {other}.", of_work(sentences, action, day, step, stream));
    }
    let (one, other) = (clause(field::DRIFT), clause(field::DRIFT + 4));
    format!("Perhaps {one}, and {other}.")
}

fn pick<'a>(from: &[&'a str], stream: &mut Stream, step: Step, field: u64) -> &'a str {
    from[stream.integer(step, field, 0, from.len() as u32 - 1) as usize]
}
