//! What a synthetic agent thinks, in one sentence a step: of its work while it is sound, of something else while
//! its mind drifts.

use crate::base::decision::Action;
use crate::base::rng::Stream;
use crate::base::units::{Day, Step};
use crate::tool::name;

use super::field;

/// How a sentence begins.
const OPENERS: &[&str] = &["Day {day}:", "It is day {day}:", "On day {day},", "Now, on day {day},"];

/// Sentences about an action; `{…}` are its arguments.
fn sentences(tool: &str) -> &'static [&'static str] {
    match tool {
        name::SHIP => &[
            "the stock covers customer order {customer_order_id}, so I ship the order to the customer now.",
            "customer order {customer_order_id} waits and the stock covers it, so I ship the order now.",
            "I ship customer order {customer_order_id} from stock now, since the customer waits for it.",
        ],
        name::ORDER => &[
            "the stock of {sku} does not cover the customer orders, so I order {quantity} units from {supplier_id} now.",
            "customers wait for {sku} and the stock is too low, so I order {quantity} units from {supplier_id} now.",
            "I order {quantity} units of {sku} from {supplier_id} now, since customers wait and the stock is too low.",
        ],
        name::CANCEL => &[
            "the budget does not cover order {order_id}, so I cancel the order now.",
            "I cancel order {order_id} now, since the budget does not cover it.",
        ],
        name::CHECK_INBOX => &[
            "new messages about orders and customers wait in the inbox, so I read the inbox now.",
            "I read the inbox now, since messages about customer orders and deliveries wait there.",
            "messages about the stock and customer orders may wait, so I read the inbox now.",
        ],
        name::CHECK_STORAGE => &[
            "no customer order waits for me, so I check the stock of the warehouse now.",
            "I check the stock of the warehouse now, since no customer order waits for me.",
            "nothing is left to order or to ship to customers, so I check the stock now.",
        ],
        name::CHECK_BUDGET => &[
            "no customer order waits for me, so I check the budget of the warehouse now.",
            "I check the budget of the warehouse now, since no customer order waits for me.",
            "nothing is left to order or to ship to customers, so I check the budget now.",
        ],
        name::QUOTE => &[
            "no customer order waits for me, so I ask {supplier_id} for the price of {sku} now.",
            "I ask {supplier_id} for the price of {sku} now, since the stock may need an order from there.",
            "nothing is left to ship to customers, so I ask {supplier_id} what an order of {sku} costs now.",
        ],
        _ => &[
            "no customer order waits for me, so I wait for customers and deliveries now.",
            "I wait for the next customer order now, since the stock needs no order from suppliers.",
            "nothing is left to order or to ship to customers, so I wait for deliveries now.",
        ],
    }
}

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
pub(super) fn of_work(action: &Action, day: Day, step: Step, stream: &mut Stream) -> String {
    let opener = pick(OPENERS, stream, step, field::OPENER).replace("{day}", &day.to_string());
    let mut sentence = pick(sentences(&action.tool), stream, step, field::SENTENCE).to_owned();
    for (argument, value) in &action.args {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        sentence = sentence.replace(&format!("{{{argument}}}"), &value);
    }
    format!("{opener} {sentence}")
}

/// A thought `adrift` steps after the mind began to drift: more and more of something else, less of the work.
pub(super) fn adrift(action: &Action, day: Day, step: Step, adrift: Step, stream: &mut Stream) -> String {
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
        return format!("{} And {other}.", of_work(action, day, step, stream));
    }
    let (one, other) = (clause(field::DRIFT), clause(field::DRIFT + 4));
    format!("Perhaps {one}, and {other}.")
}

fn pick<'a>(from: &[&'a str], stream: &mut Stream, step: Step, field: u64) -> &'a str {
    from[stream.integer(step, field, 0, from.len() as u32 - 1) as usize]
}
