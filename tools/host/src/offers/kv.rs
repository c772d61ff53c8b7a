//! `kv` and `kv-write`: the one table of a call.

use std::sync::Arc;

use playhouse_core::grant::Capability;
use playhouse_tools_disk::{Store, listed};

use crate::bindings::v0::playhouse::tool::kv as kv_v0;
use crate::bindings::v1::playhouse::tool::{kv, kv_write};
use crate::given::{Given, Keys};
use crate::guest::Guest;

/// Keys listed at once.
const LISTED_MAX: usize = 1_000;

impl kv_v0::Host for Guest {
    /// Version 0.1 has no errors here: what is withheld is not there, and what fails is a trap.
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        let given = self.reach(key.len())?;
        let found = match table(&given, Capability::Kv) {
            Ok(Keys::Fixed(table)) => table.get(&key).cloned(),
            Ok(Keys::Kept(store)) => {
                store.get(&key).map_err(|error| wasmtime::Error::msg(error.to_string()))?
            }
            Err(_) => None,
        };
        Ok(self.bring(found))
    }
}

impl kv::Host for Guest {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, String>> {
        let given = self.reach(key.len())?;
        let found = match table(&given, Capability::Kv) {
            Ok(Keys::Fixed(table)) => Ok(table.get(&key).cloned()),
            Ok(Keys::Kept(store)) => self.asked(store, move |store| store.get(&key)).await?,
            Err(why) => Err(why),
        };
        Ok(self.bring(found))
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, String>> {
        let given = self.reach(prefix.len())?;
        let found = match table(&given, Capability::Kv) {
            Ok(Keys::Fixed(table)) => {
                let limit = LISTED_MAX.min(limit as usize);
                Ok(listed(table.keys().map(String::as_str), &prefix, after.as_deref(), limit))
            }
            Ok(Keys::Kept(store)) => {
                self.asked(store, move |store| store.keys(&prefix, after.as_deref(), limit)).await?
            }
            Err(why) => Err(why),
        };
        Ok(self.bring(found))
    }
}

impl kv_write::Host for Guest {
    async fn put(&mut self, key: String, value: String) -> wasmtime::Result<Result<(), String>> {
        let given = self.reach(key.len() + value.len())?;
        let put = match table(&given, Capability::KvWrite) {
            Ok(Keys::Kept(store)) => self.asked(store, move |store| store.put(&key, &value)).await?,
            Ok(Keys::Fixed(_)) => Err("this table is only read".to_owned()),
            Err(why) => Err(why),
        };
        Ok(self.bring(put))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<bool, String>> {
        let given = self.reach(key.len())?;
        let deleted = match table(&given, Capability::KvWrite) {
            Ok(Keys::Kept(store)) => self.asked(store, move |store| store.delete(&key)).await?,
            Ok(Keys::Fixed(_)) => Err("this table is only read".to_owned()),
            Err(why) => Err(why),
        };
        Ok(self.bring(deleted))
    }
}

impl Guest {
    async fn asked<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
        &mut self,
        store: Arc<Store>,
        ask: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> wasmtime::Result<Result<T, String>> {
        let answer = self.blocking(move || ask(&store)).await?;
        Ok(answer.map_err(|error| error.to_string()))
    }
}

fn table(given: &Given, capability: Capability) -> Result<Keys, String> {
    if let Some(why) = given.withheld(capability) {
        return Err(why);
    }
    given.table.clone().ok_or_else(|| "no table is granted".to_owned())
}
