//! A tool whose arguments have no schema, which must not compile and must say why.

use vendomini::prelude::*;

#[derive(Deserialize)]
struct PayArgs {
    amount: f64,
}

fn pay(In(args): In<PayArgs>) -> Result<ToolReply, ToolError> {
    Err(ToolError::refused(format!("{} is too much", args.amount)))
}

fn main() {
    App::new().add_tool(ToolSpec::new("tool_pay", "Pays."), pay);
}
