//! What `config_used.yaml` says is read back as it was, and no text makes loading panic.

use super::*;

#[test]
fn config_used_loads_again_to_the_same_configuration() {
    let cells = [
        "",
        "simulation: {initial_budget: 0.29, storage_fee: 0.07, bankrupt_below: -1234567.89}",
        "env: {p_customer_order: 0.1, complexity_level: 4}\npe_induction: {p_shock: 0.30000000000000004}",
        "demand: {sale_markup: 1.0e-7, max_failures: 3}\nmodel: {name: 'yes', temperature: 2}",
        "experiment: {name: '1e5', description: \"two\\nlines: # \\\"quoted\\\"\\ttab \\u202e end \", seed: 9007199254740991}",
        "experiment: {name: x, description: ''}\nmodel: {name: '0x10'}",
        "experiment: {name: x, description: ' null'}\nmodel: {name: '~'}\nmeasurement: {pe_windows: [9], windows_in_steps: true}",
        "experiment: {name: x, paired_over: []}\nmodel: {name: '1_000'}",
        "grid: {model.name: ['- a', 'a: b', '#c', '0o7', '.5', '+1', 'off', '2024-01-01', '<<', '1:30', '\"']}",
    ];
    for text in cells {
        let text = if text.contains("experiment:") { text.to_owned() } else { format!("{NAMED}{text}") };
        let plan = Plan::new(loaded(&text, &["experiment.replications=3"]).unwrap()).unwrap();
        for run in plan.runs() {
            let yaml = to_yaml(&run.config);
            let again = loaded(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
            assert_eq!(again.notices, [""; 0]);
            let again = Plan::new(again).unwrap();
            assert_eq!(again.len(), 1);
            assert_eq!(again.run(0).config, run.config, "{yaml}");
        }
    }
}

#[test]
fn line_ends_of_every_kind_survive_the_round_trip() {
    for description in ["\n a\n\n", "a\r\nb\r", "\u{85}", " \u{2028}a", "\u{2029}\n"] {
        let config = first("", &[&format!("experiment.description={}", Json::from(description))]);
        assert_eq!(config.experiment.description.as_deref(), Some(description));
        let again = Plan::new(loaded(&to_yaml(&config), &[]).unwrap()).unwrap().run(0).config;
        assert_eq!(again, config);
    }
}

proptest::proptest! {
    #[test]
    fn any_description_survives_the_round_trip(description in "\\PC{0,40}", name in "[ -~]{1,20}") {
        let set = [
            format!("experiment.description={}", serde_json::to_string(&description).unwrap()),
            format!("model.name={}", serde_json::to_string(&format!("a{name}")).unwrap()),
        ];
        let config = first("", &[&set[0], &set[1]]);
        proptest::prop_assert_eq!(config.experiment.description.as_deref(), Some(&*description));
        let again = Plan::new(loaded(&to_yaml(&config), &[]).unwrap()).unwrap().run(0).config;
        proptest::prop_assert_eq!(again, config);
    }

    /// Whatever stands in a file, loading ends in an experiment or in errors.
    #[test]
    fn no_text_makes_loading_panic(lines in proptest::collection::vec("(experiment|name|grid|[a-z]{1,3}|[-&*!|>%@`'\"\\[\\]{},:?# ~0-9.]{1,6}|\\PC{0,4}|\t|\n|: |- ){0,8}", 0..6)) {
        let _ = loaded(&lines.join("\n"), &[]);
        let _ = loaded(NAMED, &[&lines.concat(), &format!("model.name={}", lines.concat())]);
    }
}
