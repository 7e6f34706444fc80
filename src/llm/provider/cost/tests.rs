//! Tests of prices and costs.

use crate::config::prices::load_prices;
use crate::config::{Overrides, load};
use crate::llm::provider::cost::*;

const PRICES: Prices = Prices { prompt: 2.0, completion: 10.0, cache_read: Some(0.5), cache_write: Some(2.5) };

fn flat(prompt: f64) -> Prices {
    Prices { prompt, completion: prompt, cache_read: None, cache_write: None }
}

fn usage(input: u64, output: u64, read: Option<u64>, written: Option<u64>) -> Usage {
    Usage {
        input_tokens: Some(input),
        output_tokens: Some(output),
        cache_read_tokens: read,
        cache_write_tokens: written,
        reasoning_tokens: Some(1),
    }
}

#[test]
fn the_first_source_of_prices_wins() {
    let file = prices_file("m: {prompt_price_per_mtok: 2, completion_price_per_mtok: 2}").unwrap();
    let mut sources =
        PriceSources { flags: Some(flat(1.0)), file: Some(&file), entry: Some(flat(3.0)), models_api: Some(flat(4.0)) };
    let of = |sources: &PriceSources<'_>| {
        let pricing = Pricing::of("m", sources);
        (pricing.prices().map(|prices| prices.prompt), pricing.source())
    };
    assert_eq!(of(&sources), (Some(1.0), PricingSource::Override));
    sources.flags = None;
    assert_eq!(of(&sources), (Some(2.0), PricingSource::Override));
    assert_eq!(Pricing::of("other", &sources).prices(), Some(flat(3.0)), "the file does not know it");
    sources.file = None;
    sources.entry = None;
    assert_eq!(of(&sources), (Some(4.0), PricingSource::ModelsApi));
    assert_eq!(of(&PriceSources::default()), (None, PricingSource::Unknown));
}

#[test]
fn cached_tokens_have_their_own_price_where_there_is_one() {
    let with = |prices: Option<Prices>| Pricing { prices, source: PricingSource::Override };
    let cost = |prices, usage: &Usage| with(Some(prices)).cost(usage, None).map(|(cost, _)| rounded(cost));
    assert_eq!(cost(PRICES, &usage(1_000_000, 100_000, None, None)), Some(3.0));
    // 700,000 at 2, 200,000 at 0.5, 100,000 at 2.5, 100,000 at 10.
    assert_eq!(cost(PRICES, &usage(1_000_000, 100_000, Some(200_000), Some(100_000))), Some(2.75));
    assert_eq!(cost(flat(2.0), &usage(1_000_000, 0, Some(200_000), Some(100_000))), Some(2.0));
    assert_eq!(cost(PRICES, &usage(10, 0, Some(1 << 60), Some(5))), Some(5e-6), "no more is cached than was sent");
    assert_eq!(cost(flat(0.0), &usage(9, 9, None, None)), Some(0.0), "free is known");

    let unknown = Usage { output_tokens: None, ..usage(9, 9, None, None) };
    assert_eq!(cost(PRICES, &unknown), None, "not told is not zero");
    assert_eq!(with(None).cost(&usage(9, 9, None, None), None), None);
    assert_eq!(with(None).cost(&unknown, Some(0.25)), Some((0.25, PricingSource::ProviderReported)));
    assert_eq!(
        with(Some(PRICES)).cost(&usage(9, 9, None, None), Some(0.0)),
        Some((0.0, PricingSource::ProviderReported))
    );
    assert_eq!(serde_json::to_string(&PricingSource::Override).unwrap(), "\"override\"");
}

#[test]
fn the_most_a_call_can_cost() {
    let most = |prices| Pricing { prices: Some(prices), source: PricingSource::Override }.most(1_000_000, 200_000);
    assert_eq!(most(PRICES), Some(4.5), "all of it written into the cache");
    assert_eq!(most(flat(1.0)), Some(1.2));
    assert_eq!(Pricing::of("m", &PriceSources::default()).most(1, 1), None);
}

#[test]
fn prices_of_flags_go_together() {
    assert_eq!(flag_prices(None, None), Ok(None));
    assert_eq!(flag_prices(Some(1.0), Some(2.0)).unwrap().unwrap().completion, 2.0);
    assert!(flag_prices(Some(1.0), None).unwrap_err().contains("give both, or none"));
    assert!(flag_prices(Some(1.0), Some(-0.1)).unwrap_err().starts_with("--completion-price-per-mtok"));
    assert!(flag_prices(Some(f64::NAN), Some(1.0)).unwrap_err().starts_with("--prompt-price-per-mtok"));
}

