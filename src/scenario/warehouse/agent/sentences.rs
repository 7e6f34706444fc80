//! What the agent `synthetic` thinks of its work in the warehouse.

use crate::tool::name;

/// Sentences about an action; `{…}` are its arguments.
pub(super) fn sentences(tool: &str) -> &'static [&'static str] {
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
