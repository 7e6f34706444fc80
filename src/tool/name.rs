//! Names of the built-in tools.

/// Order goods from a supplier.
pub const ORDER: &str = "tool_order";
/// Ask a supplier for its present offer.
pub const QUOTE: &str = "tool_quote";
/// Cancel a pending supplier order.
pub const CANCEL: &str = "tool_cancel_order";
/// Make a pending supplier order come sooner.
pub const EXPEDITE: &str = "tool_expedite";
/// Ship a customer order.
pub const SHIP: &str = "tool_ship_customer_order";
/// Read and empty the inbox.
pub const CHECK_INBOX: &str = "tool_check_inbox";
/// Look at the stock.
pub const CHECK_STORAGE: &str = "tool_check_storage";
/// Look at the budget.
pub const CHECK_BUDGET: &str = "tool_check_budget";
/// End the day.
pub const WAIT: &str = "tool_wait";
/// Note something down.
pub const WRITE_SCRATCHPAD: &str = "tool_write_scratchpad";
/// Read a note.
pub const READ_SCRATCHPAD: &str = "tool_read_scratchpad";
/// Delete a note.
pub const DELETE_SCRATCHPAD: &str = "tool_delete_scratchpad";
/// Forget what was believed.
pub const RESET_BELIEFS: &str = "tool_reset_beliefs";
/// Look back at one's predictions.
pub const AUDIT_PREDICTIONS: &str = "tool_audit_predictions";
/// Ask for a hint.
pub const ASK_HELP: &str = "tool_ask_help";

/// All built-in tools, sorted.
pub const ALL: [&str; 15] = [
    ASK_HELP,
    AUDIT_PREDICTIONS,
    CANCEL,
    CHECK_BUDGET,
    CHECK_INBOX,
    CHECK_STORAGE,
    DELETE_SCRATCHPAD,
    EXPEDITE,
    ORDER,
    QUOTE,
    READ_SCRATCHPAD,
    RESET_BELIEFS,
    SHIP,
    WAIT,
    WRITE_SCRATCHPAD,
];

/// Those of them that cannot be called without arguments, sorted.
pub const NEED_ARGUMENTS: [&str; 8] =
    [CANCEL, DELETE_SCRATCHPAD, EXPEDITE, ORDER, QUOTE, READ_SCRATCHPAD, SHIP, WRITE_SCRATCHPAD];
