//! Tests of recording and playing.

use crate::llm::provider::cassette::*;

fn attempt(number: u32, outcome: Outcome, last: bool) -> Attempt {
    Attempt {
        attempt: number,
        outcome,
        last,
        status: Some(200),
        body: Some("\u{0007}{\"a\": 1}".to_owned()),
        error: None,
        queued_ms: 0.25,
        latency_ms: 200.0,
        first_byte_ms: None,
        retry_after_ms: None,
        in_flight: 1,
        limit: 20,
        request_id: None,
    }
}

fn entry(step: Step, call: u32, attempt: Attempt) -> Entry {
    let estimate = Some(Estimate { tokens: 100, cost_usd: Some(0.1 + 0.2) });
    Entry { step, call, request_bytes: 10, request_digest: format!("d{step}.{call}"), estimate, attempt }
}

fn recorded(entries: &[Entry]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let mut recorder = Recorder::create(&path, "org/model", Pricing::unknown()).unwrap();
    for entry in entries {
        recorder.record(entry).unwrap();
    }
    (folder, path)
}

/// Goes on with a cassette.
fn add(path: &Path, more: impl FnOnce(&mut Recorder) -> io::Result<()>) {
    let player = Player::look(path).unwrap();
    more(&mut Recorder::append(path, &player).unwrap()).unwrap();
}

