//! Replies of language models: what is read of real and of mutated ones, and what `vendomini parse-reply` says.

mod mutated;
mod real;
mod verb;

use serde_json::json;
use vendomini::interface::observation::Briefing;
use vendomini::llm::reply::KnownTool;
use vendomini::tool::name;

use crate::tools::{Bench, quiet};

/// The parser's view of built-in tools.
pub(crate) fn known(names: &[&str]) -> Vec<KnownTool> {
    let tool = |name: &&str| KnownTool { name: (*name).into(), needs_arguments: name::NEED_ARGUMENTS.contains(name) };
    names.iter().map(tool).collect()
}

#[test]
fn the_list_of_built_in_tools_is_that_of_the_register() {
    let mut bench = Bench::new(&quiet(&["interface.recovery_tools=all"]));
    let offered = bench.world().resource::<Briefing>().tools.clone();
    assert_eq!(offered.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), name::ALL);
    for tool in name::ALL {
        let result = bench.call(tool, json!({}));
        let refused = result["error_code"] == "bad_arguments";
        assert_eq!(refused, name::NEED_ARGUMENTS.contains(&tool), "{tool}: {result}");
    }
}
