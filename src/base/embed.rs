//! Texts as points, so that it can be said how near one is to others: hashed words and character n-grams.
//!
//! Nothing is downloaded and nothing depends on the platform: hashes are integers, and the arithmetic on doubles is
//! addition, multiplication, division and the square root, which are exact everywhere. What stands here knows
//! nothing of meaning; it measures which words and parts of words are used.

/// Directions of the space. Different features may share one.
pub const DIMENSIONS: usize = 512;

/// Characters of a text that are looked at.
const MAX_CHARS: usize = 4_000;

/// What a word counts as, in n-grams: it stands for its meaning, they for its kinship with others.
const WORD_WEIGHT: u32 = 4;

/// Length of the character n-grams.
const GRAM: usize = 3;

/// Thoughts after which the centre forgets: each new one then has a weight of one in so many.
const MEMORY: u64 = 100;

/// A text as a unit vector, or zero where it has no words.
pub type Point = [f64; DIMENSIONS];

/// Makes points of texts. Keeps a word only: a process holds many.
#[derive(Debug, Default)]
pub struct Embedder {
    /// The present word between two blanks.
    word: Vec<char>,
}

impl Embedder {
    /// The point of a text: each direction the square root of its weighted count, so that a word that is repeated
    /// counts more, but not as often as it stands there. Case makes no difference, and a number is a number: ids
    /// and amounts differ from step to step without the text being about something else.
    pub fn embed(&mut self, text: &str) -> Point {
        let mut counts = [0; DIMENSIONS];
        self.word.clear();
        for letter in text.chars().take(MAX_CHARS).flat_map(char::to_lowercase) {
            let (letter, number) = if letter.is_numeric() { ('0', true) } else { (letter, false) };
            if !letter.is_alphanumeric() {
                self.take_word(&mut counts);
                continue;
            }
            match self.word.last() {
                Some('0') if number => continue,
                Some(last) if (*last == '0') != number => self.take_word(&mut counts),
                _ => {}
            }
            self.word.push(letter);
        }
        self.take_word(&mut counts);
        let length = f64::from(counts.iter().sum::<u32>()).sqrt().max(1.0);
        counts.map(|count| if count == 0 { 0.0 } else { f64::from(count).sqrt() / length })
    }

    fn take_word(&mut self, counts: &mut [u32; DIMENSIONS]) {
        if self.word.is_empty() {
            return;
        }
        counts[direction(0, &self.word)] += WORD_WEIGHT;
        self.word.insert(0, ' ');
        self.word.push(' ');
        for gram in self.word.windows(GRAM) {
            counts[direction(1, gram)] += 1;
        }
        self.word.clear();
    }
}

/// The direction of a feature: FNV-1a over its kind and its characters, folded.
fn direction(kind: u32, letters: &[char]) -> usize {
    let hash = letters.iter().map(|letter| u32::from(*letter)).fold(step(0xcbf2_9ce4_8422_2325, kind), step);
    ((hash ^ (hash >> 32)) % DIMENSIONS as u64) as usize
}

fn step(hash: u64, value: u32) -> u64 {
    (hash ^ u64::from(value)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The running centre of points: their plain mean as long as there are at most 100, then a moving one in which
/// each new point has a weight of 1/100. So the first thoughts count as much as later ones, one strange thought
/// moves it by little, and sixty of them do not yet make the strange the usual.
#[derive(Debug, Default)]
pub struct Centre {
    /// `None` before the first point.
    mean: Option<Box<Point>>,
    count: u64,
}

impl Centre {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.mean = None;
        self.count = 0;
    }

    /// How many points entered it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes in a point.
    pub fn add(&mut self, point: &Point) {
        self.count += 1;
        let weight = 1.0 / self.count.min(MEMORY) as f64;
        let mean = self.mean.get_or_insert_with(|| Box::new([0.0; DIMENSIONS]));
        for (mean, value) in mean.iter_mut().zip(point) {
            *mean += weight * (value - *mean);
        }
    }

    /// Cosine of the angle between a point and the centre, 0 to 1; 0 where one of them is nowhere.
    #[must_use]
    pub fn similarity(&self, point: &Point) -> f64 {
        let Some(mean) = &self.mean else { return 0.0 };
        let length = (dot(mean, mean) * dot(point, point)).sqrt();
        if length > 0.0 { dot(mean, point) / length } else { 0.0 }
    }
}

/// Inner product. Eight sums side by side, always the same ones: quicker than one, and as certain.
fn dot(one: &Point, other: &Point) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(one: &str, other: &str) -> f64 {
        let mut centre = Centre::default();
        let mut embedder = Embedder::default();
        centre.add(&embedder.embed(one));
        centre.similarity(&embedder.embed(other))
    }

    #[test]
    fn equal_texts_are_near_and_numbers_and_case_make_no_difference() {
        let text = "I ship CO12 from stock, since the customer waits.";
        assert!((cosine(text, text) - 1.0).abs() < 1e-12);
        assert!((cosine(text, "i SHIP co7 from stock -- since the customer waits") - 1.0).abs() < 1e-12);
        assert!(cosine(text, "I ship CO12 from stock, because a customer is waiting.") > 0.7);
        assert!(cosine(text, "Violins argue about a frozen cathedral in February.") < 0.4);
        assert_eq!(cosine(text, "?! ..."), 0.0, "a text without words is nowhere");
        assert!(cosine("在庫を確認します", "在庫を出荷します") > cosine("在庫を確認します", "山が歌っている"));
    }

    #[test]
    fn one_thought_moves_the_centre_by_a_hundredth_at_most_in_the_end() {
        let mut centre = Centre::default();
        let mut embedder = Embedder::default();
        for _ in 0..1_000 {
            centre.add(&embedder.embed("stock and orders"));
        }
        let strange = embedder.embed("violins");
        centre.add(&strange);
        assert!(centre.similarity(&strange) < 0.02);
        assert_eq!(centre.count(), 1_001);
    }

    /// A change of hash, case folding or arithmetic must not pass unseen: flags would change with it.
    #[test]
    fn points_are_pinned() {
        let mut embedder = Embedder::default();
        let point = embedder.embed("I order 12 units of sku_3 from S2, Übermut tut selten gut.");
        let sum: f64 = point.iter().enumerate().map(|(direction, value)| value * direction as f64).sum();
        assert_eq!(sum, 1_755.454_008_520_414_4);
    }
}
