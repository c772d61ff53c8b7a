//! Panics that the simulation throws, told from those that are bugs.

use std::sync::Once;

/// What an injected panic carries.
pub(crate) struct Injected;

impl Injected {
    /// Panics on purpose.
    pub(crate) fn panic() -> ! {
        std::panic::panic_any(Self)
    }

    /// From now on this process prints nothing about injected panics; about others as before.
    pub(crate) fn hush() {
        static HUSHED: Once = Once::new();
        HUSHED.call_once(|| {
            let print = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !info.payload().is::<Self>() {
                    print(info);
                }
            }));
        });
    }
}
