//! Why a batch could not run, or could not go on.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::confine::Defect;
use crate::base::registration::PluginErrors;
use crate::config::ConfigErrors;
use crate::llm::prompt::PromptError;
use crate::llm::provider::backend::BackendError;
use crate::record::folder::ReadError;
use crate::record::pins::PinMismatch;

/// A file or folder that could not be written.
#[derive(Debug, Error)]
#[error("{} cannot be written", .path.display())]
pub struct WriteError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl WriteError {
    /// For `map_err` of an operation on `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError + '_ {
        |source| WriteError { path: path.to_owned(), source }
    }
}

/// A run that cannot be taken up where an earlier batch left it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the run {run_id} cannot go on from its cassette: {why}. Its records are as they were")]
pub struct ResumeError {
    /// The run.
    pub run_id: String,
    /// Why.
    pub why: String,
}

/// Why a batch could not run, or could not go on.
#[derive(Debug, Error)]
pub enum BatchError {
    /// Something is wrong with the plugins. Nothing was run.
    #[error(transparent)]
    Plugins(#[from] PluginErrors),
    /// The plan names what is not registered. Nothing was run.
    #[error(transparent)]
    Plan(#[from] ConfigErrors),
    /// The result folder holds results. Nothing was run.
    #[error(
        "{} already holds results; add --resume to complete them, name another folder with --output-dir, or add \
         --overwrite to replace the whole experiment",
        .0.display()
    )]
    Exists(PathBuf),
    /// The result folder is something else. Nothing was run, and it was not touched.
    #[error(
        "{} is not a result folder of this program ({why}), so it is not replaced; \
         move it away, or name another folder with --output-dir",
        .folder.display()
    )]
    Foreign {
        /// Which.
        folder: PathBuf,
        /// How that shows.
        why: &'static str,
    },
    /// Another batch is at work in the result folder. Nothing was run.
    #[error("another batch is still writing to {}; wait for it, or stop it first", .0.display())]
    InUse(PathBuf),
    /// The result folder cannot be made. Nothing was run.
    #[error("the result folder cannot be made; name another one with --output-dir")]
    Folder(#[source] WriteError),
    /// A record cannot be written, so the batch stopped.
    #[error(
        "the batch stopped: {complete} of {planned} runs are complete in {}; \
         make room or mend the permissions, and run it again with --resume, which goes on where it stopped, or with \
         --overwrite, which replaces the whole experiment",
        .folder.display()
    )]
    Write {
        /// Runs that are complete.
        complete: usize,
        /// Runs in the plan.
        planned: usize,
        /// The result folder.
        folder: PathBuf,
        /// What went wrong.
        source: WriteError,
    },
    /// The models of the plan cannot be asked. Nothing was run.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The configuration pins another world. Nothing was run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Pins(Vec<PinMismatch>),
    /// The results belong to another configuration. Nothing was run.
    #[error(
        "{} holds results of another configuration ({recorded} instead of {present}), so it cannot go on there; name \
         another folder with --output-dir, or add --overwrite to replace the whole experiment",
        .folder.display()
    )]
    OtherConfiguration {
        /// The result folder.
        folder: PathBuf,
        /// Digest of its configuration.
        recorded: String,
        /// Digest of the present one.
        present: String,
    },
    /// The results were made with other prompts, servers or plugins. Nothing was run.
    #[error(
        "{} cannot be completed as it was begun: {}; put that back as it was, name another folder with --output-dir, \
         or add --overwrite to replace the whole experiment",
        .folder.display(),
        .changes.join("; ")
    )]
    OtherCircumstances {
        /// The result folder.
        folder: PathBuf,
        /// What differs, a sentence each.
        changes: Vec<String>,
    },
    /// What an earlier batch recorded cannot be read. Nothing was run.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The user stopped it before the first run. Nothing was run.
    #[error("stopped before the first run; nothing was made, and no earlier results were touched")]
    Interrupted,
    /// A run cannot be taken up where it stopped.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A prompt asks for what there is not, in a step of a run.
    #[error("the batch stopped")]
    Prompt(#[from] PromptError),
    /// The batch itself has a defect.
    #[error("a defect of this program stopped the batch: {0}")]
    Defect(Defect),
}
