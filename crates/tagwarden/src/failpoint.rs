//! Named steps at which a test may kill the process.

/// What to call at each step: nothing, unless built with `failpoints` and `TAGWARDEN_KILL=STEP:N` asks for a kill at
/// the N-th time that STEP (or a step that begins with it) is reached.
pub fn on_step() -> Box<dyn FnMut(&str)> {
    #[cfg(feature = "failpoints")]
    if let Ok(wanted) = std::env::var("TAGWARDEN_KILL") {
        let (step, nth) = wanted.rsplit_once(':').map_or((wanted.as_str(), 1), |(s, n)| (s, n.parse().unwrap_or(1)));
        let (step, mut left) = (step.to_owned(), nth);
        return Box::new(move |at| {
            if at.starts_with(&step) {
                left -= 1;
                if left == 0 {
                    let killed =
                        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                    unreachable!("the kill did not work: {killed:?}");
                }
            }
        });
    }
    Box::new(|_| {})
}
