//! Threads that share a list of runs. Which thread makes which run decides nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::plugins::Plugins;
use crate::simulation::driver::Simulation;

/// The results of `job` for 0 to `count`, in this order, made by so many threads with a simulation each.
pub(super) fn parallel_map<T: Send>(
    count: usize,
    threads: usize,
    plugins: &Plugins,
    job: impl Fn(&mut Simulation, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                let mut simulation = plugins.simulation();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let result = job(&mut simulation, index);
                    done.lock().expect("no thread panics while it holds this").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("all threads are gone");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
