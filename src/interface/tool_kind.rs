//! What a tool is for.

/// What a tool is for. Detectors, severity and bindings ask for this, never for a tool's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolKind {
    /// It spends money on goods.
    Purchase,
    /// It does the job that the agent is there for, such as shipping an order.
    Work,
    /// It reads mail and empties the inbox.
    Mail,
    /// It passes time.
    Wait,
    /// It takes back what the agent believed.
    Reset,
    /// It looks, or does something that is none of the above.
    #[default]
    Look,
}

impl ToolKind {
    /// Whether it is an attempt to do one's job.
    #[must_use]
    pub fn is_mission(self) -> bool {
        matches!(self, ToolKind::Purchase | ToolKind::Work)
    }
}
