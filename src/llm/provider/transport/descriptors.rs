//! How many files and connections the process may have open.

/// What the process has open besides connections and the files of runs: its log, its tables, its threads' own.
const RESERVE: u64 = 128;

/// The process may not have as much open as it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{connections} connections and the records of {runs} runs need {needed} open files, and this process may have \
     {allowed}: raise the hard limit (`ulimit -Hn {needed}`, or LimitNOFILE={needed} in a systemd unit), or lower \
     model.max_connections or the number of runs in flight"
)]
pub struct TooFewDescriptors {
    /// Connections wanted.
    pub connections: u32,
    /// Runs in flight wanted.
    pub runs: u32,
    /// Open files that takes.
    pub needed: u64,
    /// Open files that the hard limit allows.
    pub allowed: u64,
}

/// Raises the soft limit of open files to what so many connections at once and so many runs in flight need, if it is
/// lower.
///
/// # Errors
///
/// If the hard limit is too low. Then the soft limit is raised to the hard one, and whether to go on is the caller's
/// choice.
pub fn raise_descriptor_limit(connections: u32, files_per_run: u32, runs: u32) -> Result<(), TooFewDescriptors> {
    // While a connection is being made, an idle one may turn up: there can be more of them than requests.
    let needed = RESERVE + 2 * u64::from(connections) + u64::from(files_per_run) * u64::from(runs);
    match rlimit::increase_nofile_limit(needed) {
        Ok(allowed) if allowed < needed => Err(TooFewDescriptors { connections, runs, needed, allowed }),
        // Where the limit can be neither read nor set there is nothing to advise.
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_soft_limit_is_raised_and_the_hard_one_explained() {
        raise_descriptor_limit(10, 2, 10).expect("every system allows 168 open files");
        let soft = rlimit::Resource::NOFILE.get_soft().expect("it can be read");
        assert!(soft >= 168, "{soft}");
        let Err(error) = raise_descriptor_limit(u32::MAX, 4, u32::MAX) else {
            assert_eq!(rlimit::Resource::NOFILE.get_hard().unwrap(), rlimit::INFINITY);
            return;
        };
        let text = error.to_string();
        assert!(text.contains(&format!("ulimit -Hn {}", error.needed)), "{text}");
        assert!(text.contains("model.max_connections"), "{text}");
    }
}