#[test]
fn prices_of_openrouters_list() {
    let body = r#"{"data": [
        {"id": "openai/gpt-4o", "name": "GPT-4o", "context_length": 128000, "pricing": {"prompt": "0.0000025",
         "completion": "0.00001", "request": "0", "image": "0.003613", "input_cache_read": "0.00000125"}},
        {"id": "qwen/qwen3-32b:free", "pricing": {"prompt": "0", "completion": "0"}},
        {"id": "number/one", "pricing": {"prompt": 1e-7, "completion": 3e-7}},
        {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "half/known", "pricing": {"prompt": "0.1"}},
        {"id": "vllm/like", "object": "model"}, null
    ]}"#;
    let prices = models_api(body).unwrap();
    let gpt = Prices { prompt: 2.5, completion: 10.0, cache_read: Some(1.25), cache_write: None };
    assert_eq!(prices["openai/gpt-4o"], gpt);
    assert_eq!(prices["qwen/qwen3-32b:free"], flat(0.0));
    assert_eq!(prices["number/one"].completion, 0.3);
    assert_eq!(prices.len(), 3);
    assert!(models_api("<html>").unwrap_err().starts_with("this is no list of models"));
    assert!(models_api("[]").is_err() && models_api("{}").is_err());
}

fn prices_file(text: &str) -> Result<PriceList, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.yaml");
    std::fs::write(&path, text).unwrap();
    load_prices(&path).map_err(|errors| errors.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn a_file_of_prices_is_yaml_or_json() {
    let yaml = "\"gpt-4o*\":\n  prompt_price_per_mtok: 2.5\n  completion_price_per_mtok: 10\n  cache_read_price_per_mtok: 1.25\nQwen/*: {prompt_price_per_mtok: 0, completion_price_per_mtok: 0}\n";
    let json = "{\n\t\"gpt-4o*\": {\"prompt_price_per_mtok\": 2.5, \"completion_price_per_mtok\": 10,\n\t\t\"cache_read_price_per_mtok\": 1.25},\n\t\"Qwen/*\": {\"prompt_price_per_mtok\": 0, \"completion_price_per_mtok\": 0.0}\n}\n";
    let list = prices_file(yaml).unwrap();
    assert_eq!(prices_file(json), Ok(list.clone()));
    let gpt = Prices { prompt: 2.5, completion: 10.0, cache_read: Some(1.25), cache_write: None };
    assert_eq!((list.prices_of("gpt-4o-mini"), list.prices_of("gpt-5")), (Some(gpt), None));
    assert_eq!(prices_file("{}"), Ok(PriceList::default()));
}

#[test]
fn mistakes_in_a_file_of_prices() {
    let text = "a: {prompt_price_per_mtok: -1, completion_price_per_mtok: 1}
b: {prompt_price_per_mtok: 1}
c: {prompt: 1}
d: {base_url: http://x, prompt_price_per_mtok: 1, completion_price_per_mtok: 1}
e: 5
";
    insta::assert_snapshot!(prices_file(text).unwrap_err(), @r#"
    prices.yaml:1: a.prompt_price_per_mtok: -1 is out of range (expected a number from 0 to 1000000, or null)
    prices.yaml:1: a.completion_price_per_mtok: prices come as prompt_price_per_mtok and completion_price_per_mtok; give both, or none
    prices.yaml:2: b.prompt_price_per_mtok: prices come as prompt_price_per_mtok and completion_price_per_mtok; give both, or none
    prices.yaml:3: c.prompt: unknown key
    prices.yaml:4: d: this file holds prices alone; other keys belong under providers in an experiment file
    prices.yaml:5: e: this is no section (expected keys such as base_url: http://localhost:8000/v1)
    "#);
    assert_eq!(
        prices_file("a:\n").unwrap_err(),
        "prices.yaml:1: a: prices are missing (expected prompt_price_per_mtok and completion_price_per_mtok)"
    );
    assert!(prices_file("[1]").unwrap_err().contains("prices.yaml: this is no list of prices"));
    assert!(
        load_prices(std::path::Path::new("no/such/file")).unwrap_err().to_string().contains("there is no such file")
    );
}

#[test]
fn what_has_no_price_cannot_be_limited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    let text = "experiment: {name: x}\ngrid:\n  model.name: [a/b, heuristic, c/d]\n  limits.run_cost: [null, 2]\n";
    std::fs::write(&path, text).unwrap();
    let plan = |set: &[&str]| {
        let set = set.iter().map(|&text| text.to_owned()).collect();
        Plan::new(load(&path, &Overrides { set, ..Overrides::default() }).unwrap()).unwrap()
    };
    let is_priced = |name: &str| name != "a/b";
    let refused = check_cost_limits(&plan(&["limits.cost=0.5"]), is_priced).unwrap_err().to_string();
    assert_eq!(refused.lines().count(), 2, "{refused}");
    assert!(refused.contains("--set limits.cost=0.5: limits.cost: what a/b costs is not known"), "{refused}");
    assert!(refused.contains("x.yaml:4: limits.run_cost: what a/b costs is not known"), "{refused}");
    assert!(check_cost_limits(&plan(&["limits.run_cost=null"]), is_priced).is_ok());
    assert!(check_cost_limits(&plan(&[]), |_| true).is_ok());
}
