//! The rules, and what breaks them.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// The folders, lowest first: each imports only from those before it.
pub(super) const LAYERS: [&str; 25] = [
    "base",
    "config",
    "plan",
    "step",
    "engine",
    "interface",
    "shock",
    "prediction",
    "tool",
    "crash",
    "agent",
    "scenario",
    "llm",
    "record",
    "legacy",
    "simulation",
    "plugins",
    "analysis",
    "selftest",
    "batch",
    "cli",
    // What stands outside: they show, explain and start the rest.
    "prelude",
    "manual",
    "lib",
    "main",
];

/// Folders and files that may import from anywhere.
const FREE: [&str; 4] = ["prelude", "manual", "lib", "main"];

/// Folders that work without Bevy.
const WITHOUT_BEVY: [&str; 4] = ["config", "plan", "analysis", "llm"];

/// Folders that never import from these, whatever their layer.
const NEVER: [(&[&str], &[&str]); 1] = [(&["engine", "scenario"], &["llm", "record", "cli"])];

/// The only ones that name a scenario.
const OF_SCENARIOS: [&str; 6] = ["scenario", "plugins", "manual", "lib", "prelude", "main"];

/// The scenarios of this program.
const SCENARIOS: [&str; 2] = ["warehouse", "vending"];

/// Most files in a circle.
const CIRCLE: usize = 5;

/// Everything that breaks a rule, a sentence each, but for the files that are known to.
pub(super) fn check(files: &[Source], known: &[&str]) -> Vec<String> {
    let is_known = |path: &str| known.contains(&path);
    let unknown = files.iter().filter(|file| !is_known(&file.path));
    let mut problems: Vec<String> = unknown.flat_map(broken).collect();
    let large = circles(files).into_iter().filter(|circle| circle.len() > CIRCLE);
    problems.extend(large.filter(|circle| !circle.iter().any(|path| is_known(path))).map(|circle| {
        format!(
            "{} files import one another in a circle, and {CIRCLE} may: move what they share into a file of its own \
             that imports none of them: {}",
            circle.len(),
            circle.join(", ")
        )
    }));
    problems
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|known| *known == folder)
}

/// The imports of a file that break a rule, and what to do about each.
fn broken(file: &Source) -> Vec<String> {
    let folder = file.folder();
    let mut found = Vec::new();
    if FREE.contains(&folder) {
        return found;
    }
    for import in &file.imports {
        let parts: Vec<&str> = import.split("::").collect();
        let to = parts[0];
        let mut add = |why: String| {
            found.push(format!("src/{} imports crate::{import}: {why}", file.path));
        };
        if let [scenario, name, ..] = parts[..]
            && scenario == "scenario"
            && SCENARIOS.contains(&name)
            && !OF_SCENARIOS.contains(&folder)
        {
            add(format!(
                "only scenario and plugins know the {name}; ask the trait Scenario, or let a plugin pass it in"
            ));
            continue;
        }
        if NEVER.iter().any(|(folders, others)| folders.contains(&folder) && others.contains(&to)) {
            add(format!("{folder} never imports {to}; move what both need to a lower folder"));
            continue;
        }
        if let (Some(from), Some(below)) = (layer(folder), layer(to))
            && below > from
        {
            add(format!(
                "{to} stands above {folder}; move what is needed down, or hand it over as an argument, a component or \
                 a trait object"
            ));
        }
    }
    if WITHOUT_BEVY.contains(&folder) {
        found.extend(file.bevy.iter().map(|import| {
            let path = &file.path;
            format!("src/{path} imports {import}: {folder} works without Bevy; move this to a folder with it")
        }));
    }
    found
}

/// The sets of files in which each imports each other, over others or directly.
fn circles(files: &[Source]) -> Vec<Vec<String>> {
    let modules: BTreeMap<Vec<String>, usize> =
        files.iter().enumerate().map(|(index, file)| (file.module(), index)).collect();
    // The file that holds the longest part of a path.
    let file_of = |import: &str| {
        let parts: Vec<String> = import.split("::").map(ToOwned::to_owned).collect();
        (1..=parts.len()).rev().find_map(|length| modules.get(&parts[..length]).copied())
    };
    let free: BTreeSet<usize> = (0..files.len()).filter(|index| FREE.contains(&files[*index].folder())).collect();
    let edges: Vec<BTreeSet<usize>> = files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let targets = file.imports.iter().filter_map(|import| file_of(import));
            targets.filter(|target| *target != index && !free.contains(target) && !free.contains(&index)).collect()
        })
        .collect();
    let mut circles = components(&edges);
    circles.retain(|circle| circle.len() > 1);
    circles.iter().map(|circle| circle.iter().map(|index| files[*index].path.clone()).collect()).collect()
}

