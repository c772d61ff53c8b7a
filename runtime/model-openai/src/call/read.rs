//! From an answer to a reply: whole or streamed, one path through the accumulator.

use playhouse_core::model::{ModelError, ModelErrorKind as Kind, Reply};
use playhouse_openai_wire::{self as wire, DONE};
use playhouse_ports::Deltas;
use reqwest::{Response, header::CONTENT_TYPE};

use super::{
    OpenAi,
    body::{Body, Trouble},
};
use crate::{
    accumulate::{Accumulator, Incomplete, whole},
    failure::Detail,
    sse::{Decoder, Event},
    wait::Waits,
};

/// How an answer comes. The provider's word counts: some ignore `stream`, in both directions.
enum Shape {
    Stream,
    Whole,
    Page,
}

impl Shape {
    fn of(response: &Response, asked_to_stream: bool) -> Self {
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim() {
            "text/event-stream" => Self::Stream,
            "application/json" => Self::Whole,
            "text/html" => Self::Page,
            _ if asked_to_stream => Self::Stream,
            _ => Self::Whole,
        }
    }
}

/// What a stream's event leads to.
enum Next {
    More,
    Done,
}

impl OpenAi {
    /// Reads the answer whose head is here.
    pub(super) async fn read(
        &self,
        response: Response,
        waits: Waits,
        deltas: &Deltas,
    ) -> Result<Reply, ModelError> {
        let shape = Shape::of(&response, self.config.stream);
        let mut body = Body::new(response, waits, self.config.max_reply_bytes);
        match shape {
            Shape::Stream => self.read_stream(body, deltas).await,
            Shape::Whole => self.read_whole(body, deltas).await,
            Shape::Page => {
                let piece = body.next().await.ok().flatten();
                let begin = piece.as_ref().map_or(&b""[..], AsRef::as_ref);
                Err(self.place.garbage("sent a web page instead of an answer; check `base_url`", begin))
            }
        }
    }

    async fn read_whole(&self, mut body: Body, deltas: &Deltas) -> Result<Reply, ModelError> {
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await.map_err(|trouble| self.trouble(trouble))? {
            bytes.extend_from_slice(piece.as_ref());
        }
        let response: wire::ChatResponse = serde_json::from_slice(&bytes)
            .map_err(|error| self.place.garbage(&format!("sent no answer ({error})"), &bytes))?;
        if let Some(error) = &response.error {
            return Err(self.place.reported(&Detail::of_json(error)));
        }
        let mut reply = Accumulator::default();
        self.push(&mut reply, whole(response), deltas)?;
        reply.done();
        self.finish(reply)
    }

    async fn read_stream(&self, mut body: Body, deltas: &Deltas) -> Result<Reply, ModelError> {
        let mut decoder = Decoder::new(self.config.max_line_bytes);
        let mut reply = Accumulator::default();
        let mut events = Vec::new();
        loop {
            let piece = match body.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                // Only the usage and `[DONE]` can be missing.
                Err(_) if reply.complete() => break,
                Err(trouble) => return Err(self.trouble(trouble)),
            };
            decoder.push(piece.as_ref(), &mut events).map_err(|_| self.too_long())?;
            for event in events.drain(..) {
                if let Next::Done = self.take(event, &mut reply, deltas)? {
                    return self.finish(reply);
                }
            }
        }
        if let Some(event) = decoder.finish() {
            // Half an event means that the stream was cut, and `finish` says so.
            let _ = self.take(event, &mut reply, deltas);
        }
        self.finish(reply)
    }

    /// Takes one event of a stream.
    fn take(&self, event: Event, reply: &mut Accumulator, deltas: &Deltas) -> Result<Next, ModelError> {
        let data = event.data.trim_ascii();
        if event.name == "error" {
            return Err(self.place.reported(&Detail::of(data)));
        }
        if data == DONE.as_bytes() {
            reply.done();
            return Ok(Next::Done);
        }
        if data.is_empty() {
            return Ok(Next::More);
        }
        let chunk: wire::ChatChunk = serde_json::from_slice(data).map_err(|error| {
            self.place.garbage(&format!("sent an event that is no chunk ({error})"), data)
        })?;
        if let Some(error) = &chunk.error {
            return Err(self.place.reported(&Detail::of_json(error)));
        }
        self.push(reply, chunk, deltas)?;
        Ok(Next::More)
    }

    fn push(
        &self,
        reply: &mut Accumulator,
        chunk: wire::ChatChunk,
        deltas: &Deltas,
    ) -> Result<(), ModelError> {
        let news = reply.push(chunk).map_err(|problem| self.incomplete(problem))?;
        news.into_iter().for_each(|delta| deltas(delta));
        Ok(())
    }

    fn finish(&self, reply: Accumulator) -> Result<Reply, ModelError> {
        let reply = reply.finish(&self.config.model).map_err(|problem| self.incomplete(problem))?;
        tracing::debug!(model = %self.config.name, usage = ?reply.usage, finish = ?reply.finish, "reply complete");
        Ok(reply)
    }

    fn incomplete(&self, problem: Incomplete) -> ModelError {
        let kind = match problem {
            Incomplete::Cut => Kind::Network,
            Incomplete::Failed => Kind::Unavailable,
            Incomplete::NoChoices | Incomplete::TooManyCalls => Kind::BadResponse,
        };
        self.place.error(kind, &format!("gave no reply: {problem}; try again"))
    }

    fn trouble(&self, trouble: Trouble) -> ModelError {
        match trouble {
            Trouble::Passed(passed) => self.place.timeout(passed),
            Trouble::Broken(error) => self.place.network(error, self.config.timeouts.connect_ms),
            Trouble::TooLong => {
                let bytes = self.config.max_reply_bytes;
                self.place
                    .error(Kind::BadResponse, &format!("sent more than {bytes} bytes (`max_reply_bytes`)"))
            }
        }
    }

    fn too_long(&self) -> ModelError {
        let bytes = self.config.max_line_bytes;
        self.place
            .error(Kind::BadResponse, &format!("sent a line of more than {bytes} bytes (`max_line_bytes`)"))
    }
}
