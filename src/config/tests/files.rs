//! Files and what they inherit: bad documents, bad files, bad chains.

use super::*;

#[test]
fn bad_documents() {
    for (text, expected) in [
        ("", "x.yaml: this document is empty"),
        ("# only a comment\n", "x.yaml: this document is empty"),
        ("---\n...\n", "x.yaml: this document is empty"),
        ("null", "x.yaml: this document is empty"),
        ("\n- a\n- b", "x.yaml:2: the document is a list (expected a mapping such as \"experiment:\")"),
        ("hello", "x.yaml:1: the document is text (expected a mapping such as \"experiment:\")"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: a second document starts here; write one document a file"),
        (
            "experiment:\n  name: x\n  seed: 1\n  name: y\n",
            "x.yaml:4: name: this key is already given at line 2; keep one of the two",
        ),
        ("experiment: !point {name: x}", "x.yaml:1: the tag !point is not supported; write the plain value"),
        ("experiment: {seed: !!int 3}", "x.yaml:1: the tag !!int is not supported; write the plain value"),
        (
            "a: &a {b: 1}\nc:\n  <<: *a",
            "x.yaml:3: merge keys (<<) are not supported; use inherit, or write the settings out",
        ),
        ("a: &a [*a]", "x.yaml:1: this alias stands inside the value that it refers to"),
        ("? [a, b]\n: 1", "x.yaml:1: a key must be a word, not a list or a mapping"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    for text in ["a: [1, 2", "a: b: c", "a: *nowhere", "a: \"open", "a:\n  b: 1\n c: 2", "%YAML 9.9\na: 1", "a: 'b' c"]
    {
        let message = error(text);
        assert!(message.starts_with("x.yaml:") && message.contains("not valid YAML"), "{text}: {message}");
    }
}

#[test]
fn strings_and_aliases_are_read_as_yaml_means_them() {
    let config = first("model: &m {name: !!str 12}\nagent: {model: *m}\ninterface: {prediction_mode: 'required'}", &[]);
    assert_eq!(config.model.name, "12");
    assert_eq!(first("simulation: {max_steps: 1e3, complexity_level: 0x2}", &[]).simulation.max_steps, 1000);
    assert_eq!(first("pe_induction.p_shock: 1", &[]).pe_induction.p_shock, 1.0, "a dotted key is a path");
    let crlf_and_mark = "\u{feff}experiment:\r\n  name: x\r\nmodel:\r\n  name: a\r\n";
    assert_eq!(Plan::new(loaded(crlf_and_mark, &[]).unwrap()).unwrap().run(0).config.model.name, "a");
}

#[test]
fn bombs_are_defused() {
    // Each level doubles the one before: 2^40 values in 2 KB.
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..40 {
        bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
    }
    assert!(error(&bomb).contains("more than 200000 values"), "{}", error(&bomb));
    // A long text used many times makes work every time.
    let long = format!("a: &a {}\ngrid: {{model.name: [{}]}}", "x".repeat(500_000), "*a, ".repeat(90_000));
    assert!(error(&long).contains("more than 200000 values"));
    let deep = |levels: usize| error(&format!("a: {}{}", "[".repeat(levels), "]".repeat(levels)));
    assert_eq!(deep(100), "x.yaml:1: the document is nested more than 64 levels deep");
    // The parser itself stops before it has counted as far as this.
    assert!(deep(5000).contains("recursion limit exceeded"));
    // Depth through aliases counts as well.
    let mut ladder = String::from("a0: &a0 [x]\n");
    for level in 1..100 {
        ladder.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(error(&ladder).contains("nested more than 64 levels deep"));
    let wide = format!("grid: {{model.name: [{}]}}", "1,".repeat(250_000));
    assert!(error(&wide).contains("more than 200000 values"));
    let unknown: String = (0..60_000).map(|key| format!("key{key}: 1\n")).collect();
    assert!(error(&unknown).ends_with("… and 59901 more errors"), "the missing name is one of them");
}

#[test]
fn bad_files() {
    let files = Files::new(&[("x.yaml", NAMED)]);
    files.write("big.yaml", &vec![b'#'; 10 << 20]);
    files.write("latin.yaml", b"experiment:\n  name: caf\xe9\n");
    let message = |name| files.load(name, &[]).unwrap_err();
    assert_eq!(message("none.yaml"), "none.yaml: there is no such file");
    assert_eq!(message("x.yaml/y.yaml").split(": ").next(), Some("x.yaml/y.yaml"));
    assert_eq!(message("big.yaml"), "big.yaml: this file is larger than 1 MiB, too large for a configuration");
    assert_eq!(message("latin.yaml"), "latin.yaml: this file is not valid UTF-8 at line 2, byte 23 of the file");
    fs::create_dir(files.path("folder")).unwrap();
    assert_eq!(message("folder"), "folder: this is a directory (expected a configuration file)");
}

#[test]
fn bad_inheritance() {
    let files = Files::new(&[
        ("self.yaml", "inherit: self.yaml"),
        ("a.yaml", "inherit: sub/b.yaml"),
        ("sub/b.yaml", "\ninherit: ../a.yaml"),
        ("gone.yaml", "inherit: nowhere.yaml\nmodel: {nam: x}"),
        ("absolute.yaml", "inherit: /etc/passwd"),
        ("list.yaml", "inherit: [a.yaml]"),
        ("broken.yaml", "inherit: bad.yaml"),
        ("bad.yaml", "x: ["),
    ]);
    let message = |name| files.load(name, &[]).unwrap_err();
    assert_eq!(
        message("self.yaml"),
        "self.yaml:1: inherit: self.yaml: the files inherit from each other in a circle: self.yaml -> self.yaml"
    );
    assert_eq!(
        message("a.yaml"),
        "sub/b.yaml:2: inherit: sub/../a.yaml: the files inherit from each other in a circle: a.yaml -> sub/b.yaml -> sub/../a.yaml"
    );
    assert_eq!(
        message("gone.yaml"),
        "gone.yaml:1: inherit: nowhere.yaml: there is no such file\ngone.yaml:2: model.nam: unknown key (did you mean model.name?)"
    );
    assert!(message("absolute.yaml").starts_with("absolute.yaml:1: inherit: /etc/passwd is an absolute path"));
    assert!(message("list.yaml").starts_with("list.yaml:1: inherit: [a.yaml] is a list"));
    assert!(message("broken.yaml").starts_with("bad.yaml:"));
    let chain: Vec<(String, String)> =
        (0..40).map(|i| (format!("{i}.yaml"), format!("inherit: {}.yaml", i + 1))).collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let message = Files::new(&chain).load("0.yaml", &[]).unwrap_err();
    assert_eq!(message, "15.yaml:1: inherit: 16.yaml: inherit reaches more than 16 files deep");
}
