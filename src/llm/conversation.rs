//! What was said so far, as far as it fits: messages in the form in which they go over the wire, in whole turns.
//!
//! A turn is one step's message with everything that followed from it: replies and answers to unreadable ones. After a
//! native tool call the next step's message is its answer; once the turn of the call is dropped, it is sent as a plain
//! one. Turns are dropped whole and oldest first, so half a tool call never remains.

use std::collections::VecDeque;

/// Tokens a byte of a request is taken for until a provider has told how many there were. Deliberately high: English
/// and JSON have about 0.25 to 0.3.
const TOKENS_PER_BYTE: f64 = 0.35;

/// The fewest that a byte is ever taken for. A provider that says less leaves some of the request out of its count, and
/// a conversation must not grow for ever on its word.
const LEAST_TOKENS_PER_BYTE: f64 = 0.0625;

/// When something must be dropped, this share of the room is freed besides, so that the start of the conversation
/// stays the same for a while: providers keep equal beginnings in a cache.
const SLACK: f64 = 0.125;

/// One step's part of the conversation.
#[derive(Clone, Debug)]
struct Turn {
    messages: Vec<Vec<u8>>,
    /// What takes the place of the first message when no turn stands before it.
    alone: Option<Vec<u8>>,
    bytes: usize,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    turns: VecDeque<Turn>,
    /// Bytes that every request has besides: system prompt and tools.
    head_bytes: usize,
    bytes: usize,
    /// Tokens that a request may have.
    room: u64,
    tokens_per_byte: f64,
}

/// How many turns and bytes were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Whole turns.
    pub turns: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// The present turn alone does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow {
    /// Tokens that it is taken for.
    pub tokens: u64,
    /// Tokens that there is room for.
    pub room: u64,
}

impl Conversation {
    /// An empty conversation: `context_length` tokens, of which a reply may take `reply_tokens`.
    #[must_use]
    pub fn new(head_bytes: usize, context_length: u64, reply_tokens: u64) -> Conversation {
        let room = context_length.saturating_sub(reply_tokens);
        Conversation { turns: VecDeque::new(), head_bytes, bytes: 0, room, tokens_per_byte: TOKENS_PER_BYTE }
    }

    /// Begins the next turn with its message. `alone` is that message without what ties it to the turn before; `None`
    /// where nothing does.
    pub fn begin_turn(&mut self, message: Vec<u8>, alone: Option<Vec<u8>>) {
        self.bytes += message.len();
        self.turns.push_back(Turn { bytes: message.len(), messages: vec![message], alone });
        self.free_first();
    }

    /// Frees the first turn from the one that no longer stands before it.
    fn free_first(&mut self) {
        if let Some(turn) = self.turns.front_mut()
            && let Some(alone) = turn.alone.take()
        {
            let tied = std::mem::replace(&mut turn.messages[0], alone);
            turn.bytes = turn.bytes - tied.len() + turn.messages[0].len();
            self.bytes = self.bytes - tied.len() + turn.messages[0].len();
        }
    }

    /// Adds a message to the present turn.
    ///
    /// # Panics
    /// When no turn was begun.
    pub fn push(&mut self, message: Vec<u8>) {
        let turn = self.turns.back_mut().expect("a turn was begun");
        turn.bytes += message.len();
        self.bytes += message.len();
        turn.messages.push(message);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.turns.clear();
        self.bytes = 0;
    }

    /// A request of so many bytes had so many tokens, by the provider's word.
    pub fn learn(&mut self, request_bytes: usize, tokens: u64) {
        if request_bytes > 0 && tokens > 0 {
            self.tokens_per_byte = (tokens as f64 / request_bytes as f64).max(LEAST_TOKENS_PER_BYTE);
        }
    }