/// Strongly connected components (Kosaraju and Sharir 1981).
fn components(edges: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut back = vec![BTreeSet::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for to in targets {
            back[*to].insert(from);
        }
    }
    let mut order = Vec::new();
    let mut seen = vec![false; edges.len()];
    for start in 0..edges.len() {
        visit(start, edges, &mut seen, &mut order);
    }
    seen.fill(false);
    let mut components = Vec::new();
    for start in order.into_iter().rev() {
        let mut component = Vec::new();
        visit(start, &back, &mut seen, &mut component);
        if !component.is_empty() {
            components.push(component.into_iter().collect());
        }
    }
    components
}

/// Adds what can be reached and was not seen yet, the farthest first.
fn visit(start: usize, edges: &[BTreeSet<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    for next in &edges[start] {
        visit(*next, edges, seen, order);
    }
    order.push(start);
}

fn problems(files: &[(&str, &str)], known: &[&str]) -> Vec<String> {
    let files: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    check(&files, known)
}

#[test]
fn an_import_from_above_is_caught_however_it_is_written() {
    for text in [
        "use crate::record::step::Recorder;",
        "use crate::{base::units::Step, record::step::Recorder};",
        "use crate::{\n    base::{ids::ShockId, units::Step},\n    record::{step::{Recorder}},\n};",
        "use crate::record::step::Recorder as Lines;",
        "fn f() { crate::record::step::Recorder::default(); }",
        "pub use super::super::record::step::Recorder;",
        "/* x */ #[cfg(test)]\nmod tests {\n    use crate::cli::run;\n}\nuse crate::record::step::Recorder;",
    ] {
        let found = problems(&[("engine/inbox/mod.rs", text)], &[]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let said = "src/engine/inbox/mod.rs imports crate::record::step::Recorder";
        assert!(found[0].starts_with(said) && found[0].contains("engine never imports record; move what"), "{found:?}");
    }
}

#[test]
fn what_is_no_import_is_not_caught() {
    for text in [
        "// use crate::record::step::Recorder;",
        "/// [`Recorder`](crate::record::step::Recorder)\nfn f() {}",
        "const TEXT: &str = \"crate::record::step\";",
        "const TEXT: &str = r#\"\" crate::record::step \"#;",
        "#[cfg(test)]\nmod tests {\n    use crate::record::step::Recorder;\n}",
        "#[cfg(test)]\nmod tests;\nuse crate::base::units::Step;",
        "use mycrate::record::step;",
        "use crate::base::units::{Step, Units};",
    ] {
        assert_eq!(problems(&[("engine/inbox.rs", text)], &[]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn bevy_and_scenarios_are_kept_where_they_belong() {
    let found = problems(&[("plan/mod.rs", "use bevy::prelude::World;")], &[]);
    assert!(found.len() == 1 && found[0].contains("plan works without Bevy"), "{found:?}");
    assert!(problems(&[("engine/mod.rs", "use bevy::prelude::World;")], &[]).is_empty());
    let tenant = "use crate::scenario::warehouse::sku::Shelves;";
    let found = problems(&[("batch/play.rs", tenant)], &[]);
    assert!(found.len() == 1 && found[0].contains("only scenario and plugins know the warehouse"), "{found:?}");
    assert!(problems(&[("plugins/mod.rs", tenant), ("scenario/mod.rs", tenant), ("lib.rs", tenant)], &[]).is_empty());
    let found = problems(&[("scenario/warehouse/sku.rs", "use crate::llm::prompt::Prompt;")], &[]);
    assert!(found.len() == 1 && found[0].contains("scenario never imports llm"), "{found:?}");
}

#[test]
fn a_circle_of_six_files_is_caught_and_one_of_five_is_not() {
    let circle = |size: usize| -> Vec<Source> {
        let next = |index: usize| format!("use crate::llm::f{}::X;\nuse super::f0::Y;", (index + 1) % size);
        (0..size).map(|index| Source::new(&format!("llm/f{index}.rs"), &next(index))).collect()
    };
    assert!(check(&circle(5), &[]).is_empty());
    let found = check(&circle(6), &[]);
    assert!(found.len() == 1 && found[0].contains("6 files") && found[0].contains("llm/f3.rs"), "{found:?}");
}