fn played(player: &mut Player, step: Step, call: u32) -> (Outcome, bool) {
    match player.play(step, call, &format!("d{step}.{call}")).unwrap() {
        Played::Attempt(attempt, _) => (attempt.outcome, attempt.last),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_recorded_is_played_in_order_and_to_the_byte() {
    let entries = [
        entry(0, 0, attempt(1, Outcome::HttpError, false)),
        entry(0, 0, attempt(2, Outcome::Reply, true)),
        entry(0, 1, attempt(1, Outcome::Reply, true)),
    ];
    let (_folder, path) = recorded(&entries);
    let mut player = Player::open(&path).unwrap();
    assert_eq!(
        player.play(0, 0, "d0.0").unwrap(),
        Played::Attempt(Box::new(entries[0].attempt.clone()), entries[0].estimate)
    );
    assert_eq!(played(&mut player, 0, 0), (Outcome::Reply, true));
    assert_eq!(player.left(), Some((0, 1)));
    assert_eq!(played(&mut player, 0, 1), (Outcome::Reply, true));
    assert_eq!(player.play(1, 0, "d1.0"), Err(Miss::End { step: 1, call: 0 }));
}

#[test]
fn another_request_is_a_difference() {
    let (_folder, path) = recorded(&[entry(3, 0, attempt(1, Outcome::Reply, true))]);
    let mut player = Player::open(&path).unwrap();
    assert!(matches!(player.play(3, 0, "other"), Err(Miss::Request { step: 3, .. })));
    assert!(matches!(player.play(2, 0, "d2.0"), Err(Miss::Order { step: 2, next_step: 3, .. })));
    assert_eq!(played(&mut player, 3, 0), (Outcome::Reply, true), "a difference uses nothing up");
}

#[test]
fn a_call_given_up_goes_on_where_it_was_taken_up() {
    let entries = [entry(4, 0, attempt(1, Outcome::Timeout, false)), entry(4, 0, attempt(2, Outcome::Timeout, true))];
    let (_folder, path) = recorded(&entries);
    let mut player = Player::open(&path).unwrap();
    assert_eq!(played(&mut player, 4, 0), (Outcome::Timeout, false));
    assert_eq!(played(&mut player, 4, 0), (Outcome::Timeout, true), "a repetition gives up as the run did");

    let mut player = Player::resume(&path).unwrap().unwrap();
    assert!(!played(&mut player, 4, 0).1);
    assert!(!played(&mut player, 4, 0).1, "the resumed run does not give up");
    assert_eq!(player.play(4, 0, "d4.0"), Ok(Played::GoLive));
    add(&path, |recorder| recorder.record(&entry(4, 0, attempt(1, Outcome::Reply, true))));
    let mut player = Player::open(&path).unwrap();
    assert_eq!(
        [played(&mut player, 4, 0).1, played(&mut player, 4, 0).1, played(&mut player, 4, 0).1],
        [false, false, true]
    );
}

#[test]
fn a_limit_of_the_experiment_ends_a_repetition_and_not_a_resumed_run() {
    let (_folder, path) = recorded(&[entry(0, 0, attempt(1, Outcome::Reply, true))]);
    let before = fs::read(&path).unwrap();
    add(&path, |recorder| recorder.record_limit((1, 0), EndReason::CostLimit, "spent"));
    let limited = fs::read(&path).unwrap();
    let mut player = Player::open(&path).unwrap();
    played(&mut player, 0, 0);
    assert_eq!(player.left(), Some((1, 0)));
    assert_eq!(player.play(1, 0, "x"), Ok(Played::Limit(EndReason::CostLimit, "spent".to_owned())));
    assert_eq!(player.left(), None);
    let mut player = Player::resume(&path).unwrap().unwrap();
    let mut recorder = Recorder::append(&path, &player).unwrap();
    played(&mut player, 0, 0);
    assert_eq!(player.play(1, 0, "x"), Ok(Played::GoLive));
    assert_eq!(fs::read(&path).unwrap(), limited, "nothing is lost before there is something new");
    recorder.record_limit((1, 0), EndReason::RunTimeLimit, "late").unwrap();
    let late = fs::read(&path).unwrap();
    assert!(late.starts_with(&before) && late.len() > before.len());

    let mut player = Player::resume(&path).unwrap().unwrap();
    played(&mut player, 0, 0);
    assert_eq!(player.play(1, 0, "x"), Ok(Played::Limit(EndReason::RunTimeLimit, "late".to_owned())));
    assert_eq!(fs::read(&path).unwrap(), late, "its own limit ended the run");
}

#[test]
fn a_limit_in_another_place_is_a_difference() {
    for reason in [EndReason::TokenLimit, EndReason::RunTokenLimit] {
        let (_folder, path) = recorded(&[entry(0, 0, attempt(1, Outcome::Reply, true))]);
        add(&path, |recorder| recorder.record_limit((2, 1), reason, "spent"));
        for mut player in [Player::open(&path).unwrap(), Player::resume(&path).unwrap().unwrap()] {
            played(&mut player, 0, 0);
            for (step, call) in [(1, 0), (2, 0), (3, 0)] {
                let differs = Miss::Order { step, call, next_step: 2, next_call: 1 };
                assert_eq!(player.play(step, call, "x"), Err(differs));
            }
            assert_eq!(player.left(), Some((2, 1)), "it is left over");
        }
    }
}

#[test]
fn a_call_that_a_limit_cut_short_has_no_last_attempt() {
    let abandoned = attempt(2, Outcome::Abandoned, false);
    for (call, last) in [(0, false), (1, true)] {
        let (_folder, path) =
            recorded(&[entry(0, 0, attempt(1, Outcome::Timeout, false)), entry(0, 0, abandoned.clone())]);
        add(&path, |recorder| recorder.record_limit((0, call), EndReason::TimeLimit, "late"));
        let mut player = Player::open(&path).unwrap();
        assert_eq!(played(&mut player, 0, 0), (Outcome::Timeout, false));
        assert_eq!(played(&mut player, 0, 0), (Outcome::Abandoned, last));
        let mut player = Player::resume(&path).unwrap().unwrap();
        assert!(!played(&mut player, 0, 0).1);
        assert_eq!(played(&mut player, 0, 0), (Outcome::Abandoned, last));
        assert_eq!(player.play(0, call, "x"), Ok(Played::GoLive), "it is asked again");
    }
}

#[test]
fn what_calls_took_is_reckoned_from_their_last_attempts() {
    let timed =
        |number, queued_ms, latency_ms| Attempt { queued_ms, latency_ms, ..attempt(number, Outcome::Reply, false) };
    let (_folder, path) = recorded(&[
        entry(0, 0, timed(1, 100.0, 50.0)),
        entry(0, 0, timed(2, 650.0, 50.0)),
        // Asked again by a resumed run.
        entry(0, 0, timed(1, 0.0, 300.0)),
        entry(0, 1, timed(1, 10.0, 200.0)),
        entry(1, 0, timed(1, 20.0, 20.0)),
    ]);
    let mut player = Player::open(&path).unwrap();
    assert_eq!(player.took(), Duration::from_millis(700 + 300 + 210 + 40));
    played(&mut player, 0, 0);
    assert_eq!(player.took(), Duration::from_millis(700 + 300 + 210 + 40));
}

#[test]
fn a_broken_line_is_named_and_a_half_one_is_cut_off_to_go_on() {
    let (_folder, path) = recorded(&[entry(0, 0, attempt(1, Outcome::Reply, true))]);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"step\": 1, \"ca"].concat()).unwrap();
    assert!(matches!(Player::open(&path), Err(CassetteError::Line { line: 3, .. })));
    let mut player = Player::resume(&path).unwrap().unwrap();
    let mut recorder = Recorder::append(&path, &player).unwrap();
    assert_eq!(played(&mut player, 0, 0), (Outcome::Reply, false), "unless it was no reply to the question");
    assert_eq!(player.play(1, 0, "x"), Ok(Played::GoLive));
    let next = entry(1, 0, attempt(1, Outcome::Reply, true));
    recorder.record(&next).unwrap();
    recorder.record(&next).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((text.lines().count(), text.as_bytes().starts_with(&whole)), (4, true), "the half line is gone");
    for broken in [&b"nonsense\n"[..], b"{\"step\": 1}\n"] {
        fs::write(&path, [&whole[..], broken].concat()).unwrap();
        assert!(matches!(Player::resume(&path), Err(CassetteError::Line { line: 3, .. })));
    }
    fs::write(&path, b"").unwrap();
    assert_eq!(Player::open(&path).unwrap().left(), None, "a run without a step has no requests");
    for cut in [0, 10] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(Player::resume(&path).unwrap().is_none(), "there is nothing to go on from");
    }
}
