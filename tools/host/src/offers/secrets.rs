//! `secrets`: used by name, and never seen.

use hmac::{Hmac, KeyInit, Mac};
use playhouse_core::grant::Capability;
use sha2::Sha256;

use crate::bindings::v1::playhouse::tool::secrets::Host;
use crate::guest::Guest;

impl Host for Guest {
    fn is_granted(&mut self, name: String) -> wasmtime::Result<bool> {
        let given = self.host_call()?;
        let is_granted = given.withheld(Capability::Secrets).is_none() && given.secrets.contains_key(&name);
        Ok(self.hear(is_granted))
    }

    fn hmac_sha256(&mut self, name: String, payload: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let given = self.reach(payload.len())?;
        if let Some(why) = given.withheld(Capability::Secrets) {
            return Ok(self.hear(Err(why)));
        }
        let Some(secret) = given.secrets.get(&name).filter(|secret| secret.sign) else {
            return Ok(self.hear(Err(format!("no secret `{name}` is granted for signing"))));
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.value.expose().as_bytes())
            .map_err(|error| wasmtime::Error::msg(error.to_string()))?;
        mac.update(&payload);
        Ok(self.bring(Ok(mac.finalize().into_bytes().to_vec())))
    }
}
