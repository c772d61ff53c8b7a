//! A resolver that answers as scripted.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::IpAddr,
    sync::Mutex,
};

use async_trait::async_trait;
use playhouse_tools_http::Resolver;

/// Names, each with the answers to come; the last one stays.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>,
    /// The answer of every name that is not scripted.
    others: Mutex<Option<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    /// Every name answers with one address for ever.
    pub(crate) fn of<const N: usize>(names: [(&str, &str); N]) -> Self {
        let script = Self::default();
        names.into_iter().for_each(|(name, address)| script.plays(name, [vec![address.parse().unwrap()]]));
        script
    }

    /// From now on `name` has these answers, one after the other.
    pub(crate) fn plays(&self, name: &str, answers: impl IntoIterator<Item = Vec<IpAddr>>) {
        self.answers.lock().unwrap().insert(name.into(), answers.into_iter().collect());
    }

    /// Forgets every script; from now on all names are `address`.
    pub(crate) fn forgets(&self, address: &str) {
        self.answers.lock().unwrap().clear();
        *self.others.lock().unwrap() = Some(address.parse().unwrap());
    }

    /// The names that were asked for since this was last called.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl Resolver for Script {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.into());
        let mut answers = self.answers.lock().unwrap();
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "no such name");
        let Some(coming) = answers.get_mut(name) else {
            return self.others.lock().unwrap().map(|address| vec![address]).ok_or_else(unknown);
        };
        if coming.len() > 1 { coming.pop_front() } else { coming.front().cloned() }.ok_or_else(unknown)
    }
}