    /// Tokens that the next request is taken for.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.tokens_of(self.head_bytes + self.bytes)
    }

    fn tokens_of(&self, bytes: usize) -> u64 {
        (bytes as f64 * self.tokens_per_byte).ceil() as u64
    }

    /// Drops the oldest turns until the rest fits.
    ///
    /// # Errors
    /// When the present turn alone does not.
    pub fn fit(&mut self) -> Result<Dropped, Overflow> {
        if self.tokens() <= self.room {
            return Ok(Dropped::default());
        }
        let room = (self.room as f64 * (1.0 - SLACK)) as u64;
        let dropped = self.drop_while(|conversation| conversation.tokens() > room);
        match self.tokens() {
            tokens if tokens > self.room => Err(Overflow { tokens, room: self.room }),
            _ => Ok(dropped),
        }
    }

    /// Drops the older half of the turns, for a provider that takes fewer tokens than was thought; `None` when only
    /// the present one is left.
    pub fn halve(&mut self) -> Option<Dropped> {
        let keep = self.turns.len().div_ceil(2);
        let dropped = self.drop_while(|conversation| conversation.turns.len() > keep);
        (dropped.turns > 0).then_some(dropped)
    }

    fn drop_while(&mut self, too_much: impl Fn(&Conversation) -> bool) -> Dropped {
        let mut dropped = Dropped::default();
        while self.turns.len() > 1 && too_much(self) {
            let turn = self.turns.pop_front().expect("there is more than one");
            self.bytes -= turn.bytes;
            self.free_first();
            dropped.turns += 1;
            dropped.bytes += turn.bytes;
        }
        dropped
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> + Clone + '_ {
        self.turns.iter().flat_map(|turn| turn.messages.iter().map(Vec::as_slice))
    }

    /// Bytes of all messages.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A conversation of turns of 100 bytes each, with room for 1,000 bytes.
    fn of_turns(turns: usize) -> Conversation {
        let mut conversation = Conversation::new(0, 450, 100);
        for turn in 0..turns {
            conversation.begin_turn(vec![turn as u8; 60], None);
            conversation.push(vec![turn as u8; 40]);
        }
        conversation
    }

    #[test]
    fn nothing_is_dropped_while_it_fits() {
        let mut conversation = of_turns(10);
        assert_eq!(conversation.tokens(), 350);
        assert_eq!(conversation.fit(), Ok(Dropped::default()));
        assert_eq!(conversation.messages().count(), 20);
    }

    #[test]
    fn whole_turns_go_oldest_first_with_some_slack() {
        let mut conversation = of_turns(11);
        assert_eq!(conversation.fit(), Ok(Dropped { turns: 3, bytes: 300 }));
        let first = conversation.messages().next().unwrap();
        assert_eq!((first.len(), first[0]), (60, 3), "the rest begins with a whole turn");
        assert_eq!((conversation.bytes(), conversation.messages().count()), (800, 16));
    }

    #[test]
    fn the_present_turn_is_never_dropped() {
        let mut conversation = of_turns(3);
        conversation.begin_turn(vec![9; 2_000], None);
        assert_eq!(conversation.fit(), Err(Overflow { tokens: 700, room: 350 }));
        assert_eq!(conversation.messages().count(), 1);
    }

    #[test]
    fn a_message_stands_alone_once_the_turn_before_it_is_dropped() {
        let first = |conversation: &Conversation| conversation.messages().next().unwrap().to_vec();
        let mut conversation = Conversation::new(0, 450, 100);
        for turn in 0..11 {
            conversation.begin_turn(vec![turn; 60], Some(vec![100 + turn; 70]));
            conversation.push(vec![turn; 40]);
        }
        assert_eq!((conversation.bytes(), first(&conversation)), (1110, vec![100; 70]), "nothing is before the first");
        assert_eq!(conversation.fit(), Ok(Dropped { turns: 3, bytes: 330 }));
        assert_eq!((conversation.bytes(), first(&conversation)), (810, vec![103; 70]));
        let others: Vec<u8> = conversation.messages().skip(1).map(|message| message[0]).collect();
        assert_eq!(others[..5], [3, 4, 4, 5, 5], "all others are as they were");
        conversation.clear();
        conversation.begin_turn(vec![1; 60], Some(vec![2; 70]));
        assert_eq!((conversation.bytes(), first(&conversation)), (70, vec![2; 70]));
    }

    #[test]
    fn a_provider_teaches_how_long_its_tokens_are() {
        let mut conversation = of_turns(20);
        conversation.learn(2_000, 200);
        assert_eq!((conversation.tokens(), conversation.fit()), (200, Ok(Dropped::default())));
        conversation.learn(2_000, 0);
        assert_eq!(conversation.tokens(), 200, "no tokens at all are no information");
        conversation.learn(2_000, 1);
        assert_eq!(conversation.tokens(), 125, "a byte is some part of a token");
    }

    #[test]
    fn halving_ends_at_the_present_turn() {
        let mut conversation = of_turns(5);
        assert_eq!(conversation.halve().unwrap().turns, 2);
        assert_eq!(conversation.halve().unwrap().turns, 1);
        assert_eq!(conversation.halve().unwrap().turns, 1);
        assert_eq!(conversation.halve(), None);
        assert_eq!(conversation.messages().next().unwrap()[0], 4);
    }
}
