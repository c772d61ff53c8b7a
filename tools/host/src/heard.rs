//! What the host answered a guest, as one digest: with the arguments and the component it is all that a call depends on.

use sha2::{Digest, Sha256};

use crate::bindings::v1::playhouse::tool::{files, files_write, http, tools};

/// A running digest over answers, in order.
#[derive(Debug, Default)]
pub(crate) struct Heard(Option<Sha256>);

impl Heard {
    /// Adds an answer; how many bytes it has.
    pub(crate) fn add(&mut self, answer: &impl Answer) -> u64 {
        let mut page = Page { hash: self.0.get_or_insert_default(), bytes: 0 };
        answer.write(&mut page);
        page.bytes
    }

    /// In hex; `None` if nothing was answered.
    pub(crate) fn digest(self) -> Option<String> {
        self.0.map(|hash| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Where an answer is written down.
pub(crate) struct Page<'a> {
    hash: &'a mut Sha256,
    bytes: u64,
}

impl Page<'_> {
    /// Content, with its length before it, so that no two answers are written alike.
    fn content(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }

    fn number(&mut self, number: u64) {
        self.hash.update(number.to_le_bytes());
    }
}

/// What can be answered.
pub(crate) trait Answer {
    /// Writes it down, in a way that tells it from every other answer of its type.
    fn write(&self, page: &mut Page<'_>);
}

impl Answer for () {
    fn write(&self, _: &mut Page<'_>) {}
}

impl Answer for bool {
    fn write(&self, page: &mut Page<'_>) {
        page.number(u64::from(*self));
    }
}

impl Answer for u64 {
    fn write(&self, page: &mut Page<'_>) {
        page.number(*self);
    }
}

impl Answer for String {
    fn write(&self, page: &mut Page<'_>) {
        page.content(self.as_bytes());
    }
}

impl Answer for Vec<u8> {
    fn write(&self, page: &mut Page<'_>) {
        page.content(self);
    }
}

impl Answer for Vec<String> {
    fn write(&self, page: &mut Page<'_>) {
        page.number(self.len() as u64);
        self.iter().for_each(|text| text.write(page));
    }
}

impl Answer for Vec<files::Info> {
    fn write(&self, page: &mut Page<'_>) {
        page.number(self.len() as u64);
        self.iter().for_each(|info| info.write(page));
    }
}

impl<T: Answer> Answer for Option<T> {
    fn write(&self, page: &mut Page<'_>) {
        page.number(u64::from(self.is_some()));
        self.iter().for_each(|answer| answer.write(page));
    }
}

impl<T: Answer, E: Answer> Answer for Result<T, E> {
    fn write(&self, page: &mut Page<'_>) {
        page.number(u64::from(self.is_ok()));
        match self {
            Ok(answer) => answer.write(page),
            Err(error) => error.write(page),
        }
    }
}

impl Answer for files::Info {
    fn write(&self, page: &mut Page<'_>) {
        let Self { name, is_folder, size, modified_ms, version } = self;
        name.write(page);
        is_folder.write(page);
        size.write(page);
        modified_ms.write(page);
        version.write(page);
    }
}

impl Answer for files::Error {
    fn write(&self, page: &mut Page<'_>) {
        page.number(*self as u64);
    }
}

impl Answer for files_write::Error {
    fn write(&self, page: &mut Page<'_>) {
        page.number(*self as u64);
    }
}

impl Answer for http::Response {
    fn write(&self, page: &mut Page<'_>) {
        let Self { status, headers, body, truncated, url } = self;
        page.number(u64::from(*status));
        page.number(headers.len() as u64);
        for (name, value) in headers {
            name.write(page);
            value.write(page);
        }
        body.write(page);
        truncated.write(page);
        url.write(page);
    }
}

impl Answer for http::Error {
    fn write(&self, page: &mut Page<'_>) {
        page.number(self.kind as u64);
        self.message.write(page);
    }
}

impl Answer for tools::Error {
    fn write(&self, page: &mut Page<'_>) {
        let Self { kind, message, retry_after_ms } = self;
        kind.write(page);
        message.write(page);
        retry_after_ms.map(u64::from).write(page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest<const N: usize>(answers: [&dyn Fn(&mut Page<'_>); N]) -> Option<String> {
        let mut heard = Heard::default();
        for write in answers {
            write(&mut Page { hash: heard.0.get_or_insert_default(), bytes: 0 });
        }
        heard.digest()
    }

    #[test]
    fn different_answers_have_different_digests_and_no_answer_has_none() {
        assert_eq!(digest([]), None);
        let text = |text: &'static str| move |page: &mut Page<'_>| text.to_owned().write(page);
        let (ab, a, b) = (text("ab"), text("a"), text("b"));
        assert_eq!(digest([&ab]), digest([&ab]));
        assert_ne!(digest([&ab]), digest([&a, &b]), "where one ends and the next begins counts");
        assert_ne!(digest([&a, &b]), digest([&b, &a]));
        let found = |page: &mut Page<'_>| Ok::<_, String>(Some("a".to_owned())).write(page);
        let failed = |page: &mut Page<'_>| Err::<Option<String>, _>("a".to_owned()).write(page);
        assert_ne!(digest([&found]), digest([&failed]));
    }

    #[test]
    fn the_bytes_of_an_answer_are_those_of_its_content() {
        let mut heard = Heard::default();
        assert_eq!(heard.add(&Ok::<_, String>(vec!["abc".to_owned(), "de".to_owned()])), 5);
        assert_eq!(heard.add(&7_u64), 0);
    }
}
