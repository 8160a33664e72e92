//! A Go program as a file: its executable comes in; its tables, where its runtime
//! keeps what is read, and its code come out, for wherever it was loaded.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BinaryCode;
use super::reader::Runtime;
use crate::binary::layout::{Layout, LayoutError};
use crate::binary::{Binary, BinaryError, Globals, GlobalsError};
use crate::model::LoadBias;

/// A program whose runtime is understood.
pub(super) struct Program {
    pub(super) binary: Arc<Binary>,
    layout: Layout,
    globals: Globals,
}

/// Why a program cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The executable is not one of Go's, or damaged.
    #[error("{}: {error}", path.display())]
    Binary {
        /// The executable.
        path: PathBuf,
        /// What is wrong with it.
        error: BinaryError,
    },
    /// Where the runtime's fields are is not known.
    #[error("{}: {error}", path.display())]
    Layout {
        /// The executable.
        path: PathBuf,
        /// What is not known.
        error: LayoutError,
    },
    /// Where the runtime's variables are is not known.
    #[error("{}: {error}", path.display())]
    Globals {
        /// The executable.
        path: PathBuf,
        /// What is not known.
        error: GlobalsError,
    },
}

impl Program {
    /// Opens the executable at `file`, which errors call `path`.
    pub(super) fn open(file: &Path, path: &Path) -> Result<Program, ProgramError> {
        let path = || path.to_owned();
        let binary = Binary::open(file).map_err(|error| ProgramError::Binary { path: path(), error })?;
        let layout = Layout::of(&binary).map_err(|error| ProgramError::Layout { path: path(), error })?;
        let globals =
            Globals::find(&binary, &layout).map_err(|error| ProgramError::Globals { path: path(), error })?;
        Ok(Program { binary: Arc::new(binary), layout, globals })
    }

    /// What a reader should know of how it was understood.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.layout.notes();
        notes.extend(self.globals.notes.iter().cloned());
        notes
    }

    /// Where its runtime keeps what is read, and its code.
    pub(super) fn loaded(&self, bias: LoadBias) -> (Runtime, BinaryCode) {
        let module = self.binary.module_data().address;
        let runtime = Runtime::new(self.layout.clone(), &self.globals, module, bias);
        (runtime, BinaryCode::new(Arc::clone(&self.binary), bias))
    }
}
