//! The door for the front: one question, one answer.

use std::cell::RefCell;

use crate::Adapter;
use crate::bindings::exports::playhouse::adapter::inside::{Answered, Guest, Question};
use crate::bindings::exports::wasi::http::types;
use crate::body::State;
use crate::cli::Lines;
use crate::fields::told;
use crate::outgoing::problems;
use crate::request::{is_path, method_of};
use crate::response::{IncomingRequest, OutgoingResponse, ResponseOutparam, answer};

impl Guest for Adapter {
    fn ask(question: Question) -> Result<(types::IncomingRequest, types::ResponseOutparam), String> {
        let Question { method, path, headers, body } = question;
        if !path.starts_with('/') || !is_path(&path) {
            return Err(
                "`path` must begin with `/` and hold no spaces and no `#`, for example \"/search?q=tea\""
                    .to_owned(),
            );
        }
        let (method, headers, body) = (method_of(&method), told(headers), RefCell::new(Some(body)));
        let request = types::IncomingRequest::new(IncomingRequest { method, path, headers, body });
        Ok((request, types::ResponseOutparam::new(ResponseOutparam)))
    }

    fn answer() -> Result<Answered, String> {
        // A last line that does not end.
        Lines::Out.flush();
        Lines::Err.flush();
        let problems = problems();
        let because =
            || if problems.is_empty() { String::new() } else { format!(" ({})", problems.join("; ")) };
        let OutgoingResponse { status, headers, body } = match answer() {
            None => return Err(format!("the component returned without an answer{}", because())),
            Some(Err(code)) => {
                return Err(format!("the component answered with an error: {code:?}{}", because()));
            }
            Some(Ok(response)) => response,
        };
        if matches!(body.state(), State::Open | State::Broken) {
            return Err(format!("the component did not finish the body of its answer{}", because()));
        }
        Ok(Answered { status: status.get(), headers, body: body.take(), problems })
    }
}
