//! `manifest.json`: what a result folder holds, what made it, and whether it is all there.
//!
//! Made by the batch when it starts and again when it ends. Besides `experiment.log` and `connections.jsonl` this is the only
//! record with times in it. It holds no value of the environment and nothing of the machine but the command line as given.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::folder::{Head, MANIFEST, ReadError, read_typed};
use super::pins::PinRecord;
use super::version::RecordVersion;
use crate::agent::scripted;
use crate::base::hex::{SHA_256, hex};
use crate::base::registration::PluginRecord;
use crate::config::schema;
use crate::config::schema::Status;
use crate::config::settings::SeedPolicy;
use crate::config::{Experiment, SourceFile};
use crate::engine::state_hash;
use crate::llm::provider::backend::{Backends, ModelRecord};
use crate::llm::provider::transport::exchange;
use crate::llm::record::OUTPUT_HEAD_CHARS;
use crate::plan::Plan;
use crate::plan::registered::Registered;
use crate::scenario::warehouse::{customer, spawn};
use crate::shock::{family, strike};

/// What a manifest says made it: by this a result folder is known as one of ours.
pub const PROGRAM: &str = "vendomini";

/// How far the batch came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// It is at work, or was killed.
    Running,
    /// Every planned run ended by the rules.
    Complete,
    /// The user stopped it.
    Cancelled,
    /// A run hit a defect, or a file could not be written.
    Failed,
}

impl BatchStatus {
    /// Its word in the manifest.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            BatchStatus::Running => "running",
            BatchStatus::Complete => "complete",
            BatchStatus::Cancelled => "cancelled",
            BatchStatus::Failed => "failed",
        }
    }
}

/// Digest of the running program's file, read once.
static BINARY: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut file = File::open(std::env::current_exe().ok()?).ok()?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece).ok()? {
            0 => break,
            read => hasher.update(&piece[..read]),
        }
    }
    Some(hex(&hasher.finalize()))
});

/// The commit that the program was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Build {
    /// Version of the package.
    pub version: Cow<'static, str>,
    /// The commit; `unknown` for a build without git.
    pub commit: Cow<'static, str>,
    /// Whether the sources differed from the commit; null where that is unknown.
    pub dirty: Option<bool>,
    /// SHA-256 of the program's file; null where it cannot be read.
    #[schemars(regex(pattern = SHA_256))]
    pub binary_sha256: Option<Cow<'static, str>>,
}

impl Build {
    /// This program.
    #[must_use]
    pub fn this() -> Build {
        Build {
            version: env!("CARGO_PKG_VERSION").into(),
            commit: option_env!("VENDOMINI_COMMIT").unwrap_or("unknown").into(),
            dirty: option_env!("VENDOMINI_DIRTY").map(|dirty| dirty == "true"),
            binary_sha256: BINARY.as_deref().map(Cow::from),
        }
    }
}

/// Where the configuration came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigurationRecord {
    /// The files, the named one first.
    pub files: Vec<FileRecord>,
    /// SHA-256 of what they and the command line came to: see [`digest`].
    #[schemars(description = "SHA-256 of what they and the command line came to.", regex(pattern = SHA_256))]
    pub sha256: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileRecord {
    /// Its path as given.
    pub path: String,
    /// SHA-256 of its bytes.
    #[schemars(regex(pattern = SHA_256))]
    pub sha256: String,
}

impl From<&SourceFile> for FileRecord {
    fn from(file: &SourceFile) -> FileRecord {
        FileRecord { path: file.path.clone(), sha256: file.sha256.clone() }
    }
}

/// What all draws follow from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeedRecord {
    /// The experiment's seed; null where it is an axis of the grid.
    pub experiment_seed: Option<u64>,
    /// Which cells share draws.
    #[schemars(with = "SeedPolicy")]
    pub seed_policy: Value,
    /// Axes that do not change the draws.
    #[schemars(with = "Vec<String>")]
    pub paired_over: Value,
    /// The streams of draws and their versions.
    pub streams: BTreeMap<String, u32>,
}

/// The language models of a plan, and how they are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelsRecord {
    /// Each of them.
    pub models: Vec<ModelRecord>,
    /// SHA-256 of each prompt, by folder and file.
    pub prompts: BTreeMap<String, BTreeMap<String, String>>,
    /// Names of the environment variables that were used. No values.
    pub environment: BTreeSet<String>,
    /// What records cut, and where.
    pub truncation: Truncation,
}

/// What records cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Truncation {
    /// Characters of a reply that `provider_call` events repeat; `deliberations.jsonl` has all of it.
    pub output_head_chars: usize,
    /// Bytes that a reply may have.
    pub reply_bytes: usize,
    /// Bytes of the body of an error that are kept.
    pub error_body_bytes: usize,
}

const TRUNCATION: Truncation = Truncation {
    output_head_chars: OUTPUT_HEAD_CHARS,
    reply_bytes: exchange::MAX_BODY,
    error_body_bytes: exchange::MAX_ERROR_BODY,
};

/// How many runs there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// In the plan.
    pub planned: usize,
    /// With a complete folder under `runs/`.
    pub complete: usize,
    /// Broken off by a defect; their remains lie under `failed/`.
    pub failed: usize,
    /// By end reason.
    pub by_end_reason: BTreeMap<String, u64>,
}

