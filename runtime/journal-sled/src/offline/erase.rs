//! Destroying the key of a tenant.

use std::{path::Path, sync::Arc};

use playhouse_core::id::Tenant;
use serde::Serialize;

use super::still::Still;
use crate::{
    OpenError, Options,
    disk::RealDisk,
    keyring::{Keyring, KeyringError},
};

/// What [`erase`] did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Whether there was a key. If not, nothing of this tenant is sealed, or it was erased before.
    pub erased: bool,
    /// Tenants that have a key now.
    pub left: Vec<Tenant>,
}

/// Destroys every key of `tenant` in `dir`, in both copies and durably: what was sealed for it reads as erased
/// from now on, here and wherever copies of its data are without those of the key. This cannot be undone. What
/// was written while there was no master key was never sealed, and is not erased.
pub fn erase(dir: &Path, options: &Options, tenant: &Tenant) -> Result<Erased, OpenError> {
    let still = Still::open(dir, options)?;
    let failed = |error: KeyringError| OpenError::journal(dir, error.into_journal());
    let master = options.master.as_deref();
    let keys = Keyring::open(Arc::new(RealDisk), &still.place.journal(), master).map_err(failed)?;
    let erased = keys.destroy(tenant).map_err(failed)?;
    Ok(Erased { erased, left: keys.tenants() })
}