/// `manifest.json`, in the order of its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of the record formats.
    pub schema_version: RecordVersion,
    /// [`PROGRAM`].
    #[schemars(description = "The program that made it.", extend("const" = PROGRAM))]
    pub program: Cow<'static, str>,
    /// Which build of it.
    #[serde(flatten)]
    pub build: Build,
    /// Name of the experiment.
    pub experiment: String,
    /// How far the batch came.
    pub status: BatchStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// How many runs there are.
    pub counts: Counts,
    /// The command line as given.
    pub command: Vec<String>,
    /// Where the configuration came from.
    pub configuration: ConfigurationRecord,
    /// What all draws follow from.
    pub seeds: SeedRecord,
    /// Name and version of the algorithm of `state_hash`.
    pub state_hash: Cow<'static, str>,
    /// The plugins that the program was made of, by name.
    pub plugins: Vec<PluginRecord>,
    /// The agents of the plan.
    pub agents: Vec<String>,
    /// Which world the configuration means, and whether it pins that.
    pub pins: Option<PinRecord>,
    /// The language models of the plan; absent when all agents are programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<ModelsRecord>,
    /// Worker threads.
    pub n_jobs: usize,
    /// When the batch began, in UTC.
    pub started: String,
    /// When it ended; null while it is at work.
    pub ended: Option<String>,
}

impl Manifest {
    /// The manifest of a batch that begins now, in a program with these plugins and what they register.
    #[must_use]
    pub fn new(
        plan: &Plan,
        n_jobs: usize,
        command: Vec<String>,
        plugins: Vec<PluginRecord>,
        registered: &Registered,
    ) -> Manifest {
        let experiment = plan.experiment();
        let setting = |path: &str| experiment.setting(path).cloned().unwrap_or(Value::Null);
        Manifest {
            schema_version: RecordVersion::CURRENT,
            program: PROGRAM.into(),
            build: Build::this(),
            experiment: experiment.name.clone(),
            status: BatchStatus::Running,
            error: None,
            counts: Counts { planned: plan.len(), ..Counts::default() },
            command,
            configuration: ConfigurationRecord {
                files: experiment.sources.iter().map(FileRecord::from).collect(),
                sha256: digest(experiment),
            },
            seeds: SeedRecord {
                experiment_seed: experiment.seed(),
                seed_policy: setting("experiment.seed_policy"),
                paired_over: setting("experiment.paired_over"),
                streams: streams(&registered.shocks),
            },
            state_hash: state_hash::ALGORITHM.into(),
            plugins,
            agents: plan.project(&["model.name"]).map(|cell| cell.config.model.name).collect(),
            pins: None,
            models: None,
            n_jobs,
            started: now(),
            ended: None,
        }
    }

    /// The manifest in a result folder; `None` where there is none, or another program's.
    ///
    /// # Errors
    /// When it cannot be read, or is of a version that this program does not read.
    pub fn read(folder: &Path) -> Result<Option<Manifest>, ReadError> {
        let path = folder.join(MANIFEST);
        if Head::at(&path)?.is_none_or(|head| head.program.as_deref() != Some(PROGRAM)) {
            return Ok(None);
        }
        read_typed(&path, "a manifest")
    }

    /// The plan has language models.
    pub fn of_models(&mut self, backends: &Backends) {
        self.models = Some(ModelsRecord {
            models: backends.records().to_vec(),
            prompts: backends.prompt_digests(),
            environment: backends.environment().clone(),
            truncation: TRUNCATION,
        });
    }

    /// The batch has ended.
    pub fn end(&mut self, status: BatchStatus, counts: Counts, error: Option<String>) {
        self.status = status;
        self.counts = counts;
        self.error = error;
        self.ended = Some(now());
    }
}

/// The present time in UTC to the millisecond, as RFC 3339 writes it.
#[must_use]
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The streams of draws in the simulation, of its scripted agents and of all shock families, with their versions.
/// The streams that the world of a run follows from, with their versions.
#[must_use]
pub fn world_streams() -> BTreeMap<String, u32> {
    let streams = spawn::STREAMS.iter().chain(&customer::STREAMS).chain(&strike::STREAMS);
    streams.map(|(name, version)| ((*name).to_owned(), *version)).collect()
}

fn streams(families: &[String]) -> BTreeMap<String, u32> {
    let fixed = spawn::STREAMS.iter().chain(&customer::STREAMS).chain(&strike::STREAMS).chain(&scripted::STREAMS);
    let families = families.iter().map(|name| (format!("shock.{name}"), family::STREAM_VERSION));
    fixed.map(|(name, version)| ((*name).to_owned(), *version)).chain(families).collect()
}

/// SHA-256 over the resolved configuration: each setting that means something to a run, the axes of the grid, the
/// steps at each level and the entries of `providers` as the files have them, a line each, as `path=JSON`. Where
/// results go, what the experiment as a whole may use and what the environment says are no part of it.
#[must_use]
pub fn digest(experiment: &Experiment) -> String {
    let mut hasher = Sha256::new();
    let mut line = |path: &str, value: &dyn std::fmt::Display| hasher.update(format!("{path}={value}\n"));
    for (path, value) in experiment.settings() {
        if schema::find(path).is_some_and(|entry| matches!(entry.status, Status::Used | Status::Resolved)) {
            line(path, value);
        }
    }
    for (level, steps) in experiment.max_steps_by_level() {
        line(&format!("max_steps_by_level.{level}"), steps);
    }
    for (pattern, entry) in experiment.providers().iter() {
        line(&format!("providers.{pattern}"), &serde_json::to_value(entry).expect("an entry has a JSON form"));
    }
    for axis in &experiment.axes {
        line(&format!("grid.{}", axis.path), &Value::Array(axis.values.clone()));
    }
    hex(&hasher.finalize())
}
